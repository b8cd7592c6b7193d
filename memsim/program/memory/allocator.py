"""Allocators: the addresses of tensors in memory that a hardware cache sees.

Parameters and network inputs are laid out first and stay. When feature maps need memory, and which
of them share it, is said in :mod:`.lifetimes`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.program.memory.best_fit import Heap, aligned
from memsim.program.memory.heaps.cuda import CudaCaching
from memsim.program.memory.heaps.oldest import Oldest
from memsim.program.memory.lifetimes import Lifetime, lifetimes_of, taken_of
from memsim.program.program import Program
from memsim.progress import stage
from memsim.registry import Registry

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Where every tensor lies.

    Attributes
    ----------
    address : int64 array, per tensor of the program
        Bytes from the start; -1 for a tensor that is never touched.
    fixed_bytes : int
        Parameters, network inputs and scratch memory, at the start.
    peak_bytes : int
        The largest extent of all feature maps behind them.
    total_bytes : int
        The address space used.
    """

    address: Ints
    fixed_bytes: int
    peak_bytes: int

    @property
    def total_bytes(self) -> int:
        """The address space used, in bytes."""
        return self.fixed_bytes + self.peak_bytes


Allocator = Callable[[list[Lifetime]], dict[int, int]]
"""Lifetimes, in the order in which they begin -> offset of each tensor."""

ALLOCATORS: Registry[Allocator] = Registry("allocator")
"""Every allocator by name."""


def plan_memory(program: Program, allocator: str = "caching") -> MemoryPlan:
    """Give every tensor of a program an address.

    Of several frames the first one's: an allocator that is asked for the same sizes in the same
    order gives the same addresses again.

    Parameters
    ----------
    program : Program
    allocator : str
        A key of :data:`ALLOCATORS`.

    Examples
    --------
    >>> import memsim
    >>> program = memsim.build(memsim.load("resnet18"), buffer=512 * 1024)
    >>> [plan_memory(program, name).peak_bytes for name in ("fresh", "caching", "arena")]
    [10743744, 4014080, 4014080]
    """
    place, program = ALLOCATORS[allocator], program.one_frame
    address = np.full(len(program.tensors), -1, np.int64)
    fixed = 0
    for number, tensor in enumerate(program.tensors):
        if tensor.kind in ("weight", "input", "scratch"):
            address[number] = fixed
            fixed += aligned(tensor.nbytes)
    taken = taken_of(program)
    lifetimes = lifetimes_of(program, taken)
    with stage(f"places in memory, allocator {allocator}"):
        offsets = place(lifetimes)
    for lifetime in lifetimes:
        address[lifetime.tensor] = fixed + offsets[lifetime.tensor]
    for heir, share in taken.items():  # in program order, so the giver has its address
        address[heir] = address[share.giver] + share.offset
    peak = max((offsets[each.tensor] + each.size for each in lifetimes), default=0)
    return MemoryPlan(address, fixed, peak)


@ALLOCATORS.register("fresh")
def fresh(lifetimes: list[Lifetime]) -> dict[int, int]:
    """Never reuse memory.

    Examples
    --------
    >>> fresh([Lifetime(0, 64, 0, 1), Lifetime(1, 64, 2, 3)])
    {0: 0, 1: 64}
    """
    offsets, top = {}, 0
    for lifetime in lifetimes:
        offsets[lifetime.tensor] = top
        top += lifetime.size
    return offsets


@ALLOCATORS.register("caching")
def caching(lifetimes: list[Lifetime]) -> dict[int, int]:
    """Best fit among freed memory, neighbours merged: :class:`.Heap`.

    An ideal heap, in which nothing lies but feature maps.

    Examples
    --------
    >>> caching([Lifetime(0, 128, 0, 1), Lifetime(1, 64, 1, 4), Lifetime(2, 64, 2, 3)])
    {0: 0, 1: 128, 2: 0}
    """
    return _from(Heap(), lifetimes)


@ALLOCATORS.register("cuda")
def cuda(lifetimes: list[Lifetime]) -> dict[int, int]:
    """PyTorch's caching allocator on a GPU: :class:`.CudaCaching`.

    Examples
    --------
    >>> cuda([Lifetime(0, 128, 0, 1), Lifetime(1, 64, 1, 4), Lifetime(2, 64, 2, 3)])
    {0: 0, 1: 512, 2: 0}
    """
    return _from(CudaCaching(), lifetimes)


@ALLOCATORS.register("oldest")
def oldest(lifetimes: list[Lifetime]) -> dict[int, int]:
    """First the memory that was freed longest ago: :class:`.Oldest`, in the second of two passes.

    Examples
    --------
    >>> each = [Lifetime(0, 64, 0, 2), Lifetime(1, 64, 1, 1), Lifetime(2, 64, 3, 5)]
    >>> oldest(each)  # of 0 and 1, the second one was freed first
    {0: 0, 1: 64, 2: 64}
    """
    heap = Oldest()
    _from(heap, lifetimes, end=True)
    return _from(heap, lifetimes)


def _from(
    heap: Heap | CudaCaching | Oldest, lifetimes: list[Lifetime], end: bool = False
) -> dict[int, int]:
    """Ask a heap for memory, and give it back once no task needs it any more.

    At the ``end`` all of it is given back as well.
    """
    offsets: dict[int, int] = {}
    live: list[Lifetime] = []
    for lifetime in lifetimes:
        ended_before = [each for each in live if each.last < lifetime.first]
        for ended in sorted(ended_before, key=lambda each: each.last):
            heap.free(offsets[ended.tensor])
            live.remove(ended)
        offsets[lifetime.tensor] = heap.allocate(lifetime.size)
        live.append(lifetime)
    for left in live if end else ():
        heap.free(offsets[left.tensor])
    return offsets


@ALLOCATORS.register("arena")
def arena(lifetimes: list[Lifetime]) -> dict[int, int]:
    """Greedy by size, the largest first, each into the smallest gap that fits.

    The offline planner of inference runtimes: Pisarchyk and Lee, "Efficient Memory Management
    for Deep Neural Net Inference", arXiv:2001.03288 (greedy by size for offset calculation).

    Examples
    --------
    >>> arena([Lifetime(0, 64, 0, 1), Lifetime(1, 192, 1, 3), Lifetime(2, 64, 3, 4)])
    {1: 0, 0: 192, 2: 192}
    """
    placed: list[tuple[Lifetime, int]] = []
    for lifetime in sorted(lifetimes, key=lambda each: (-each.size, each.first)):
        beside = sorted(
            (offset, offset + other.size)
            for other, offset in placed
            if other.first <= lifetime.last and lifetime.first <= other.last
        )
        best, edge = None, 0
        for begin, end in beside:
            gap = begin - edge
            if gap >= lifetime.size and (best is None or gap < best[0]):
                best = (gap, edge)
            edge = max(edge, end)
        placed.append((lifetime, edge if best is None else best[1]))
    return {lifetime.tensor: offset for lifetime, offset in placed}
