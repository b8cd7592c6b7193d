"""Tiles of given strips: how a kernel is cut whose rows come a few at a time."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from memsim.machine.fields import RegisterTile
from memsim.program.kernel import Kernel
from memsim.program.tiling import registers
from memsim.program.tiling.buffers import blocks_of_strip, largest
from memsim.program.tiling.orders import order_of
from memsim.program.tiling.tiling import Tiling

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class StripTiler:
    """Cuts strips for the streaming buffers, or for registers.

    Attributes
    ----------
    buffer : int
        Bytes of the streaming buffers.
    order : str
        A key of ``ORDERS``, or ``larger_outer``: which of rows and channel blocks of a strip is
        the outer loop. Images are apart, around the strips.
    whole : bool
        A strip is one task, whatever the buffers hold.
    register_tile : RegisterTile, optional
        What accumulates in registers.
    """

    buffer: int
    order: str = "rows_outer"
    whole: bool = False
    register_tile: RegisterTile | None = None

    def holds(self, kernel: Kernel, rows: int) -> bool:
        """Whether a strip of so many rows is one tile."""
        if self.whole or kernel.untiled:
            return True
        return blocks_of_strip(kernel, self.buffer, rows) == 1

    def tile(self, kernel: Kernel, edges: Index) -> Tiling:
        """Cut a kernel at the edges of strips, and further where the buffers hold less.

        A strip is cut into the fewest channel blocks whose tiles the buffers hold; where they hold
        not even one channel of it, into rows as well, by the tile that the kernel has by itself.

        Parameters
        ----------
        kernel : Kernel
        edges : int64 array
            Rows that are there after each strip, from 0 to all.

        Raises
        ------
        SimulationError
            If the buffers do not hold one row of one channel.
        """
        images, channels, height, _ = kernel.output.grid
        rows = np.unique(edges)
        by_rows = order_of(self.order, kernel) == "rows_outer"
        count = np.arange(images + 1)
        if self.register_tile is not None and kernel.macs and not (self.whole or kernel.untiled):
            cut = registers.cut(kernel, self.register_tile, order_of(self.order, kernel), False)
            per_row = max(int(cut.parts[0]) // int(cut.edges[1][1]), 1)
            through = int(cut.parts.max()) > 1
            rows = np.union1d(rows, cut.edges[1])
            tiles = _listed(images, rows, cut.edges[2], edges, by_rows)
            heights = np.diff(rows)
            parts = (heights * per_row if through else 0 * heights + 1)[tiles[1]]
            task = np.repeat(np.arange(len(parts)), parts)
            part = np.arange(len(task)) - np.repeat(np.cumsum(parts) - parts, parts)
            group, strip, block = (axis[task] for axis in tiles)
            return Tiling(count, rows, cut.edges[2], group, strip, block, part, parts[task])
        blocks: int | None = 1
        if not (self.whole or kernel.untiled):
            blocks = blocks_of_strip(kernel, self.buffer, int(np.diff(rows).max()))
        if blocks is None:
            _, strips, blocks = largest(kernel, self.buffer, False)
            step = -(-height // strips)
            within = [np.arange(low, high, step) for low, high in pairwise(rows.tolist())]
            rows = np.append(np.concatenate(within), height)
        across = np.append(np.arange(0, channels, -(-channels // blocks)), channels)
        group, strip, block = _listed(images, rows, across, edges, by_rows)
        return Tiling(count, rows, across, group, strip, block, 0 * group, 0 * group + 1)


def _listed(
    images: int, rows: Index, across: Index, edges: Index, by_rows: bool
) -> tuple[Index, Index, Index]:
    """Image, row strip and channel block of each tile: strips of a group one after the other."""
    shape = images, len(rows) - 1, len(across) - 1
    group, strip, block = np.unravel_index(np.arange(int(np.prod(shape))), shape)
    if by_rows:
        return group, strip, block
    turn = np.searchsorted(edges, rows[1:])[strip]
    order = np.lexsort((strip, block, turn, group))
    return group[order], strip[order], block[order]
