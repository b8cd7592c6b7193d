"""Tensors: how large each is, who writes and reads it, how long it lives, and what of it moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.program.kernel import Cause
from memsim.program.parts import Part
from memsim.program.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = ["TensorResult", "tensors_of"]


@dataclass(frozen=True, slots=True)
class TensorResult:
    """One stored tensor.

    Attributes
    ----------
    name : str
        Of a feature map the layer that writes it; of weights the kernel that reads them.
    kind : str
        ``input``, ``weight``, ``activation``, ``output``, or a library's ``scratch``.
    nbytes : int
    producers : tuple of str
        The kernels that write it, by their first layers: none for weights and inputs, several
        where parts of a concat are written where it lies.
    readers : tuple of str
        The kernels that read it, in order.
    first_kernel, last_kernel : str
        Between these it lives: from its write or first read to its last read. What leaves the
        network has been written when its last writer ends.
    compulsory_bytes : int
        Of weights and inputs fetched, of outputs written, once.
    spilled_bytes : int
        Written back, to be fetched again.
    reloaded_bytes : int
        Fetched again: what was spilled, and weights and inputs that were on chip before.

    Examples
    --------
    >>> import memsim
    >>> result = memsim.run("resnet18", machine="textbook", cache="256KiB")
    >>> sum(tensor.dram_bytes for tensor in result.tensors) == result.dram_bytes
    True
    >>> weights = next(tensor for tensor in result.tensors if tensor.kind == "weight")
    >>> weights.producers, weights.readers
    ((), ('conv1.conv',))
    """

    name: str
    kind: str
    nbytes: int
    producers: tuple[str, ...]
    readers: tuple[str, ...]
    first_kernel: str
    last_kernel: str
    compulsory_bytes: int
    spilled_bytes: int
    reloaded_bytes: int

    @property
    def producer(self) -> str:
        """The kernel that writes it first; empty for weights and inputs."""
        return self.producers[0] if self.producers else ""

    @property
    def dram_bytes(self) -> int:
        """Bytes of it that cross the DRAM interface."""
        return self.compulsory_bytes + self.spilled_bytes + self.reloaded_bytes

    def to_dict(self) -> dict[str, Any]:
        """Plain values with units in the keys."""
        return {
            "name": self.name,
            "kind": self.kind,
            "bytes": self.nbytes,
            "producers": list(self.producers),
            "readers": list(self.readers),
            "first_kernel": self.first_kernel,
            "last_kernel": self.last_kernel,
            "dram_bytes": self.dram_bytes,
            "compulsory_bytes": self.compulsory_bytes,
            "spilled_bytes": self.spilled_bytes,
            "reloaded_bytes": self.reloaded_bytes,
        }

    def row(self) -> dict[str, Any]:
        """Flat values."""
        return {
            **self.to_dict(),
            "producers": " ".join(self.producers),
            "readers": " ".join(self.readers),
        }


def tensors_of(program: Program, traffic: Ints, only: Part | None) -> tuple[TensorResult, ...]:
    """All tensors that some kernel accesses, in the order of their first access.

    Parameters
    ----------
    program : Program
    traffic : int64 array, tensors x causes
        Bytes, as :attr:`memsim.engines.cache.cachepass.CachePass.tensor_traffic`.
    only : Part or None
        Tell weights or feature maps alone.
    """
    tensor = program.cell_tensor[program.touch_cell].astype(np.int64)
    kernel = program.task_kernel[program.touch_task].astype(np.int64)
    written = _pairs(program, tensor, kernel, program.touch_write)
    read = _pairs(program, tensor, kernel, ~program.touch_write)
    named = [kernel.name for kernel in program.kernels]
    found: list[tuple[int, TensorResult]] = []
    for number, stored in enumerate(program.tensors):
        accessed = sorted({*written[number], *read[number]})
        if not accessed or only not in (None, _part(stored.kind)):
            continue
        result = TensorResult(
            name=stored.name,
            kind=stored.kind,
            nbytes=stored.nbytes,
            producers=tuple(named[each] for each in written[number]),
            readers=tuple(named[each] for each in read[number]),
            first_kernel=named[accessed[0]],
            last_kernel=named[accessed[-1]],
            compulsory_bytes=int(traffic[number, Cause.COMPULSORY]),
            spilled_bytes=int(traffic[number, Cause.SPILL]),
            reloaded_bytes=int(traffic[number, Cause.RELOAD]),
        )
        found.append((accessed[0], result))
    return tuple(result for _, result in sorted(found, key=lambda pair: pair[0]))


def _part(kind: str) -> Part:
    return Part.WEIGHTS if kind == "weight" else Part.FEATURE_MAPS


def _pairs(
    program: Program, tensor: Ints, kernel: Ints, chosen: NDArray[np.bool_]
) -> list[list[int]]:
    """For each tensor the kernels of the chosen touches, ascending and once each."""
    count = len(program.kernels)
    listed: list[list[int]] = [[] for _ in program.tensors]
    for pair in np.unique(tensor[chosen] * count + kernel[chosen]).tolist():
        listed[pair // count].append(pair % count)
    return listed
