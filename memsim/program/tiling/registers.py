"""Tiles of outputs that accumulate in registers: how processors compute products.

A convolution on a processor is many small products of matrices. A register tile, a few output
pixels x some output channels, sums up all its products in registers; for that it goes through all
weights of its channels, and the next register tile goes through them again. A cache that does not
hold these weights streams them once per register tile, which is what makes small caches expensive.

What caches of twice :data:`NEAREST` or more cannot tell apart is not told apart here, so that a
program stays small: register tiles whose weights lie in the nearest cache, channel blocks where all
weights do, and output rows whose inputs do. The columns of a row are not told apart either: its
first register tile reads the rows below it, whole, and its last one writes it.

References
----------
K. Goto and R. van de Geijn, "Anatomy of High-Performance Matrix Multiplication", ACM TOMS 34 (3),
2008: what is kept in registers, and what streams past. oneDNN's convolutions on AVX2 do the same,
:mod:`memsim.program.library.onednn.brgemm`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.machine.fields import RegisterTile
from memsim.program.kernel import Kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]

NEAREST = 32 * 1024
"""Bytes of the first-level data cache of most processors since 2000: the smallest that matters."""


@dataclass(frozen=True, slots=True)
class RegisterCut:
    """How register tiles cut a kernel.

    Attributes
    ----------
    edges : tuple of arrays
        Of the groups of images, of the strips of rows and of the channel blocks.
    parts : int64 array, per strip
        How often the weights of a channel block are gone through for a strip.
    """

    edges: tuple[Index, Index, Index]
    parts: Index


def cut(kernel: Kernel, tile: RegisterTile, order: str, together: bool) -> RegisterCut:
    """Cut a kernel that multiplies.

    Parameters
    ----------
    kernel : Kernel
    tile : RegisterTile
        A row of fewer pixels leaves registers to more channels: of 4 x 24 outputs a row of 3
        pixels makes 3 x 32.
    order : str
        A key of ``ORDERS``. Under ``rows_outer`` a strip is one row, since all weights are gone
        through for each strip; else it may be several.
    together : bool
        Whether the images of a batch are the pixels where maps are 1x1.
    """
    images, channels, height, columns = kernel.output.grid
    product = together and height == columns == 1
    pixels = images if product else columns
    at_once = min(tile.pixels, pixels)
    per_channel = kernel.filters * kernel.weight_itemsize
    near = channels * per_channel <= NEAREST
    width = channels if near else min(tile.pixels * tile.channels // at_once, channels)
    several = near or order != "rows_outer"
    rows = min(max(NEAREST // _row_bytes(kernel), 1), height) if several else 1
    edges = (
        _steps(images, images if product else 1),
        _steps(height, rows),
        _steps(channels, width),
    )
    # Packed weights are those of direct convolutions, which go along a row with a slice of them.
    packed = kernel.filters > kernel.stored
    heights = np.diff(edges[1])
    if packed or width * per_channel <= NEAREST:
        return RegisterCut(edges, np.ones_like(heights))
    return RegisterCut(edges, heights * -(-pixels // at_once))


def _row_bytes(kernel: Kernel) -> int:
    """Bytes of an output row and of the input rows that come with it."""
    _, channels, height, columns = kernel.output.grid
    nbytes = channels * columns * kernel.output.itemsize
    for number in range(kernel.own):
        depth, rows, width = kernel.source(number).box
        nbytes += depth * -(-rows // height) * width * kernel.itemsize(number)
    return nbytes


def _steps(size: int, step: int) -> Index:
    """Edges of parts of one size, the last one smaller where they do not divide."""
    return np.append(np.arange(0, size, step, dtype=np.int64), size)
