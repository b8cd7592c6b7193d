"""Plans: what the tasks of one kernel access, before the tensors are cut into cells."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from memsim.errors import InputError, Problem, SimulationError
from memsim.network.ops import Shape
from memsim.network.parameters import Weights
from memsim.program.fold import Along, Fold
from memsim.program.kernel import Kernel, Operand, Role, View
from memsim.program.program import Stored
from memsim.program.roles import read_role, write_role
from memsim.program.rows import ROWS, RowRuns, TooManyRows
from memsim.program.rows.runs import merged, read_only
from memsim.program.tensor_table import TensorTable
from memsim.program.tiling import Tiling

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]
    Ranges = tuple[Index, Index]


class Access(NamedTuple):
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
    within : (int, int, int)
        Of several tensors stacked: at which of the channels this one begins, how many of them it
        has, and which of its own the first of them is.
    tile : bool
        By the first of the tasks that share a tile, though it is parameters.
    across : pair of arrays, optional
        First column and column behind the last, for each strip; None: all columns.
    """

    tensor: str
    role: Role
    rows: RowRuns
    channels: Ranges
    write: bool = False
    once: bool = False
    rows_by: str = "strip"
    channels_by: str = "block"
    within: tuple[int, int, int] = (0, 1 << 48, 0)
    tile: bool = False
    across: Ranges | None = None


class KernelPlan:
    """One kernel, its tiling and its accesses in order; the last one is the write.

    Making it adds the kernel's parameters to the stored tensors.

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
        written = tiling.strips, tiling.blocks
        self._add(Access(output.name, role, *written, write=True, across=tiling.across))

    def use(self, scratch: str, *, reads: bool) -> None:
        """Let the first task read scratch memory, unless nobody wrote it before, and write it."""
        whole = (
            RowRuns.whole(len(self.tiling.strips.low), 1),
            _whole(len(self.tiling.channels) - 1, 1),
        )
        if reads:
            self._add(Access(scratch, Role.SCRATCH, *whole, once=True))
            self.accesses.insert(0, self.accesses.pop())
        self._add(Access(scratch, Role.SCRATCH, *whole, write=True, once=True))

    def _add(self, access: Access) -> None:
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
            needed = RowRuns.ranges(*self._handed_rows(rows))
            across = _handed(*tiling.blocks, tiling.channels[-1], channels)
            self._add(Access(weights.name, Role.WEIGHT, needed, across, tile=True))
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
        whole = RowRuns.whole(len(self.tiling.strips.low), rows)
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
        strips = len(tiling.strips.low)
        size = channels if weights.turned else weights.rows
        rows = RowRuns.whole(strips, size)
        if weights.looked_up:
            rows = RowRuns.ranges(*self._handed_rows(size))
        if weights.turned:
            where = RowRuns.ranges(*tiling.blocks), (rows.low, rows.high)
            by = ("block", "strip")
        else:
            where = rows, tiling.blocks
            by = ("strip", "block")
        access = Access(weights.name, Role.WEIGHT, *where, rows_by=by[0], channels_by=by[1])
        self._add(access)

    def _handed_rows(self, size: int) -> Ranges:
        """What strips read of an axis that is handed out among all rows."""
        strips = self.tiling.strips
        return _handed(strips.low, strips.high, self.tiling.rows[-1], size)

    def _read_operand(self, number: int, operand: Operand) -> None:
        """Read the segments of an operand's view, and the parameters of its prologue."""
        kernel, tiling, view = self.kernel, self.tiling, operand.view
        source = kernel.source(number)
        rows = self._rows(operand, source)
        low, high = operand.op.input_channels(*tiling.blocks, source.box, kernel.output.image.box)
        strips, blocks = len(tiling.strips.low), len(tiling.channels) - 1
        folded = self._folded(view, source, rows, low, high)
        needed, channels, rows_by, channels_by = folded or (rows, (low, high), "strip", "block")
        across = self._across(operand, source, folded is not None)
        offset = 0
        for tensor, start, stop in view.segments:
            stored = self.tensors[tensor]
            size = stop - start
            within = (offset, size, start)
            if folded is None and view.flat:
                needed = RowRuns.whole(strips, stored.shape[2])
                channels = _whole(blocks, size)
                if number >= kernel.own:  # elementwise: a tile reads its own elements
                    channels = _share(low, high, offset, size, stored)
                    size *= stored.shape[2] * stored.shape[3] // stored.itemsize
                within = (0, size, start)
            self._add(
                Access(
                    tensor,
                    read_role(operand.role, stored.kind),
                    needed,
                    channels,
                    rows_by=rows_by,
                    channels_by=channels_by,
                    within=within,
                    across=across,
                )
            )
            offset += size
        if kernel.load_work and number < kernel.own:
            columns = source.box[2] if across is None else across[1] - across[0]
            self.loaded = np.outer(rows.counts * columns, high - low)
        for weights in (each for step in view.prologue for each in step):
            self._there(weights, weights.channels or 1, 1, 1)
            self._read_whole(weights.name, once=True)

    def _rows(self, operand: Operand, source: Shape) -> RowRuns:
        """The rows of an operand that each strip reads."""
        tiling, sizes = self.tiling, (source.box[1], self.kernel.output.grid[2])
        try:
            return tiling.of_strips(self.reading(operand.op, *sizes, tiling.rows))
        except TooManyRows as error:
            message = f"{self.kernel.name} reads {error} rows apart from one another"
            hint = "larger buffers, a smaller input"
            raise SimulationError(Problem(message, hint=hint)) from None

    def _across(self, operand: Operand, source: Shape, folded: bool) -> Ranges | None:
        """The columns of an operand that each strip reads, from the first to the last."""
        if self.tiling.across is None:
            return None
        turned = operand.op.across()
        if turned is None or folded or operand.view.flat or len(source) != 3:
            message = f"{self.kernel.name} ({self.kernel.op.kind}) is not cut across its columns"
            hint = "a strip of whole rows, such as 4, or leave the layer out of the group"
            raise InputError(Problem(message, path="strip", hint=hint))
        size, width = source.box[2], self.kernel.output.grid[3]
        first, behind = self.tiling.across
        edges = np.unique(np.concatenate([first, behind, [0, width]]))
        runs = self.reading(turned, size, width, edges)
        runs = runs.together(np.searchsorted(edges, first), np.searchsorted(edges, behind))
        some = np.diff(runs.start) > 0
        low, high = np.zeros((2, len(some)), np.int64)
        low[some] = runs.low[runs.start[:-1][some]]
        high[some] = runs.high[runs.start[1:][some] - 1]
        return low, high

    def _folded(
        self, view: View, shape: Shape, rows: RowRuns, low: Index, high: Index
    ) -> tuple[RowRuns, Ranges, str, str] | None:
        """What an operand needs of the tensors behind its view, where it is no plain one.

        Rows and channels of the segments stacked, and what each of them depends on.
        """
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


