"""The program of a library's kernels: what a process that calls them touches, and where.

A library cuts layers into loops of its own, so one kernel is one task here. What a task touches
are whole tensors, and the spans behind a touch say which addresses it goes through, in which order
and how often: that is what a cache of lines sees. Tensors are laid out as the library wants them,
and their bytes are those of the lines that they lie in.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.errors import InputError, Problem, did_you_mean
from memsim.network.graph import Network
from memsim.program.build import build
from memsim.program.kernel import Kernel, Role
from memsim.program.library.onednn import LIBRARIES
from memsim.program.library.onednn.runtime import Runtime
from memsim.program.memory.regions import Owner
from memsim.program.program import Program, Stored
from memsim.program.roles import operand_role, output_role, write_role

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memsim.program.library.onednn.forward import Forward

    Ints = NDArray[np.int64]

MODES = {"fused": "fused", "eager": "eager", "eager_onednn": "eager"}
"""How the runtime runs what a lowering describes."""

HEAP = "glibc"
"""The C library's heap, which PyTorch's tensors on a CPU lie in."""

LARGE = 1 << 50
"""Buffers that hold any kernel whole."""

KEPT = ("weight", "input", "scratch")
"""What stays where it is from one frame to the next. The image that goes in is always the same."""


def build_library(
    network: Network,
    *,
    library: str,
    lowering: str = "fused",
    frames: int = 1,
    line: int = 64,
    heap: str = HEAP,
    besides: float = 1.0,
) -> Program:
    """Turn a network into the program of a library's kernels.

    Parameters
    ----------
    network : Network
    library : str
        A key of ``LIBRARIES``.
    lowering : str
        ``fused`` or ``eager``: how the runtime runs the network.
    frames : int
        Passes, one after the other. The first one makes what the library keeps.
    line : int
        Bytes of a line of the cache that the program is for.
    heap : str
        Where tensors lie: a key of :data:`memsim.program.memory.heaps.heap.HEAPS`.
    besides : float
        How much of what the runtime touches besides tensors is counted.

    Raises
    ------
    InputError
        For an unknown library, another lowering, and frames that are no number.
    SimulationError
        For a batch or a data type that its kernels are not modelled for.

    Examples
    --------
    >>> import memsim
    >>> network = memsim.load("resnet18", input_shape=(3, 64, 64))
    >>> program = build_library(network, library="onednn-avx2")
    >>> program.tasks == len(program.kernels)
    True
    >>> sorted({tensor.kind for tensor in program.tensors})
    ['activation', 'input', 'output', 'scratch', 'weight']
    """
    if lowering not in MODES:
        hint = did_you_mean(lowering, MODES) or "fused or eager; or --library none"
        message = f"{library} runs no network as {lowering!r}"
        raise InputError(Problem(message, path="lowering", hint=hint))
    if isinstance(frames, bool) or not isinstance(frames, int | np.integer) or frames < 1:
        message = f"{frames!r} is no number of inferences"
        raise InputError(Problem(message, path="frames", hint="a whole number, at least 1"))
    whole = build(network, buffer=LARGE, lowering=lowering, tile="whole")
    runtime = Runtime(heap=heap).scaled(besides)
    forward = LIBRARIES[library].forward(MODES[lowering])(network, runtime, passes=int(frames))
    options: dict[str, str | int] = {
        "lowering": lowering,
        "schedule": whole.options["schedule"],
        "library": library,
        "heap": heap,
        "line_bytes": line,
    }
    one = _Assembly(network, whole, forward, 1, line).program(options)
    if frames == 1:
        return one
    several = _Assembly(network, whole, forward, int(frames), line).program(
        {**options, "frames": int(frames)}
    )
    return replace(several, alone=one)


class _Assembly:
    """The columns of a program, put together from the passes of a library."""

    def __init__(
        self, network: Network, whole: Program, forward: Forward, frames: int, line: int
    ) -> None:
        self.network, self.whole, self.frames, self.line = network, whole, frames, line
        self.owners = forward.owners
        self.kernels = whole.kernels
        self.passes = forward.passes
        self.lines = self._lines()
        self.tensors = [self._stored(number) for number in range(len(self.owners))]
        self.task_of_call = self._tasks(forward)

    def _tasks(self, forward: Forward) -> Ints:
        """The kernel, which is the task of one frame, that each call belongs to."""
        number: dict[str, int] = {}
        for position, kernel in enumerate(self.kernels):
            for layer in kernel.layers:
                if layer not in number or kernel.macs:  # and not a copy for the layer's sake
                    number[layer] = position
        tasks, ahead = [], len(self.kernels) - 1
        for call in reversed(forward.calls):
            # What no kernel executes, such as the copy that flattens a map of channels last, and
            # what comes before the first layer, is done for the kernel after it.
            ahead = number.get(call.layer, ahead)
            tasks.append(ahead)
        return np.array(tasks[::-1], np.int64)

    def program(self, options: dict[str, str | int]) -> Program:
        """All of it."""
        tasks, owners = len(self.kernels), len(self.owners)
        keys = [
            (self.task_of_call[spans.call] * 2 + spans.write) * owners + spans.owner
            for spans in self.passes
        ]
        there = np.zeros(tasks * 2 * owners, np.bool_)  # in any pass, so that frames are alike
        for each in keys:
            there[each] = True
        touches = np.flatnonzero(there)
        number = np.cumsum(there) - 1
        rest, owner = np.divmod(touches, owners)
        task, write = rest // 2, (rest & 1).astype(bool)
        cells = self._cells(task, owner, write)
        frames, count = np.arange(self.frames), len(touches)
        starts = np.searchsorted(task, np.arange(tasks))
        whole = self.whole
        return Program(
            network=self.network,
            kernels=self.kernels,
            tensors=tuple(self.tensors),
            options=options,
            task_kernel=np.tile(np.arange(tasks, dtype=np.int32), self.frames),
            task_macs=np.tile(_per_kernel(whole, whole.task_macs), self.frames),
            task_work=np.tile(_per_kernel(whole, whole.task_work), self.frames),
            touch_start=np.concatenate(
                [(starts + count * frames[:, None]).ravel(), [count * self.frames]]
            ),
            touch_write=np.tile(write, self.frames),
            touch_role=np.tile(self._roles(task, owner, write), self.frames),
            frames=self.frames,
            alone=None,
            spans=tuple(
                (spans, number[each] + frame * count)
                for frame, (spans, each) in enumerate(
                    zip(self.passes[: self.frames], keys, strict=False)
                )
            ),
            file_order=None,
            **cells,
        )

    def _cells(self, task: Ints, owner: Ints, write: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
        """The columns of cells, one for each owner: of later frames what they do not share."""
        tasks, count, all_owners = len(self.kernels), len(task), np.arange(len(self.owners))
        own = ~np.array([each.kind in KEPT for each in self.owners])
        dies = own & np.array([each.kind != "scratch" for each in self.owners])
        rank = np.cumsum(own) - 1
        position = np.arange(count)
        first, last, writer = np.full((3, len(own)), -1, np.int64)
        last[owner] = position
        first[owner[::-1]] = position[::-1]
        writer[owner[write]] = position[write]
        writer[np.array([each.kind in ("weight", "input") for each in self.owners])] = -1
        cell, ends, columns = [], [], []
        for frame in range(self.frames):
            of = np.where(own & (frame > 0), len(own) + (frame - 1) * int(own.sum()) + rank,
                          all_owners)  # fmt: skip
            cell.append(of[owner])
            end = np.zeros(count, np.bool_)
            end[last[dies & (last >= 0)]] = True
            ends.append(end)
            columns.append(all_owners[own] if frame else all_owners)
        tensor = np.concatenate(columns)
        of_frame = np.repeat(np.arange(self.frames), [len(each) for each in columns])
        touched = first[tensor] >= 0
        birth = np.where(touched, task[first[tensor]] + of_frame * tasks, -1)
        death = np.where(touched, task[last[tensor]] + of_frame * tasks, -1)
        death[~own[tensor] & touched] += (self.frames - 1) * tasks
        box = np.array([[0, 0, each.shape[2], 0, each.shape[1]] for each in self.tensors])
        return {
            "touch_cell": np.concatenate(cell).astype(np.int32),
            "touch_last": np.concatenate(ends),
            "cell_tensor": tensor.astype(np.int32),
            "cell_bytes": self.lines[tensor] * self.line,
            "cell_box": box[tensor].astype(np.int32),
            "cell_block": np.arange(len(tensor) + 1),
            "cell_birth": birth.astype(np.int32),
            "cell_death": death.astype(np.int32),
            "cell_writer": np.where(writer[tensor] >= 0, writer[tensor] + of_frame * count, -1),
            "block_bytes": self.lines[tensor] * self.line,
        }

    def _lines(self) -> Ints:
        """Lines that each owner's memory is touched in, in the first pass."""
        spans = self.passes[0]
        begin = spans.start // self.line
        end = (spans.start + spans.length - 1) // self.line + 1
        order = np.lexsort((begin, spans.owner))
        owner, begin, end = spans.owner[order], begin[order], end[order]
        # A range adds the lines behind all ranges of its owner before it. One owner's are kept
        # apart from the next one's by an offset beyond all addresses.
        apart = owner * (int(end.max(initial=0)) + 1)
        reached = np.maximum.accumulate(end + apart)
        before = np.concatenate([[0], reached[:-1]])
        added = np.maximum(end + apart - np.maximum(begin + apart, before), 0)
        lines = np.zeros(len(self.owners), np.int64)
        np.add.at(lines, owner, added)
        return lines

    def _stored(self, number: int) -> Stored:
        """A tensor: a feature map, or a row of bytes."""
        owner = self.owners[number]
        if owner.kind in ("activation", "output", "input"):
            output = self.network[owner.name].output
            images, channels, rows, columns = output.shape
            shape = (images, channels, rows, columns * output.itemsize)
            return Stored(owner.name, owner.kind, shape, output.itemsize)
        shape = (1, 1, 1, int(self.lines[number]) * self.line)
        return Stored(owner.name, owner.kind, shape, 1)

    def _roles(self, kernel: Ints, owner: Ints, write: NDArray[np.bool_]) -> NDArray[np.uint8]:
        rows = zip(kernel.tolist(), owner.tolist(), write.tolist(), strict=True)
        roles = [self._role(self.kernels[k], self.owners[o], w) for k, o, w in rows]
        return np.array(roles, np.uint8)

    def _role(self, kernel: Kernel, owner: Owner, write: bool) -> Role:
        if owner.kind == "scratch":
            return Role.SCRATCH
        if owner.kind == "weight":
            return Role.WEIGHT
        if write:
            return write_role(output_role(kernel.op), owner.kind)
        names = [segment.tensor for operand in kernel.operands for segment in operand.view.segments]
        first = owner.name not in names or names.index(owner.name) == 0
        role = operand_role(kernel.op, first)
        return Role.INPUT if owner.kind == "input" and role is Role.ACTIVATION else role


def _per_kernel(program: Program, column: Any) -> Ints:
    """The sum of a column of tasks by kernel."""
    sums = np.zeros(len(program.kernels), np.int64)
    np.add.at(sums, program.task_kernel, column)
    return sums
