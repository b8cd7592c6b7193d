"""Lifetimes: when feature maps need memory, and which of them lie in another's.

A feature map needs memory from the start of its kernel to the end of its last reader. A lowering
that plans memory lets operators write over what nobody needs any more. One that runs layers as
PyTorch does (``eager``) writes over an operand where the network says ``inplace``, and frees what
the network says is ``held`` when the layer that it names is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.program.kernel import View
from memsim.program.lowering import LOWERINGS
from memsim.program.memory.best_fit import aligned
from memsim.program.memory.in_place import PLANNED, WRITTEN, Candidate
from memsim.program.program import Program

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lifetime:
    """A feature map that needs memory while tasks ``first`` to ``last``, both included, run."""

    tensor: int
    size: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Share:
    """Memory of another tensor that an output takes, from byte ``offset`` of it on."""

    giver: int
    offset: int = 0


def taken_of(program: Program) -> dict[int, Share]:
    """The tensors that take the memory of another, in program order."""
    number = {tensor.name: i for i, tensor in enumerate(program.tensors)}
    last_touch, last_task = program.tensor_spans[1], _last_tasks(program)
    rule = PLANNED if _plans(program) else WRITTEN

    def candidate(view: View, end: int) -> Candidate:
        segment = view.segments[0]
        stored = program.tensors[number[segment.tensor]]
        channels = segment.stop - segment.start
        whole = channels == stored.shape[1]
        # The images of a part do not lie together: only one image's part can be taken over.
        there = whole or stored.shape[0] == 1
        return Candidate(
            nbytes=stored.nbytes * channels // stored.shape[1] if there else -1,
            whole=whole,
            free=len(view.segments) == 1
            and stored.kind == "activation"
            and bool(last_touch[number[segment.tensor]] <= end),
        )

    taken: dict[int, Share] = {}
    for kernel, end in zip(program.kernels, last_task.tolist(), strict=True):
        views = [operand.view for operand in kernel.operands]
        target = number[kernel.output.name]
        candidates = [candidate(view, end) for view in views]
        chosen = rule.choose(kernel.op, program.tensors[target].nbytes, candidates)
        if chosen is not None:
            segment = views[chosen].segments[0]
            giver = number[segment.tensor]
            _, _, rows, row_bytes = program.tensors[giver].shape
            taken[target] = Share(giver, segment.start * rows * row_bytes)
    return taken


def lifetimes_of(program: Program, taken: Mapping[int, Share]) -> list[Lifetime]:
    """When memory is needed, in the order in which it first is; a network output stays to the end.

    Tensors that lie in another's memory prolong the life of that one.
    """
    first, last = program.tensor_spans[0], program.tensor_spans[1].copy()
    for number, tensor in enumerate(program.tensors):
        if tensor.kind == "output":
            last[number] = program.tasks
    if not _plans(program):
        for number, until in _held(program).items():
            last[number] = max(last[number], until)
    for heir, share in reversed(list(taken.items())):
        last[share.giver] = max(last[share.giver], last[heir])
    lifetimes = [
        Lifetime(number, aligned(tensor.nbytes), int(first[number]), int(last[number]))
        for number, tensor in enumerate(program.tensors)
        if tensor.kind in ("activation", "output") and number not in taken
    ]
    return sorted(lifetimes, key=lambda lifetime: lifetime.first)


def peak_bytes(program: Program, lifetimes: Sequence[Lifetime]) -> int:
    """Most bytes of feature maps that hold memory at once: what an allocator counts."""
    change = np.zeros(program.tasks + 2, np.int64)
    for each in lifetimes:
        nbytes = program.tensors[each.tensor].nbytes
        change[each.first] += nbytes
        change[each.last + 1] -= nbytes
    return int(np.cumsum(change).max(initial=0))


def _plans(program: Program) -> bool:
    return LOWERINGS[str(program.options["lowering"])].rules.plans_memory


def _last_tasks(program: Program) -> Ints:
    """The last task of each kernel."""
    last = np.full(len(program.kernels), -1, np.int64)
    np.maximum.at(last, program.task_kernel, np.arange(program.tasks))
    return last


def _held(program: Program) -> dict[int, int]:
    """The last task before the memory of held tensors is freed."""
    network = program.network
    if not network.held:
        return {}
    number = {tensor.name: i for i, tensor in enumerate(program.tensors)}
    ends = _last_tasks(program)
    of_layer = {
        layer: int(end)
        for kernel, end in zip(program.kernels, ends, strict=True)
        for layer in kernel.layers
    }
    found: dict[int, int] = {}
    done, by_layer = -1, dict[str, int]()
    for layer in network:
        done = max(done, of_layer.get(layer.name, -1))
        by_layer[layer.name] = done  # a layer without a kernel ends with those before it
    for name, until in network.held.items():
        if name in number:
            found[number[name]] = by_layer[until]
    return found
