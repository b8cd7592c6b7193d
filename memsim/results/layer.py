"""The facts of one kernel of a simulation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from memsim.engines.cache.cachepass import read_bytes, write_bytes
from memsim.program.kernel import Cause, Kernel, Role
from memsim.units import PICOSECONDS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


ROLES = tuple(role.name.lower() for role in Role)
CAUSES = tuple(cause.name.lower() for cause in Cause)


class Moved(NamedTuple):
    """Bytes that a kernel moves: summed up, by role and by cause."""

    read_bytes: int
    write_bytes: int
    by_role: list[int]
    by_cause: list[int]


def moved_by_each(moved: NDArray[np.int64]) -> Iterator[Moved]:
    """What each kernel moves, of kernels x roles x causes."""
    columns = read_bytes(moved), write_bytes(moved), moved.sum(axis=2), moved.sum(axis=1)
    return map(Moved._make, zip(*(column.tolist() for column in columns), strict=True))


def bound_of(time: int, compute: int, overhead: int) -> str:
    """What a time goes by with, of which the compute engine computes a part.

    ``overhead`` where more than half of it goes by before kernels start; ``memory`` where the
    compute engine waits for at least half of it, for loads or stores; ``compute`` where it waits
    for less than a tenth; ``both`` in between.

    Examples
    --------
    >>> bound_of(100, 100, 0), bound_of(100, 80, 0), bound_of(100, 50, 0), bound_of(100, 90, 51)
    ('compute', 'both', 'memory', 'overhead')
    """
    waits = time - compute
    if 2 * overhead > time:
        return "overhead"
    if waits and 2 * waits >= time:
        return "memory"
    return "compute" if 10 * waits < time or not waits else "both"


@dataclass(frozen=True, slots=True)
class LayerResult:
    """One kernel's share of the totals.

    Attributes
    ----------
    name, op : str
        The kernel's first layer and that layer's operator.
    layers : tuple of str
        All layers the kernel executes.
    ops : tuple of str
        Their operators.
    output_shape : tuple of int
        Batch, channels, height, width.
    dram_read_bytes, dram_write_bytes : int
        Fetched by this kernel; written back of what this kernel produced.
    dram_weight_bytes : int
        What of the fetches is weights; all else is feature maps.
    by_role, by_cause : dict
        The same bytes, split.
    macs, cio_elements : int
    params : int
        Learnable parameters of its layers.
    communication_bytes : int or None
        DRAM bytes that this convolution by itself would move at least on this machine, with its
        input and output in DRAM: information, and no floor for a network, which keeps tensors
        on chip (:mod:`memsim.engines.bounds.communication`). None where the kernel is no
        convolution.
    time_ps : int
        From the end of the previous kernel's computation to the end of this one's; the last
        kernel's includes the stores that remain. The column sums to the total time.
    compute_ps, dram_ps, stall_ps : int
        Compute engine busy; DRAM channel busy for its tasks; compute engine waiting.
    overhead_ps : int
        What of ``compute_ps`` goes by before the kernel starts.

    Examples
    --------
    >>> import memsim
    >>> first = memsim.run("resnet18").layers[0]
    >>> first.name, first.macs, first.bound
    ('conv1.conv', 118013952, 'compute')
    """

    name: str
    op: str
    layers: tuple[str, ...]
    ops: tuple[str, ...]
    output_shape: tuple[int, ...]
    dram_read_bytes: int
    dram_write_bytes: int
    dram_weight_bytes: int
    by_role: dict[str, int]
    by_cause: dict[str, int]
    macs: int
    params: int
    cio_elements: int
    communication_bytes: int | None
    time_ps: int
    compute_ps: int
    dram_ps: int
    stall_ps: int
    overhead_ps: int

    @classmethod
    def of(cls, kernel: Kernel, moved: Moved, **columns: Any) -> LayerResult:
        """The facts of a kernel, of what it moves and of columns found for all."""
        return cls(
            name=kernel.name,
            op=kernel.op.kind,
            layers=kernel.layers,
            output_shape=kernel.output.shape,
            dram_read_bytes=moved.read_bytes,
            dram_write_bytes=moved.write_bytes,
            dram_weight_bytes=moved.by_role[Role.WEIGHT],
            by_role=dict(zip(ROLES, moved.by_role, strict=True)),
            by_cause=dict(zip(CAUSES, moved.by_cause, strict=True)),
            **columns,
        )

    @property
    def dram_bytes(self) -> int:
        """Bytes read and written."""
        return self.dram_read_bytes + self.dram_write_bytes

    @property
    def dram_feature_map_bytes(self) -> int:
        """Bytes of feature maps read and written."""
        return self.dram_bytes - self.dram_weight_bytes

    @property
    def moc(self) -> float | None:
        """MACs over CIO; None where the kernel is no convolution."""
        return self.macs / self.cio_elements if self.cio_elements else None

    @property
    def bytes_per_mac(self) -> float | None:
        """DRAM bytes per MAC; None without MACs."""
        return self.dram_bytes / self.macs if self.macs else None

    @property
    def bound(self) -> str:
        """What the layer's time goes by with: see :func:`bound_of`."""
        return bound_of(self.time_ps, self.compute_ps, self.overhead_ps)

    def to_dict(self) -> dict[str, Any]:
        """Plain values with units in the keys."""
        return {
            "name": self.name,
            "op": self.op,
            "layers": list(self.layers),
            "ops": list(self.ops),
            "output_shape": list(self.output_shape),
            "dram_bytes": self.dram_bytes,
            "dram_read_bytes": self.dram_read_bytes,
            "dram_write_bytes": self.dram_write_bytes,
            "dram_weight_bytes": self.dram_weight_bytes,
            "dram_feature_map_bytes": self.dram_feature_map_bytes,
            "by_role": self.by_role,
            "by_cause": self.by_cause,
            "macs": self.macs,
            "params": self.params,
            "cio_elements": self.cio_elements,
            "communication_bytes": self.communication_bytes,
            "moc": self.moc,
            "bytes_per_mac": self.bytes_per_mac,
            "time_s": self.time_ps / PICOSECONDS,
            "compute_s": self.compute_ps / PICOSECONDS,
            "dram_s": self.dram_ps / PICOSECONDS,
            "stall_s": self.stall_ps / PICOSECONDS,
            "overhead_s": self.overhead_ps / PICOSECONDS,
            "bound": self.bound,
        }

    def row(self) -> dict[str, Any]:
        """Flat values: a column for each role and cause."""
        row = self.to_dict()
        split = {**row.pop("by_role"), **row.pop("by_cause")}
        row["layers"], row["ops"] = " ".join(row["layers"]), " ".join(row["ops"])
        row["output_shape"] = "x".join(map(str, row["output_shape"]))
        return {**row, **{f"{name}_bytes": amount for name, amount in split.items()}}