def _share(low: Index, high: Index, offset: int, size: int, stored: Stored) -> Ranges:
    """The channels of a flattened map that channel blocks of its elements read.

    Of a channel that two blocks need, the block that ends it reads all: each is read once.
    """
    elements = stored.shape[2] * stored.shape[3] // stored.itemsize  # of a channel
    first, last = ((edge - offset) // elements for edge in (low, high))
    return np.clip(first, 0, size), np.clip(last, 0, size)


def _handed(start: Index, stop: Index, places: int, size: int) -> Ranges:
    """What parts of an axis read of another one that is handed out among all its places.

    All of them read the same of an axis of one, and each its own of an axis as long.

    Examples
    --------
    >>> for size in (1, 4, 8, 2):
    ...     low, high = _handed(np.array([0, 1]), np.array([1, 4]), 4, size)
    ...     print([*zip(low.tolist(), high.tolist())])
    [(0, 1), (0, 1)]
    [(0, 1), (1, 4)]
    [(0, 2), (2, 8)]
    [(0, 1), (0, 2)]
    """
    return start * size // places, np.maximum(
        stop * size // places, (stop - 1) * size // places + 1
    )


@lru_cache(maxsize=1024)
def _whole(count: int, size: int) -> Ranges:
    """Return ``count`` ranges, each of which is ``[0, size)``."""
    low, high = read_only(np.zeros(count, np.int64), np.full(count, size, np.int64))
    return low, high
