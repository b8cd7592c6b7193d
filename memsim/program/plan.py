"""Plans: what the tasks of one kernel access, before the tensors are cut into cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.network.ops import Shape
from memsim.network.parameters import Weights
from memsim.program.columns import Columns
from memsim.program.fold import Along, Fold
from memsim.program.kernel import Kernel, Operand, Role
from memsim.program.program import Stored
from memsim.program.roles import read_role, write_role
from memsim.program.rows import ROWS, RowRuns
from memsim.program.rows.runs import merged
from memsim.program.tensor_table import TensorTable
from memsim.program.tiling import Tiling, block_channels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]
    Ranges = tuple[Index, Index]


@dataclass(frozen=True, slots=True)
class Access:
    """What a kernel's tasks access of one tensor, for each image that a task holds.

    Which rows a task accesses depends on its strip alone, which channels on its block alone; or
    the other way round, where it sees a tensor transposed.

    Attributes
    ----------
    tensor : str
    role : Role
    rows : RowRuns
        For each strip (or each block).
    channels : pair of arrays
        First and behind the last, for each channel block (or each strip).
    rows_by, channels_by : str
        ``strip`` or ``block``: what they are for each of.
    write : bool
    once : bool
        By the kernel's first task alone (the scales and shifts of a prologue, scratch memory).
    tile : bool
        By the first of the tasks that share a tile, though it is parameters.
    """

    tensor: str
    role: Role
    rows: RowRuns
    channels: Ranges
    write: bool = False
    once: bool = False
    rows_by: str = "strip"
    channels_by: str = "block"
    tile: bool = False


class KernelPlan:
    """One kernel, its tiling and its accesses in order; the last one is the write.

    Making it adds the kernel's parameters to the stored tensors and cuts all that it accesses.

    Parameters
    ----------
    kernel : Kernel
    tiling : Tiling
    tensors : TensorTable
        Its operands and its output are among them.
    rows : str
        A key of ``ROWS``: which rows of its operands are read.
    """

    def __init__(
        self, kernel: Kernel, tiling: Tiling, tensors: TensorTable, rows: str = "touched"
    ) -> None:
        self.kernel, self.tiling, self.tensors = kernel, tiling, tensors
        self.reading = ROWS[rows]
        self.accesses: list[Access] = []
        self.loaded: Index | None = None
        """Elements of the kernel's own operands that each (strip, block) loads, where a prologue
        computes on them."""
        for number, operand in enumerate(kernel.operands):
            if number == kernel.own:
                self._read_weights()
            self._read_operand(number, operand)
        if len(kernel.operands) == kernel.own:
            self._read_weights()
        output = self.tensors[kernel.output.name]
        role = write_role(kernel.output_role, output.kind)
        strips = RowRuns.ranges(*_between(tiling.rows))
        self._add(Access(output.name, role, strips, _between(tiling.channels), write=True))

    def use(self, scratch: str, *, reads: bool) -> None:
        """Let the first task read scratch memory, unless nobody wrote it before, and write it."""
        whole = (
            RowRuns.whole(len(self.tiling.rows) - 1, 1),
            _whole(len(self.tiling.channels) - 1, 1),
        )
        if reads:
            self._add(Access(scratch, Role.SCRATCH, *whole, once=True))
            self.accesses.insert(0, self.accesses.pop())
        self._add(Access(scratch, Role.SCRATCH, *whole, write=True, once=True))

    def _add(self, access: Access) -> None:
        self.tensors.cut(
            access.tensor,
            np.concatenate([access.rows.low, access.rows.high]),
            np.concatenate(access.channels),
        )
        self.accesses.append(access)

    def _read_weights(self) -> None:
        for weights in self.kernel.weights:
            if weights.sizes:
                self._read_table(weights)
            else:
                self._read_tensor(weights)

    def _read_table(self, weights: Weights) -> None:
        """Read the part of a table that belongs to each tile."""
        tiling = self.tiling
        channels, rows, columns = Shape(weights.sizes, self.kernel.output.image.channel).box
        if self._there(weights, channels, rows, columns):
            needed = RowRuns.ranges(*_handed(tiling.rows, rows))
            self._add(Access(weights.name, Role.WEIGHT, needed, _handed(tiling.channels, channels),
                             tile=True))  # fmt: skip
        else:
            self._read_whole(weights.name, tile=True)

    def _there(self, weights: Weights, channels: int, rows: int, columns: int) -> bool:
        """Add a table; whether it lies as it is asked for."""
        item = weights.itemsize or self.tensors.itemsize
        nbytes = rows * columns * weights.stored * item
        return self.tensors.add_parameters(weights.name, channels, nbytes, rows, item)

    def _read_whole(self, name: str, *, tile: bool = False, once: bool = False) -> None:
        """Read all of a tensor of parameters, by each task, each tile or the first task."""
        _, channels, rows, _ = self.tensors[name].shape
        whole = RowRuns.whole(len(self.tiling.rows) - 1, rows)
        blocks = _whole(len(self.tiling.channels) - 1, channels)
        self._add(Access(name, Role.WEIGHT, whole, blocks, tile=tile, once=once))

    def _read_tensor(self, weights: Weights) -> None:
        """Read the parameters of each block of output channels."""
        tiling, own = self.tiling, self.kernel.output.grid[1]
        channels = weights.channels or own
        per_channel = weights.stored * own // channels
        nbytes = weights.nbytes(per_channel, self.tensors.itemsize)
        item = weights.itemsize or self.tensors.itemsize
        if not self.tensors.add_parameters(weights.name, channels, nbytes, weights.rows, item):
            self._read_whole(weights.name)
            return
        strips = len(tiling.rows) - 1
        size = channels if weights.turned else weights.rows
        along = _handed(tiling.rows, size) if weights.looked_up else _whole(strips, size)
        if weights.turned:
            where = RowRuns.ranges(*_between(tiling.channels)), along
            by = ("block", "strip")
        else:
            where = RowRuns.ranges(*along), _between(tiling.channels)
            by = ("strip", "block")
        access = Access(weights.name, Role.WEIGHT, *where, rows_by=by[0], channels_by=by[1])
        self._add(access)

    def _read_operand(self, number: int, operand: Operand) -> None:
        """Read the segments of an operand's view, and the parameters of its prologue."""
        kernel, tiling, view = self.kernel, self.tiling, operand.view
        rows = self.reading(kernel, number, tiling.rows)
        low, high = block_channels(kernel, number, tiling.channels)
        strips, blocks = len(tiling.rows) - 1, len(tiling.channels) - 1
        folded = self._folded(number, rows, low, high)
        offset = 0
        for segment in view.segments:
            stored = self.tensors[segment.tensor]
            size = segment.stop - segment.start
            rows_by, channels_by = "strip", "block"
            if folded is not None:
                needed, channels, rows_by, channels_by = folded
                first, last = (np.clip(edge - offset, 0, size) for edge in channels)
            elif view.flat:
                needed = RowRuns.whole(strips, stored.shape[2])
                first, last = _whole(blocks, size)
                if number >= kernel.own:  # elementwise: a tile reads its own elements
                    first, last = _share(low, high, offset, size, stored)
                    size *= stored.shape[2] * stored.shape[3] // stored.itemsize
            else:
                needed = rows
                first, last = np.clip(low - offset, 0, size), np.clip(high - offset, 0, size)
            part = (first + segment.start, last + segment.start)
            role = read_role(operand.role, stored.kind)
            self._add(
                Access(segment.tensor, role, needed, part, rows_by=rows_by, channels_by=channels_by)
            )
            offset += size
        if kernel.load_work and number < kernel.own:
            self.loaded = np.outer(rows.counts, high - low) * kernel.source(number).box[2]
        for weights in (each for step in view.prologue for each in step):
            self._there(weights, weights.channels or 1, 1, 1)
            self._read_whole(weights.name, once=True)

    def _folded(
        self, number: int, rows: RowRuns, low: Index, high: Index
    ) -> tuple[RowRuns, Ranges, str, str] | None:
        """What an operand needs of the tensors behind its view, where it is no plain one.

        Rows and channels of the segments stacked, and what each of them depends on.
        """
        view, shape = self.kernel.operands[number].view, self.kernel.source(number)
        channel = shape.channel - (len(shape) - len(view.shape))
        if view.flat or (view.fold is None and channel == view.shape.channel):
            return None
        fold = Fold.of(view.shape) if view.fold is None else view.fold
        channels, height, _ = shape.box
        blocks = np.clip(low, 0, channels), np.clip(high, 0, channels)
        runs = np.clip(rows.low, 0, height), np.clip(rows.high, 0, height)
        needed = fold.needed(shape, runs, blocks)
        stored = [self.tensors[segment.tensor] for segment in view.segments]
        width = sum(segment.stop - segment.start for segment in view.segments)
        edges = [self._along(needed.rows, rows, stored[0].shape[2])]
        edges += [self._along(needed.channels, rows, width)]
        (above, below, rows_by), (left, right, channels_by) = edges
        if rows_by == "strip":
            of = np.repeat(np.arange(len(rows.start) - 1), np.diff(rows.start))
            of, above, below = merged(of[above < below], above[above < below], below[above < below])
            runs_of = RowRuns(np.searchsorted(of, np.arange(len(rows.start))), above, below)
        else:
            runs_of = RowRuns.ranges(above, below)
        if channels_by == "strip":  # of all runs of a strip together
            some = np.minimum(rows.start[:-1], max(len(left) - 1, 0))
            empty = np.diff(rows.start) == 0
            left = np.where(empty, 0, np.minimum.reduceat(left, some))
            right = np.where(empty, 0, np.maximum.reduceat(right, some))
        return runs_of, (left, right), rows_by, channels_by

    def _along(self, along: Along, rows: RowRuns, size: int) -> tuple[Index, Index, str]:
        """Ranges along an axis, for each run of rows or for each channel block."""
        if along.by == "whole":
            return np.zeros(len(rows.low), np.int64), np.full(len(rows.low), size), "strip"
        return along.low, along.high, along.by

    def columns(self, number: int, most: int) -> Columns | None:
        """List the kernel's tasks and the cells that they touch; None if these are too many.

        Parameters
        ----------
        number : int
            Of the kernel in the program.
        most : int
            Touches that there may be.
        """
        tiling, tasks = self.tiling, len(self.tiling)
        runs = [self._runs(access) for access in self.accesses]
        slot = np.repeat(np.arange(len(runs)), [len(run[0]) for run in runs])
        task, first, count = (np.concatenate(column) for column in zip(*runs, strict=True))
        order = np.argsort(task, kind="stable")  # runs are listed access by access
        task, slot, first, count = task[order], slot[order], first[order], count[order]
        end = np.cumsum(count)
        if end[-1] > most:
            return None
        cell = np.repeat(first - (end - count), count) + np.arange(end[-1])
        per_task = np.zeros(tasks, np.int64)
        np.add.at(per_task, task, count)
        roles = np.array([access.role for access in self.accesses], dtype=np.uint8)
        writes = np.array([access.write for access in self.accesses])
        macs, work = self._costs()
        return Columns(
            task_kernel=np.full(tasks, number, np.int32),
            task_image=tiling.images[tiling.group].astype(np.int32),
            task_macs=macs,
            task_work=work,
            task_start=np.concatenate([[0], np.cumsum(per_task)]),
            cell=cell.astype(np.int32),
            write=np.repeat(writes[slot], count),
            role=np.repeat(roles[slot], count),
        )

    def _runs(self, access: Access) -> tuple[Index, Index, Index]:
        """Task, first cell and number of cells of every run of consecutive cells."""
        tiling = self.tiling
        of_task = {"strip": tiling.strip, "block": tiling.block}
        task, low, high = access.rows.of(of_task[access.rows_by])
        if access.once:
            high = np.where(task == 0, high, low)
        elif access.write:  # the last part of a tile's tasks writes it
            high = np.where(tiling.part[task] == tiling.parts[task] - 1, high, low)
        elif access.tile or access.role != Role.WEIGHT:  # the first one reads what it needs
            high = np.where(tiling.part[task] == 0, high, low)
        group, part = tiling.group[task], of_task[access.channels_by][task]
        images = tiling.images[group], tiling.images[group + 1]
        channels = access.channels[0][part], access.channels[1][part]
        of, first, count = self.tensors.cells(access.tensor, images, (low, high), channels)
        return task[of], first, count

    def _costs(self) -> tuple[Index, Index]:
        """MACs and elementwise operations of each task; they sum to the kernel's."""
        kernel, tiling = self.kernel, self.tiling
        heights, widths = np.diff(tiling.rows), np.diff(tiling.channels)
        images = np.diff(tiling.images)[tiling.group]
        outputs = images * heights[tiling.strip] * widths[tiling.block] * kernel.output.grid[3]
        part, parts = tiling.part, tiling.parts
        outputs = outputs * (part + 1) // parts - outputs * part // parts
        work = outputs * kernel.work
        if self.loaded is not None:
            loaded = images * self.loaded[tiling.strip, tiling.block] * (part == 0)
            work = work + loaded * kernel.load_work
        size = kernel.output.size
        if kernel.macs % size == 0:
            return outputs * (kernel.macs // size), work
        # A transposed convolution's MACs do not divide evenly; share them out without loss.
        shares = [kernel.macs * int(end) // size for end in np.cumsum(outputs)]
        macs: Index = np.array([0, *shares], dtype=np.int64)
        return macs[1:] - macs[:-1], work


def _share(low: Index, high: Index, offset: int, size: int, stored: Stored) -> Ranges:
    """The channels of a flattened map that channel blocks of its elements read.

    Of a channel that two blocks need, the block that ends it reads all: each is read once.
    """
    elements = stored.shape[2] * stored.shape[3] // stored.itemsize  # of a channel
    first, last = ((edge - offset) // elements for edge in (low, high))
    return np.clip(first, 0, size), np.clip(last, 0, size)


def _between(edges: Index) -> Ranges:
    """The ranges between edges that follow one another."""
    return edges[:-1], edges[1:]


def _handed(edges: Index, size: int) -> Ranges:
    """What the parts of an axis read of another one that is handed out among all its places.

    All of them read the same of an axis of one, and each its own of an axis as long.

    Examples
    --------
    >>> for size in (1, 4, 8, 2):
    ...     low, high = _handed(np.array([0, 1, 4]), size)
    ...     print([*zip(low.tolist(), high.tolist())])
    [(0, 1), (0, 1)]
    [(0, 1), (1, 4)]
    [(0, 2), (2, 8)]
    [(0, 1), (0, 2)]
    """
    start, stop = _between(edges)
    places = edges[-1]
    return start * size // places, np.maximum(
        stop * size // places, (stop - 1) * size // places + 1
    )


def _whole(count: int, size: int) -> Ranges:
    """Return ``count`` ranges, each of which is ``[0, size)``."""
    return np.zeros(count, np.int64), np.full(count, size, np.int64)
