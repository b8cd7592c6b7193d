"""Allocators: the addresses of tensors in memory that a hardware cache sees.

Parameters and network inputs are laid out first and stay. A feature map is allocated when its
kernel starts and freed after its last reader; an in-place operator that is its input's last
reader takes its input's address.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.network.ops.pointwise import BatchNorm
from memsim.program.program import Program
from memsim.registry import Registry

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

ALIGNMENT = 64
"""Bytes: tensors begin on a line, as PyTorch's CPU allocator and inference runtimes do it."""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """A feature map that needs memory while tasks ``first`` to ``last``, both included, run."""

    tensor: int
    size: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Where every tensor lies.

    Attributes
    ----------
    address : int64 array, per tensor of the program
        Bytes from the start; -1 for a tensor that is never touched.
    fixed_bytes : int
        Parameters and network inputs, at the start.
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
    place = ALLOCATORS[allocator]
    address = np.full(len(program.tensors), -1, np.int64)
    fixed = 0
    for number, tensor in enumerate(program.tensors):
        if tensor.kind in ("weight", "input"):
            address[number] = fixed
            fixed += aligned(tensor.nbytes)
    taken = _in_place(program)
    lifetimes = _lifetimes(program, taken)
    offsets = place(lifetimes)
    for lifetime in lifetimes:
        address[lifetime.tensor] = fixed + offsets[lifetime.tensor]
    for heir, giver in taken.items():  # in program order, so the giver has its address
        address[heir] = address[giver]
    peak = max((offsets[each.tensor] + each.size for each in lifetimes), default=0)
    return MemoryPlan(address, fixed, peak)


def aligned(size: int) -> int:
    """Bytes rounded up to :data:`ALIGNMENT`."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def _in_place(program: Program) -> dict[int, int]:
    """Tensors that take the address of another: output -> input, in program order.

    Activations, and the first operand of an add or mul: what PyTorch code writes as ``inplace``
    or ``+=``. A batch norm is not.
    """
    number = {tensor.name: i for i, tensor in enumerate(program.tensors)}
    last = program.tensor_spans[1]
    kernels = np.flatnonzero(np.diff(program.task_kernel, append=-1))  # last task of each kernel
    ends = {int(program.task_kernel[task]): int(task) for task in kernels}
    taken: dict[int, int] = {}
    for position, kernel in enumerate(program.kernels):
        if not kernel.op.elementwise or isinstance(kernel.op, BatchNorm):
            continue
        segments = kernel.operands[0].view.segments
        source = number[segments[0].tensor]
        target = number[kernel.output.name]
        if (
            len(segments) == 1
            and program.tensors[source].kind == "activation"
            and program.tensors[source].nbytes == program.tensors[target].nbytes
            and segments[0].stop - segments[0].start == program.tensors[source].shape[1]
            and last[source] <= ends[position]
        ):
            taken[target] = source
    return taken


def _lifetimes(program: Program, taken: dict[int, int]) -> list[Lifetime]:
    first, last = program.tensor_spans[0], program.tensor_spans[1].copy()
    for heir, giver in reversed(list(taken.items())):
        last[giver] = max(last[giver], last[heir])
    found = [
        Lifetime(
            number,
            aligned(tensor.nbytes),
            int(first[number]),
            program.tasks if tensor.kind == "output" else int(last[number]),
        )
        for number, tensor in enumerate(program.tensors)
        if tensor.kind in ("activation", "output") and number not in taken
    ]
    outputs = {heir for heir in taken if program.tensors[heir].kind == "output"}
    kept = {_root(heir, taken) for heir in outputs}
    found = [
        Lifetime(each.tensor, each.size, each.first, program.tasks) if each.tensor in kept else each
        for each in found
    ]
    return sorted(found, key=lambda lifetime: lifetime.first)


def _root(tensor: int, taken: dict[int, int]) -> int:
    while tensor in taken:
        tensor = taken[tensor]
    return tensor


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
    """Best fit among freed memory, neighbours merged; grow where none fits.

    What the C library's allocator, behind PyTorch's CPU tensors, does with sizes beyond its
    small bins. Among equal gaps the lowest is taken.

    Examples
    --------
    >>> caching([Lifetime(0, 128, 0, 1), Lifetime(1, 64, 1, 4), Lifetime(2, 64, 2, 3)])
    {0: 0, 1: 128, 2: 0}
    """
    offsets: dict[int, int] = {}
    gaps: list[tuple[int, int]] = []  # offset, size; ascending
    live: list[tuple[int, int, int]] = []  # last task, offset, size
    top = 0
    for lifetime in lifetimes:
        ended = [each for each in live if each[0] < lifetime.first]
        live = [each for each in live if each[0] >= lifetime.first]
        gaps, top = _merged([*gaps, *((offset, size) for _, offset, size in ended)], top)
        fitting = [(size, offset) for offset, size in gaps if size >= lifetime.size]
        if fitting:
            size, offset = min(fitting)
            gaps.remove((offset, size))
            if size > lifetime.size:
                gaps = sorted([*gaps, (offset + lifetime.size, size - lifetime.size)])
        else:
            offset = top
            top += lifetime.size
        offsets[lifetime.tensor] = offset
        live.append((lifetime.last, offset, lifetime.size))
    return offsets


def _merged(gaps: list[tuple[int, int]], top: int) -> tuple[list[tuple[int, int]], int]:
    """Neighbouring gaps as one; a gap at the top lowers the top."""
    merged: list[tuple[int, int]] = []
    for offset, size in sorted(gaps):
        if merged and sum(merged[-1]) == offset:
            merged[-1] = (merged[-1][0], merged[-1][1] + size)
        else:
            merged.append((offset, size))
    if merged and sum(merged[-1]) == top:
        top = merged.pop()[0]
    return merged, top


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
