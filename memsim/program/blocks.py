"""Blocks and cells: the units in which tensors are cached, and those accessed together.

A tensor's row and channel cuts are the union of the tile edges of its writer and all its
readers. They cut it into cells; whoever touches a cell touches all of it. A cell is split
further into blocks of at most :data:`LARGEST_BLOCK` bytes, in order. So every access covers
whole blocks, and the blocks of a cell share one fate until one of them is evicted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]

LARGEST_BLOCK = 16 * 1024
"""Bytes."""


class CellGrid:
    """The grid of edges that cuts one stored tensor into cells, and its cells into blocks.

    Parameters
    ----------
    channels, rows : int
        Size of one image; parameters have one row.
    row_bytes : int
        Bytes of one row of one channel.
    images : int
    largest : int
        Largest block, in bytes.

    Cells, and blocks in the same order, are numbered image by image, strip by strip, then
    along the channels, so that a strip's cells of neighbouring channels are consecutive.
    """

    def __init__(self, channels: int, rows: int, row_bytes: int, images: int, largest: int) -> None:
        self.channels, self.rows, self.row_bytes, self.images = channels, rows, row_bytes, images
        self.largest = largest
        self._row_cuts: list[Index] = [np.array([0, rows])]
        self._channel_cuts: list[Index] = [np.array([0, channels])]

    def cut(self, rows: Index, channels: Index) -> None:
        """Add edges that an access imposes."""
        self._row_cuts.append(rows)
        self._channel_cuts.append(channels)

    def freeze(self) -> None:
        """Number the cells; no cuts after this."""
        self.row_edges = np.unique(np.concatenate(self._row_cuts))
        self.channel_edges = np.unique(np.concatenate(self._channel_cuts))
        heights, widths = np.diff(self.row_edges), np.diff(self.channel_edges)
        strip_bytes = heights * self.row_bytes  # of one channel
        per_block = np.maximum(self.largest // strip_bytes, 1)  # channels
        pieces = -(-strip_bytes // self.largest)  # of one channel; 1 where it fits
        self.counts = (-(-widths[None, :] // per_block[:, None]) * pieces[:, None]).ravel()
        """Blocks of each cell of one image."""
        self.cell_bytes = (strip_bytes[:, None] * widths[None, :]).ravel()
        """Bytes of each cell of one image."""
        self.cells_across = len(widths)
        self.cells = len(self.counts)
        self._split = heights, widths, per_block, pieces

    def sizes(self) -> Index:
        """Bytes of every block of one image, in order."""
        heights, widths, per_block, pieces = self._split
        cell = np.repeat(np.arange(self.cells), self.counts)
        strip, across = np.divmod(cell, self.cells_across)
        number = np.arange(len(cell)) - np.repeat(np.cumsum(self.counts) - self.counts, self.counts)
        step, parts = per_block[strip], pieces[strip]
        channel, piece = np.divmod(number, parts)
        width = np.minimum(step, widths[across] - channel * step)
        # A channel's strip larger than a block is cut along its bytes, into equal pieces.
        whole = width * heights[strip] * self.row_bytes
        sizes: Index = whole * (piece + 1) // parts - whole * piece // parts
        return sizes

    def boxes(self) -> NDArray[np.int32]:
        """Image, row range and channel range of every cell of all images."""
        image, strip, across = np.unravel_index(
            np.arange(self.images * self.cells),
            (self.images, self.cells // self.cells_across, self.cells_across),
        )
        rows, channels = self.row_edges, self.channel_edges
        columns = (image, rows[strip], rows[strip + 1], channels[across], channels[across + 1])
        return np.stack(columns, axis=1).astype(np.int32)

    def row_cells(self, edges: Index) -> Index:
        """The strip that begins at each row edge."""
        return np.searchsorted(self.row_edges, edges)

    def channel_cells(self, edges: Index) -> Index:
        """The channel cell that begins at each channel edge."""
        return np.searchsorted(self.channel_edges, edges)
