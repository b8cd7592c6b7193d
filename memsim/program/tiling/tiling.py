"""Tiling: how a kernel's output is cut into tasks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from memsim.limits import check_least
from memsim.machine.fields import RegisterTile
from memsim.program.kernel import Kernel
from memsim.program.rows.runs import RowRuns, read_only
from memsim.program.tiling import registers
from memsim.program.tiling.buffers import largest
from memsim.program.tiling.orders import ORDERS, Order

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]

TOGETHER, APART = "together", "apart"

IMAGES = (TOGETHER, APART)
"""Whether a task may hold whole maps of several images, or is of one image always."""


@dataclass(frozen=True)
class Tiling:
    """The tasks of one kernel.

    Attributes
    ----------
    images, rows, channels : array of int
        Edges of the groups of images, of the strips and of the channel blocks, from 0 to the
        output's size.
    group, strip, block : array of int, one entry per task
        Which group of images, strip and channel block each task works on, in order.
    part, parts : array of int, per task
        Several tasks in a row may share a tile, a part of its pixels each: the first of them reads
        what the tile needs of its operands, each goes through the tile's weights, and the last
        writes the tile. ``part`` counts them from 0, ``parts`` says how many there are.
    overlapping : pair of arrays, optional
        First row and row behind the last of each strip, where rows are computed anew: ``rows`` are
        then all rows at which a strip begins or ends.
    across : pair of arrays, optional
        First column and column behind the last of each strip, where strips are tiles that are
        narrower than the map.
    turn : array of int, per task, optional
        Which strip of its group a task works on, where kernels run depth first.
    """

    images: Index
    rows: Index
    channels: Index
    group: Index
    strip: Index
    block: Index
    part: Index
    parts: Index
    overlapping: tuple[Index, Index] | None = None
    across: tuple[Index, Index] | None = None
    turn: Index | None = None

    def __len__(self) -> int:
        return len(self.group)

    @cached_property
    def strips(self) -> RowRuns:
        """The rows of each strip."""
        return RowRuns.ranges(*(self.overlapping or (self.rows[:-1], self.rows[1:])))

    def of_strips(self, runs: RowRuns) -> RowRuns:
        """What strips access, from what is accessed for the rows between two edges each."""
        if self.overlapping is None:
            return runs
        first, behind = (np.searchsorted(self.rows, edge) for edge in self.overlapping)
        return runs.together(first, behind)

    @cached_property
    def blocks(self) -> tuple[Index, Index]:
        """First channel and channel behind the last of each channel block."""
        return self.channels[:-1], self.channels[1:]


def tile(
    kernel: Kernel,
    buffer: int,
    order: str = "rows_outer",
    whole: bool = False,
    together: bool = True,
    register_tile: RegisterTile | None = None,
) -> Tiling:
    """Cut a kernel into tasks.

    Parameters
    ----------
    kernel : Kernel
    buffer : int
        Bytes of the streaming buffers.
    order : str
        A key of :data:`ORDERS`.
    whole : bool
        One task, whatever the buffers hold.
    together : bool
        Whether a task may hold several images; else there is at least a task per image.
    register_tile : RegisterTile, optional
        What accumulates in registers: kernels that multiply are then cut as :mod:`.registers` says,
        and the buffers do not matter to them.

    Raises
    ------
    SimulationError
        If the buffers do not hold the smallest tile: one row of one channel. If there are more
        tasks than a program can have.
    """
    images, channels, height, _ = kernel.output.grid
    if register_tile is not None and kernel.macs and not (whole or kernel.untiled):
        cut = registers.cut(kernel, register_tile, order, together)
        tiles = math.prod(len(axis) - 1 for axis in cut.edges)
        check_least(kernel.name, tiles * least_touches(kernel), tell=False)
        group, strip, block = ORDERS[order](*(len(axis) - 1 for axis in cut.edges))
        parts = cut.parts[strip]
        task = np.repeat(np.arange(len(parts)), parts)
        part = np.arange(len(task)) - np.repeat(np.cumsum(parts) - parts, parts)
        return Tiling(*cut.edges, group[task], strip[task], block[task], part, parts[task])
    if whole or kernel.untiled:
        groups, strips, blocks = 1 if together else images, 1, 1
    else:
        groups, strips, blocks = largest(kernel, buffer, together)
        check_least(kernel.name, groups * strips * blocks * least_touches(kernel), tell=False)
    return _in_equal_parts((images, height, channels), (groups, strips, blocks), ORDERS[order])


def least_touches(kernel: Kernel) -> int:
    """Touches of a tile: it reads every operand, and is written."""
    return len(kernel.operands) + 1


@lru_cache(maxsize=1024)
def _in_equal_parts(
    sizes: tuple[int, int, int], parts: tuple[int, int, int], order: Order
) -> Tiling:
    """Images, rows and channels in so many parts each."""
    edges = [_edges(size, number) for size, number in zip(sizes, parts, strict=True)]
    if math.prod(parts) == 1:
        tasks = [_ZERO, _ZERO, _ZERO, _ZERO, _ONE]
    else:
        group, strip, block = order(*parts)
        tasks = [group, strip, block, 0 * group, 0 * group + 1]
    columns = read_only(*edges, *tasks)
    images, rows, channels, group, strip, block, part, of = columns
    return Tiling(images, rows, channels, group, strip, block, part, of)


_ZERO, _ONE = np.zeros(1, np.int64), np.ones(1, np.int64)


def _edges(size: int, parts: int) -> Index:
    """Edges of parts of equal size, the last one smaller where they do not divide."""
    step = -(-size // parts)
    if parts == 1:
        return np.array([0, size], np.int64)
    return np.append(np.arange(0, size, step, dtype=np.int64), size)
