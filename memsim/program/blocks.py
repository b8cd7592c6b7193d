"""Blocks and cells: the units in which tensors are cached, and those accessed together.

A tensor's row and channel cuts are the union of the tile edges of its writer and all its
readers. They cut it into cells; whoever touches a cell touches all of it. A cell is split
further into blocks of at most :data:`LARGEST_BLOCK` bytes, in order. So every access covers
whole blocks, and the blocks of a cell share one fate until one of them is evicted.

All tensors of a program are cut at once, in columns with an entry per edge, cell or block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.program.rows import RowRuns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]

LARGEST_BLOCK = 16 * 1024
"""Bytes."""


class Edges:
    """The edges that cut one axis of every tensor.

    Parameters
    ----------
    sizes : int64 array, per tensor
        Of the axis.
    tensor, edge : int64 arrays
        Where which tensors are cut, in any order and any number of times; the ends besides.

    Attributes
    ----------
    edge : int64 array, one entry per edge
        Ascending, tensor by tensor, from 0 to the tensor's size.
    first : int64 array, per tensor
        Its first edge.
    parts : int64 array, per tensor
        How many parts it has.

    Examples
    --------
    >>> edges = Edges(np.array([8, 6]), np.array([1, 1, 1]), np.array([2, 4, 2]))
    >>> edges.edge.tolist(), edges.parts.tolist()
    ([0, 8, 0, 2, 4, 6], [1, 3])
    >>> edges.part(np.array([0, 1]), np.array([8, 4])).tolist()
    [1, 2]
    """

    def __init__(self, sizes: Index, tensor: Index, edge: Index) -> None:
        self._apart = int(sizes.max(initial=0)) + 1
        begin = np.arange(len(sizes)) * self._apart
        keys = np.concatenate([begin, begin + sizes, tensor * self._apart + edge])
        keys.sort()
        self._keys = keys[np.diff(keys, prepend=-1) > 0]
        self.first = np.searchsorted(self._keys, begin)
        self.parts = np.diff(self.first, append=len(self._keys)) - 1
        self.edge = self._keys - np.repeat(begin, self.parts + 1)

    def part(self, tensor: Index, edge: Index) -> Index:
        """The part of a tensor that begins at each edge."""
        return np.searchsorted(self._keys, tensor * self._apart + edge) - self.first[tensor]


class Bands:
    """Columns at which tensors are cut: bands of columns, one under the other.

    A tensor that tiles access which are narrower than the map is cut into bands between the columns
    at which they begin and end. Its rows are then those of its first band, of its second, and so
    on, so that all else that is cut into rows and channels is cut alike. Others are one band.

    Parameters
    ----------
    shapes : int64 array, tensors x 4
        Images, channels, rows and bytes of one row of one channel.
    itemsizes : sequence of int
        Bytes of an element of each tensor.
    tensor : int64 array, one entry per access
    across : sequence of (pair of int64 arrays, or None), one per access
        First columns, and those behind the last.
    """

    def __init__(
        self,
        shapes: Index,
        itemsizes: Sequence[int],
        tensor: Index,
        across: Sequence[tuple[Index, Index] | None],
    ) -> None:
        self.height = shapes[:, 2]
        self._edges: dict[int, Index] = {}
        for number, each in zip(tensor.tolist(), across, strict=True):
            if each is not None:
                width = int(shapes[number, 3]) // itemsizes[number]
                known = self._edges.get(number, np.array([0, width]))
                some = [edge[each[0] < each[1]] for edge in each]
                self._edges[number] = np.unique(np.concatenate([known, *some]))
        self.count = np.ones(len(shapes), np.int64)
        for number, edges in self._edges.items():
            self.count[number] = len(edges) - 1
        self._first = np.cumsum(self.count) - self.count
        self._row_bytes = np.repeat(shapes[:, 3], self.count)
        for number, edges in self._edges.items():
            first = self._first[number]
            self._row_bytes[first : first + len(edges) - 1] = np.diff(edges) * itemsizes[number]

    @property
    def borders(self) -> tuple[Index, Index]:
        """Where bands begin: the tensor, and the row."""
        count = np.where(self.count > 1, self.count, 0)
        tensor = np.repeat(np.arange(len(count)), count)
        number = np.arange(len(tensor)) - np.repeat(np.cumsum(count) - count, count)
        return tensor, number * self.height[tensor]

    def row_bytes(self, tensor: Index, row: Index) -> Index:
        """Bytes of a row of one channel, of tensors, in the band that a row is of."""
        found: Index = self._row_bytes[self._first[tensor] + row // self.height[tensor]]
        return found

    def spread(self, tensor: int, runs: RowRuns, across: tuple[Index, Index] | None) -> RowRuns:
        """Rows of some columns, as rows of the bands that these are."""
        if tensor not in self._edges:
            return runs
        edges, rows = self._edges[tensor], np.diff(runs.start)
        left, right = 0 * rows, 0 * rows + len(edges) - 1
        if across is not None:
            left, right = (np.searchsorted(edges, each) for each in across)
        bands = np.maximum(right - left, 0)
        ends = np.cumsum(rows * bands)
        of = np.repeat(np.arange(len(rows)), rows * bands)
        number = np.arange(len(of)) - (ends - rows * bands)[of]
        band, run = number // rows[of], number % rows[of] + runs.start[:-1][of]
        down = (left[of] + band) * self.height[tensor]
        return RowRuns(np.append(0, ends), runs.low[run] + down, runs.high[run] + down)


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of all tensors.

    They, and blocks in the same order, are numbered tensor by tensor, image by image, strip by
    strip, then along the channels, so that a strip's cells of neighbouring channels are
    consecutive.

    Parameters
    ----------
    shapes : int64 array, tensors x 4
        Images, channels, rows and bytes of one row of one channel; parameters have one image.
    rows, channels : Edges
    largest : int
        Largest block, in bytes.
    bands : Bands, optional
        Where tensors are cut between columns; ``rows`` are rows of the bands.
    """

    shapes: Index
    rows: Edges
    channels: Edges
    largest: int
    bands: Bands | None = None

    @property
    def of_image(self) -> Index:
        """How many cells an image of each tensor has."""
        cells: Index = self.rows.parts * self.channels.parts
        return cells

    @property
    def count(self) -> int:
        """How many there are."""
        # In Python's integers: there may be too many for any array.
        images = self.shapes[:, 0].tolist()
        return sum(a * b for a, b in zip(images, self.of_image.tolist(), strict=True))

    @property
    def first(self) -> Index:
        """The first cell of each tensor."""
        cells = self.shapes[:, 0] * self.of_image
        first: Index = np.cumsum(cells) - cells
        return first

    def columns(self, most: int | None = None) -> dict[str, NDArray[Any]] | None:
        """The columns of a program that describe its cells and blocks; None of more than most."""
        cells = self.shapes[:, 0] * self.of_image
        tensor = np.repeat(np.arange(len(cells)), cells)
        image, within = np.divmod(
            np.arange(len(tensor)) - self.first[tensor], self.of_image[tensor]
        )
        strip, across = np.divmod(within, self.channels.parts[tensor])
        row, channel = self.rows.first[tensor] + strip, self.channels.first[tensor] + across
        top, bottom = self.rows.edge[row], self.rows.edge[row + 1]
        left, right = self.channels.edge[channel], self.channels.edge[channel + 1]
        strip_bytes = (bottom - top) * self.shapes[tensor, 3]  # of one channel
        if self.bands is not None:
            strip_bytes = (bottom - top) * self.bands.row_bytes(tensor, top)
            above = top // self.bands.height[tensor] * self.bands.height[tensor]
            top, bottom = top - above, bottom - above
        per_block = np.maximum(self.largest // strip_bytes, 1)  # channels
        pieces = -(-strip_bytes // self.largest)  # of one channel; 1 where it fits
        width = right - left
        blocks = -(-width // per_block) * pieces
        first_block = np.concatenate([[0], np.cumsum(blocks)])
        if most is not None and first_block[-1] > most:
            return None
        # Blocks are many: all but a cell's last one are alike.
        block = np.repeat(per_block * strip_bytes, blocks)
        block[first_block[1:] - 1] = (width - (blocks - 1) * per_block) * strip_bytes
        # A channel's strip larger than a block is cut along its bytes, into equal pieces.
        cut = np.flatnonzero(pieces > 1)
        of = np.repeat(cut, blocks[cut])
        number = np.arange(len(of)) - np.repeat(np.cumsum(blocks[cut]) - blocks[cut], blocks[cut])
        piece, parts, whole = number % pieces[of], pieces[of], strip_bytes[of]
        block[first_block[of] + number] = whole * (piece + 1) // parts - whole * piece // parts
        box = np.empty((len(tensor), 5), np.int32)
        for axis, column in enumerate((image, top, bottom, left, right)):
            box[:, axis] = column
        return {
            "cell_tensor": tensor.astype(np.int32),
            "cell_bytes": strip_bytes * width,
            "cell_box": box,
            "cell_block": first_block,
            "block_bytes": block,
        }
