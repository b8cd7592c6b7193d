"""Products of matrices: how a BLAS library blocks them, as spans."""

from __future__ import annotations

import numpy as np

from memsim.program.library.onednn.geometry import ITEM
from memsim.program.spans import Recorder

DEPTH, WIDTH, PANEL = 384, 256, 16
"""Blocks of a matrix product: terms that are reduced at once, columns that are copied at once,
rows that then go through those columns at once. Of the order of what BLAS libraries take for AVX2
(OpenBLAS, param.h, HASWELL: SGEMM_DEFAULT_Q 320 or 384, SGEMM_DEFAULT_P 320 to 768)."""

FEW, NARROW = 24, 64
"""Columns below which a product is computed without copies, rows up to which only the weights
are copied."""


def record_product(
    trace: Recorder,
    weights: int,
    columns: int,
    target: int,
    scratch: int,
    rows: int,
    depth: int,
    pixels: int,
) -> None:
    """Record ``target = weights @ columns`` for plain matrices, as BLAS blocks it.

    A block of columns is copied into scratch memory in the order in which the inner loops read
    it. Then each :data:`PANEL` rows of weights are copied, too, into a small buffer of their own,
    and go through the whole block. If there are few rows, all their weights are copied at once
    and the columns are read in place; if there are few columns, nothing is copied.

    Parameters
    ----------
    trace : Recorder
    weights : int
        Address of ``[rows][depth]``.
    columns : int
        Address of ``[depth][pixels]``.
    target : int
        Address of ``[rows][pixels]``.
    scratch : int
        Address of :data:`SCRATCH` bytes.
    rows, depth, pixels : int
    """
    copied = pixels >= FEW and rows > NARROW
    small = scratch + DEPTH * WIDTH * ITEM
    width = WIDTH if pixels >= FEW else pixels
    panel = np.arange(0, rows, PANEL if pixels >= FEW else rows)[:, None]
    line = panel + np.arange(PANEL if pixels >= FEW else rows)
    for at in range(0, depth, DEPTH):
        part = min(DEPTH, depth - at)
        for left in range(0, pixels, width):
            wide = min(width, pixels - left) * ITEM
            block = columns + ((at + np.arange(part)) * pixels + left) * ITEM
            whole = scratch + np.arange(part) * wide
            if copied:
                trace.add((block[:, None], wide, False), (whole[:, None], wide, True))
                block = whole[:1]
            length = part * wide if copied else wide
            # Without a copy the columns are in the cache from the first panel on.
            again = np.ones_like(panel) if copied or pixels < FEW else panel == 0
            there = (line < rows) * (part * ITEM)
            result = target + (line * pixels + left) * ITEM
            written = (line < rows) * wide
            trace.add(
                (weights + (line * depth + at) * ITEM, there, False),
                (np.full(panel.shape, small), (pixels >= FEW) * PANEL * part * ITEM, True),
                (np.broadcast_to(block, (len(panel), len(block))), again * length, False),
                (result, (at > 0) * written, False),
                (result, written, True),
            )


SCRATCH = ITEM * DEPTH * (WIDTH + PANEL)
"""Bytes of scratch memory that products need for their copies."""
