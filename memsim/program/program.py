"""The program: tasks, what they touch, and when that lives. Every engine reads it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from memsim.network.graph import Layer, Network
from memsim.program.kernel import Kernel, macs_by_dtype, recomputed_macs
from memsim.program.lowering import LOWERINGS
from memsim.program.spans import Spans

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor that has a place in memory.

    Attributes
    ----------
    name : str
        The layer whose output it is, or ``<kernel>.weight`` for parameters.
    kind : str
        ``weight``, ``input``, ``activation`` or ``output``; ``scratch`` for what a library keeps
        besides tensors.
    shape : tuple of int
        Images, channels, rows, bytes of one row of one channel. Parameters are one row of one
        image: all that belongs to an output channel.
    itemsize : int
        Bytes of one element.
    channels_last : bool
        The channels of a place lie side by side in memory, whatever the layout of maps is.
    """

    name: str
    kind: str
    shape: tuple[int, int, int, int]
    itemsize: int
    channels_last: bool = False

    @property
    def nbytes(self) -> int:
        """Bytes."""
        images, channels, rows, row_bytes = self.shape
        return images * channels * rows * row_bytes


@dataclass(frozen=True)
class Program:
    """A network's inference, or several in a row, as columns of read-only NumPy arrays.

    Tasks run in array order. A task reads, then writes. What it accesses is stored in two
    grains: a *touch* is the access to a whole cell (blocks that are only ever accessed
    together, in order), and an *access* is that to one block. Touches are the columns; the
    ``access_*`` columns, several times longer, are derived when an engine asks for them.

    Attributes
    ----------
    network : Network
    kernels : tuple of Kernel
    tensors : tuple of Stored
    options : dict
        ``lowering``, ``schedule``, ``order``, ``tile``, ``images``, ``buffer_bytes``; and
        ``register_tile`` and ``kernel_scratch`` where there are such.
    task_kernel : int32 array, one entry per task
        Index into ``kernels``.
    task_macs, task_work : int64 arrays, per task
        Multiply-accumulates; elementwise operations.
    touch_start : int64 array, tasks + 1
        First touch of each task.
    touch_cell : int32 array, one entry per touch
    touch_write : bool array, per touch
    touch_role : uint8 array, per touch
        :class:`~memsim.program.kernel.Role`.
    touch_last : bool array, per touch
        Whether the cell is dead after it.
    cell_tensor : int32 array, one entry per cell
        Index into ``tensors``.
    cell_bytes : int64 array, per cell
    cell_box : int32 array, cells x 5
        Image, first row and row after the last, first channel and channel after the last.
    cell_block : int64 array, cells + 1
        First block of each cell.
    cell_birth, cell_death : int32 arrays, per cell
        Task of its write (or first read) and of its last touch; -1 where nothing reads it.
    cell_writer : int64 array, per cell
        The touch that writes it; -1 for weights and network inputs.
    block_bytes : int64 array, one entry per block
    frames : int
        Inferences in a row; each runs the same tasks.
    alone : Program or None
        One of them by itself, where there are several.
    spans : tuple of (Spans, int64 array)
        Where a library's kernels run: per frame the addresses in the order in which they are
        accessed, and the touch that each span is part of. Else empty: the touches' own order is
        that of the accesses, and a layout and an allocator give them addresses.
    file_order : Program or None
        The same where layers run as the file lists them, if another order was asked for.

    Examples
    --------
    >>> import memsim
    >>> program = memsim.build(memsim.load("resnet18"), buffer=512 * 1024)
    >>> program
    <Program resnet18: 23 kernels, 35 tasks, 6,804 accesses, 5,687 blocks>
    >>> int(program.task_macs.sum()) == program.network.macs
    True
    """

    network: Network
    kernels: tuple[Kernel, ...]
    tensors: tuple[Stored, ...]
    options: dict[str, str | int]
    task_kernel: NDArray[np.int32]
    task_macs: Ints
    task_work: Ints
    touch_start: Ints
    touch_cell: NDArray[np.int32]
    touch_write: NDArray[np.bool_]
    touch_role: NDArray[np.uint8]
    touch_last: NDArray[np.bool_]
    cell_tensor: NDArray[np.int32]
    cell_bytes: Ints
    cell_box: NDArray[np.int32]
    cell_block: Ints
    cell_birth: NDArray[np.int32]
    cell_death: NDArray[np.int32]
    cell_writer: Ints
    block_bytes: Ints
    frames: int = 1
    alone: Program | None = None
    spans: tuple[tuple[Spans, Ints], ...] = ()
    file_order: Program | None = None

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, np.ndarray):
                value.flags.writeable = False

    @property
    def tasks(self) -> int:
        """Number of tasks."""
        return len(self.task_kernel)

    @cached_property
    def accesses(self) -> int:
        """Number of block accesses."""
        return int(self._touch_blocks.sum())

    @property
    def macs(self) -> int:
        """Multiply-accumulates that it computes, in all frames: not those of layers left out."""
        return sum(self.macs_by_dtype.values())

    @cached_property
    def recomputed_macs(self) -> tuple[int, ...]:
        """Of each kernel those of them that were computed before: in groups that recompute rows."""
        if "strip_overlap" not in self.options:
            return (0,) * len(self.kernels)
        return recomputed_macs(self.kernels, self.frames, self.task_kernel, self.task_macs)

    @property
    def macs_by_dtype(self) -> dict[str, int]:
        """Those by the data type that they are computed in; the one with most of them first."""
        return macs_by_dtype(self.kernels, self.frames, self.recomputed_macs)

    @property
    def dtype(self) -> str:
        """The data type of most MACs; the network's where there are none."""
        return next(iter(self.macs_by_dtype), self.network.dtype)

    @cached_property
    def left_out(self) -> tuple[Layer, ...]:
        """The layers that are not executed, since no network output depends on them.

        Examples
        --------
        >>> import memsim
        >>> text = "{name: n, input: [3, 8, 8], outputs: [a], layers: [{name: a, conv: {out: 4, "
        >>> text += "kernel: 3}}, {name: b, conv: {out: 2, kernel: 3}}]}"
        >>> network = memsim.loads(text)
        >>> [layer.name for layer in memsim.build(network, buffer=65536).left_out]
        ['b']
        >>> memsim.build(network, buffer=65536, lowering="eager").left_out
        ()
        """
        if not LOWERINGS[str(self.options["lowering"])].rules.prunes:
            return ()
        return tuple(
            layer
            for layer in self.network
            if layer.name not in self.network.needed
            and not (not layer.inputs or layer.op.view or layer.op.selects(layer.shapes))
        )

    def __repr__(self) -> str:
        frames = f"{self.frames:,} frames, " if self.frames > 1 else ""
        return (
            f"<Program {self.network.name}: {frames}{len(self.kernels)} kernels, "
            f"{self.tasks:,} tasks, {self.accesses:,} accesses, {len(self.block_bytes):,} blocks>"
        )

    # ---- frames: inferences in a row, see :func:`memsim.program.frames.repeat`

    @property
    def one_frame(self) -> Program:
        """One inference by itself: what is the same for every frame is found there."""
        return self.alone or self

    @cached_property
    def task_frame(self) -> Ints:
        """The frame of each task."""
        return np.arange(self.tasks) // max(self.tasks // self.frames, 1)

    @cached_property
    def cell_frame(self) -> Ints:
        """The frame that each cell belongs to; 0 for weights, which all frames share."""
        frame = np.zeros(len(self.cell_bytes), np.int64)
        first = len(self.one_frame.cell_bytes)
        own = (len(frame) - first) // max(self.frames - 1, 1)
        frame[first:] = 1 + np.arange(len(frame) - first) // max(own, 1)
        return frame

    @cached_property
    def cell_owner(self) -> Ints:
        """What lies in each cell's memory: the same tensor of another frame is something else."""
        owner: Ints = self.cell_tensor + len(self.tensors) * self.cell_frame
        return owner

    @cached_property
    def frame_end(self) -> Ints:
        """The last touch of each frame."""
        touches = len(self.touch_cell) // self.frames
        return touches * np.arange(1, self.frames + 1) - 1

    # ---- touches

    @cached_property
    def touch_task(self) -> NDArray[np.int32]:
        """The task of each touch."""
        return np.repeat(np.arange(self.tasks, dtype=np.int32), np.diff(self.touch_start))

    @cached_property
    def touch_bytes(self) -> Ints:
        """The bytes of each touch's cell."""
        return self.cell_bytes[self.touch_cell]

    @cached_property
    def _touch_blocks(self) -> Ints:
        """The blocks of each touch's cell."""
        return np.diff(self.cell_block)[self.touch_cell]

    @cached_property
    def task_bytes(self) -> Ints:
        """Bytes that each task exchanges with the cache."""
        total: Ints = np.concatenate([[0], np.cumsum(self.touch_bytes, dtype=np.int64)])
        return total[self.touch_start[1:]] - total[self.touch_start[:-1]]

    # ---- accesses: the same, block by block

    @cached_property
    def access_touch(self) -> NDArray[np.int32]:
        """The touch of each block access."""
        return np.repeat(np.arange(len(self.touch_cell), dtype=np.int32), self._touch_blocks)

    @cached_property
    def access_block(self) -> NDArray[np.int32]:
        """The block of each access."""
        count = self._touch_blocks
        end = np.cumsum(count)
        first = self.cell_block[self.touch_cell] - (end - count)
        return (np.repeat(first, count) + np.arange(self.accesses)).astype(np.int32)

    @cached_property
    def task_start(self) -> Ints:
        """First block access of each task; tasks + 1 entries."""
        return np.concatenate([[0], np.cumsum(self._touch_blocks)])[self.touch_start]

    @cached_property
    def access_write(self) -> NDArray[np.bool_]:
        """Whether each block access writes."""
        return self.touch_write[self.access_touch]

    @cached_property
    def access_last(self) -> NDArray[np.bool_]:
        """Whether a block is dead after an access."""
        return self.touch_last[self.access_touch]

    @cached_property
    def access_bytes(self) -> Ints:
        """The bytes of each access's block."""
        return self.block_bytes[self.access_block]

    @cached_property
    def block_cell(self) -> NDArray[np.int32]:
        """The cell of each block."""
        return np.repeat(np.arange(len(self.cell_bytes), dtype=np.int32), np.diff(self.cell_block))

    @cached_property
    def block_tensor(self) -> NDArray[np.int32]:
        """The tensor of each block."""
        return self.cell_tensor[self.block_cell]

    @cached_property
    def block_is_output(self) -> NDArray[np.bool_]:
        """Whether each block belongs to a network output."""
        return self.cell_is_output[self.block_cell]

    # ---- cells

    @cached_property
    def cell_is_weight(self) -> NDArray[np.bool_]:
        """Whether each cell is part of a parameter."""
        return self._of_kind("weight")

    @cached_property
    def cell_is_kept(self) -> NDArray[np.bool_]:
        """Whether each cell is part of a feature map that some task touches."""
        return (self.cell_birth >= 0) & ~self.cell_is_weight & ~self._of_kind("scratch")

    @cached_property
    def cell_is_output(self) -> NDArray[np.bool_]:
        """Whether each cell belongs to a network output."""
        return self._of_kind("output")

    @cached_property
    def cell_is_given(self) -> NDArray[np.bool_]:
        """Whether each cell lies in DRAM before the first task: weights and network inputs."""
        return self.cell_is_weight | self._of_kind("input")

    @cached_property
    def tensor_spans(self) -> tuple[Ints, Ints]:
        """First and last task that touch each tensor, of any frame; (tasks, -1) where none does."""
        count = len(self.tensors)
        first, last = np.full(count, self.tasks, np.int64), np.full(count, -1, np.int64)
        touched = self.cell_birth >= 0
        np.minimum.at(first, self.cell_tensor[touched], self.cell_birth[touched])
        np.maximum.at(last, self.cell_tensor[touched], self.cell_death[touched])
        return first, last

    def _of_kind(self, kind: str) -> NDArray[np.bool_]:
        chosen: NDArray[np.bool_] = self._kinds == kind
        return chosen[self.cell_tensor]

    @cached_property
    def _kinds(self) -> NDArray[np.str_]:
        return np.array([tensor.kind for tensor in self.tensors])

    @property
    def chosen_for_cache(self) -> bool:
        """Whether tasks, layers or groups stand as they do since that moves least in a cache."""
        chosen = {"groups": "auto", "layer_order": "min_traffic"}.items() & self.options.items()
        return bool(chosen) or "best" in self.options

    @cached_property
    def compulsory_read_bytes(self) -> int:
        """Each block of a weight or network input that some task reads, once."""
        fetched = (self.cell_birth >= 0) & self.cell_is_given
        return int(self.cell_bytes[fetched].sum())

    @cached_property
    def compulsory_weight_bytes(self) -> int:
        """Of these, the blocks of weights."""
        read = (self.cell_birth >= 0) & self._of_kind("weight")
        return int(self.cell_bytes[read].sum())

    @cached_property
    def compulsory_write_bytes(self) -> int:
        """Each block of a network output, once."""
        return int(self.cell_bytes[self.cell_is_output & (self.cell_writer >= 0)].sum())

    @property
    def compulsory_bytes(self) -> int:
        """Traffic that no cache can save."""
        return self.compulsory_read_bytes + self.compulsory_write_bytes

    @cached_property
    def weight_bytes(self) -> int:
        """Parameters as stored."""
        return sum(tensor.nbytes for tensor in self.tensors if tensor.kind == "weight")

    @cached_property
    def live_bytes(self) -> Ints:
        """Bytes of live feature maps (no weights) while each task runs.

        A block is live from its birth to its death, both included.
        """
        counted = self.cell_is_kept
        change = np.zeros(self.tasks + 1, dtype=np.int64)
        np.add.at(change, self.cell_birth[counted], self.cell_bytes[counted])
        np.subtract.at(change, self.cell_death[counted] + 1, self.cell_bytes[counted])
        return np.cumsum(change)[:-1]
