"""What is fetched again, and why: which tensors leave the cache before their last reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.engines.cache.cachepass import by_cause
from memsim.program.kernel import Cause
from memsim.results.run import Result

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = ["Refetched", "refetched"]


@dataclass(frozen=True, slots=True)
class Refetched:
    """A tensor that crosses the DRAM interface more often than it has to.

    Attributes
    ----------
    tensor, kind : str
        As :class:`memsim.results.details.tensors.TensorResult` has them.
    nbytes : int
    spilled_bytes, reloaded_bytes : int
        Written back to be fetched again; fetched again.
    evicted_at, evicted_by : str
        The kernel in which most of what is written back leaves the cache, and the tensor that it
        then reads or writes, which takes the place. Empty where nothing is written back: it lies
        in DRAM as well, and when it leaves makes no traffic.
    last_used_at : str
        The kernel that touches most of what is fetched again for the last time before.
    needed_at : str
        The kernel that fetches most of it again.
    readers : int
        How many kernels fetch some of it again.
    """

    tensor: str
    kind: str
    nbytes: int
    spilled_bytes: int
    reloaded_bytes: int
    evicted_at: str
    evicted_by: str
    last_used_at: str
    needed_at: str
    readers: int

    @property
    def avoidable_bytes(self) -> int:
        """What a cache that keeps it would save."""
        return self.spilled_bytes + self.reloaded_bytes

    def to_dict(self) -> dict[str, Any]:
        """Plain values with units in the keys."""
        return {
            "tensor": self.tensor,
            "kind": self.kind,
            "bytes": self.nbytes,
            "spilled_bytes": self.spilled_bytes,
            "reloaded_bytes": self.reloaded_bytes,
            "evicted_at": self.evicted_at,
            "evicted_by": self.evicted_by,
            "last_used_at": self.last_used_at,
            "needed_at": self.needed_at,
            "readers": self.readers,
        }


def refetched(result: Result, most: int | None = None) -> tuple[Refetched, ...]:
    """The tensors that are fetched again, the one with most such traffic first.

    Parameters
    ----------
    result : Result
    most : int, optional
        How many at most.

    Examples
    --------
    >>> import memsim
    >>> result = memsim.run("resnet18", machine="textbook", cache="256KiB")
    >>> first = refetched(result)[0]
    >>> first.tensor, first.evicted_at, first.evicted_by, first.needed_at
    ('conv1.act', 'conv1.conv', 'conv1.act', 'maxpool1')
    >>> sum(each.avoidable_bytes for each in refetched(result)) == sum(
    ...     result.by_cause[cause] for cause in ("reload", "spill"))
    True
    """
    avoidable = [t for t in result.tensors if t.spilled_bytes + t.reloaded_bytes]
    avoidable.sort(key=lambda t: -(t.spilled_bytes + t.reloaded_bytes))
    if not avoidable:
        return ()
    seen = _Seen(result)
    return tuple(seen.told(tensor) for tensor in avoidable[:most])


class _Seen:
    """What the cache pass of a result tells of tensors."""

    def __init__(self, result: Result) -> None:
        program, moved = result.program, result.transfers
        self.names = [kernel.name for kernel in program.kernels]
        self.tensors = [tensor.name for tensor in program.tensors]
        owner = program.cell_tensor[program.touch_cell].astype(np.int64)
        kernel = program.task_kernel[program.touch_task].astype(np.int64)
        before = _touched_before(program.touch_cell, program.task_kernel[program.touch_task])
        flows = {cause: (flow, amount) for cause, flow, amount in by_cause(program, moved)[:3]}
        again, amount = flows[Cause.RELOAD]
        self.reload = _Sums(owner[again.of], [kernel[again.at], before[again.at]], amount)
        gone, amount = flows[Cause.SPILL]
        self.spill = _Sums(owner[gone.of], [kernel[gone.at], owner[gone.at]], amount)

    def told(self, tensor: Any) -> Refetched:
        number = self.tensors.index(tensor.name)
        gone, again = self.spill.most(number), self.reload.most(number)
        readers = self.reload.several(number)
        return Refetched(
            tensor.name,
            tensor.kind,
            tensor.nbytes,
            tensor.spilled_bytes,
            tensor.reloaded_bytes,
            self.names[gone[0]] if gone else "",
            self.tensors[gone[1]] if gone else "",
            self.names[again[1]] if again and again[1] >= 0 else "",
            self.names[again[0]] if again else "",
            readers,
        )


class _Sums:
    """Bytes by tensor and by two numbers."""

    def __init__(self, owner: Ints, by: Sequence[Ints], amount: Ints) -> None:
        kept = amount > 0
        keys = np.stack([owner, *by])[:, kept]
        order = np.lexsort(keys)
        keys = keys[:, order]
        new = np.ones(keys.shape[1], np.bool_)
        new[1:] = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
        self.keys = keys[:, new]
        first = np.flatnonzero(new)
        self.bytes = np.add.reduceat(amount[kept][order], first) if len(first) else amount[:0]

    def most(self, owner: int) -> tuple[int, int] | None:
        """The two numbers by which most bytes of a tensor go; None where none do."""
        rows = np.flatnonzero(self.keys[0] == owner)
        if not len(rows):
            return None
        row = rows[np.argmax(self.bytes[rows])]
        return int(self.keys[1, row]), int(self.keys[2, row])

    def several(self, owner: int) -> int:
        """How many first numbers there are."""
        return len(set(self.keys[1, self.keys[0] == owner].tolist()))


def _touched_before(cell: NDArray[np.int32], kernel: NDArray[np.int32]) -> Ints:
    """Per touch, the kernel of the touch before it of the same cell; -1 where it is the first."""
    order = np.argsort(cell, kind="stable")
    before = np.full(len(cell), -1, np.int64)
    same = cell[order[1:]] == cell[order[:-1]]
    before[order[1:][same]] = kernel[order[:-1][same]]
    return before
