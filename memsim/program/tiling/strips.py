"""Tiles of given strips: how a kernel is cut whose rows come a few at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from memsim.machine.fields import RegisterTile
from memsim.program.kernel import Kernel
from memsim.program.tiling import registers
from memsim.program.tiling.buffers import blocks_of_strip, largest, smallest, tallest
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

    def least(self, kernel: Kernel, columns: int | None = None) -> int:
        """Bytes of buffers without which a kernel has no tile; 0 where they do not matter."""
        in_registers = self.register_tile is not None and kernel.macs
        return 0 if self.whole or kernel.untiled or in_registers else smallest(kernel, columns)

    def tile(
        self,
        kernel: Kernel,
        low: Index,
        high: Index,
        across: tuple[Index, Index] | None = None,
    ) -> Tiling:
        """Cut a kernel into strips, and further where the buffers hold less.

        A strip is cut into the fewest channel blocks whose tiles the buffers hold; where they hold
        not even one channel of it, into rows as well, by the tile that the kernel has by itself.

        Parameters
        ----------
        kernel : Kernel
        low, high : int64 arrays
            First row and row behind the last of each strip of the group; together they are all
            rows. Strips of a kernel may overlap, and some may be empty.
        across : pair of int64 arrays, optional
            First column and column behind the last of each, where they are tiles.

        Raises
        ------
        SimulationError
            If the buffers do not hold one row of one channel.
        """
        images, channels, height, _ = kernel.output.grid
        columns = None
        if across is not None:
            columns = int((across[1] - across[0]).max())
            high = np.where(across[0] < across[1], high, low)
        strips = _Pieces.of(low, high)
        by_rows = order_of(self.order, kernel) == "rows_outer"
        if self.register_tile is not None and kernel.macs and not (self.whole or kernel.untiled):
            cut = registers.cut(kernel, self.register_tile, order_of(self.order, kernel), False)
            per_row = max(int(cut.parts[0]) // int(cut.edges[1][1]), 1)
            through = int(cut.parts.max()) > 1
            pieces = strips.cut(cut.edges[1])
            heights = pieces.high - pieces.low
            parts = heights * per_row if through else 0 * heights + 1
            return pieces.tiling(images, cut.edges[2], by_rows, parts)
        blocks: int | None = 1
        if not (self.whole or kernel.untiled):
            blocks = blocks_of_strip(kernel, self.buffer, int((high - low).max()), columns)
        if blocks is None and columns is not None:
            blocks = channels
            strips = strips.lower(tallest(kernel, self.buffer, columns))
        elif blocks is None:
            _, count, blocks = largest(kernel, self.buffer, False)
            strips = strips.lower(-(-height // count))
        parts = np.append(np.arange(0, channels, -(-channels // blocks)), channels)
        return strips.tiling(images, parts, by_rows, 0 * strips.low + 1, across)


class _Pieces(NamedTuple):
    """Rows that are computed at once, in order: strips of a group, or parts of them.

    Attributes
    ----------
    turn : int64 array
        Which strip of the group each is of.
    low, high : int64 arrays
        First row and row behind the last.
    """

    turn: Index
    low: Index
    high: Index

    @classmethod
    def of(cls, low: Index, high: Index) -> _Pieces:
        turn = np.flatnonzero(low < high)
        return cls(turn, low[turn], high[turn])

    def cut(self, edges: Index) -> _Pieces:
        """Cut each at the edges within it."""
        return self._at([edges[(low < edges) & (edges < high)] for _, low, high in self._each()])

    def lower(self, rows: int) -> _Pieces:
        """Cut each into pieces of so many rows."""
        return self._at([np.arange(low + rows, high, rows) for _, low, high in self._each()])

    def _each(self) -> Iterator[tuple[int, int, int]]:
        return zip(self.turn.tolist(), self.low.tolist(), self.high.tolist(), strict=True)

    def _at(self, edges: list[Index]) -> _Pieces:
        low = [np.append(begin, each) for begin, each in zip(self.low, edges, strict=True)]
        high = [np.append(each, end) for end, each in zip(self.high, edges, strict=True)]
        turn = np.repeat(self.turn, [len(each) for each in low])
        return _Pieces(turn, np.concatenate(low), np.concatenate(high))

    def tiling(
        self,
        images: int,
        channels: Index,
        by_rows: bool,
        parts: Index,
        across: tuple[Index, Index] | None = None,
    ) -> Tiling:
        """Image by image and strip by strip tiles of channel blocks, of so many parts each."""
        shape = images, len(self.low), len(channels) - 1
        group, strip, block = np.unravel_index(np.arange(int(np.prod(shape))), shape)
        if not by_rows:
            order = np.lexsort((strip, block, self.turn[strip], group))
            group, strip, block = group[order], strip[order], block[order]
        parts = parts[strip]
        task = np.repeat(np.arange(len(parts)), parts)
        part = np.arange(len(task)) - np.repeat(np.cumsum(parts) - parts, parts)
        group, strip, block = group[task], strip[task], block[task]
        rows = np.union1d(self.low, self.high)
        apart = np.array_equal(rows[:-1], self.low) and np.array_equal(rows[1:], self.high)
        return Tiling(
            np.arange(images + 1), rows, channels, group, strip, block, part, parts[task],
            overlapping=None if apart else (self.low, self.high),
            across=None if across is None else (across[0][self.turn], across[1][self.turn]),
            turn=self.turn[strip],
        )  # fmt: skip
