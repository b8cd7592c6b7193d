"""Blocks and cells: the units in which tensors are cached, and those accessed together.

A tensor's row and channel cuts are the union of the tile edges of its writer and all its
readers. They cut it into cells; whoever touches a cell touches all of it. A cell is split
further into blocks of at most :data:`LARGEST_BLOCK` bytes, in order. So every access covers
whole blocks, and the blocks of a cell share one fate until one of them is evicted.

All tensors of a program are cut at once, in columns with an entry per edge, cell or block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

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
    """

    shapes: Index
    rows: Edges
    channels: Edges
    largest: int

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
        per_block = np.maximum(self.largest // strip_bytes, 1)  # channels
        pieces = -(-strip_bytes // self.largest)  # of one channel; 1 where it fits
        width = right - left
        blocks = -(-width // per_block) * pieces
        first_block = np.concatenate([[0], np.cumsum(blocks)])
        if most is not None and first_block[-1] > most:
            return None
        # A channel's strip larger than a block is cut along its bytes, into equal pieces.
        of = np.repeat(np.arange(len(blocks)), blocks)
        number, parts, step = np.arange(len(of)) - first_block[of], pieces[of], per_block[of]
        begin, piece = np.divmod(number, parts)
        whole = np.minimum(step, width[of] - begin * step) * strip_bytes[of]
        return {
            "cell_tensor": tensor.astype(np.int32),
            "cell_bytes": strip_bytes * width,
            "cell_box": np.stack([image, top, bottom, left, right], axis=1).astype(np.int32),
            "cell_block": first_block,
            "block_bytes": whole * (piece + 1) // parts - whole * piece // parts,
        }
