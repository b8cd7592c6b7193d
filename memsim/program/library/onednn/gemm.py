"""Products of matrices as MKL blocks them, as spans.

PyTorch's wheel multiplies matrices with MKL 2024.2, whose blocks are not published. They were read
off the library itself: products of many shapes ran with their matrices' pages protected, so that
every first access to a page told its address and the function that made it
(``mkl_blas_avx2_sgemm_scopy_down24_ea``, ``..._kernel_nocopy_NN_b0`` and so on). No measured
traffic played a part.

``target = weights @ columns``. Where both sides of the target are long, MKL copies: a block of the
weights, then, panel by panel, a few columns, which go through the whole block at once; columns
that later blocks of weights need again stay as they were copied. Where one side is short, tiles of
the target are summed up from both factors in place: every few rows read the columns of a tile
again. Only where rows of the columns begin in the midst of a vector, and many rows of the target
need them, do they go to a small buffer first (seen in the stores that Callgrind counts of products
of 27 shapes, and in the misses of a first level: 64 rows of 4096 pixels miss 11 times a line, since
all terms of a tile lie in one set; 64 rows of 4104 pixels miss once).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from memsim.program.library.onednn.geometry import ITEM, ceil
from memsim.program.library.onednn.processor import AVX512, InstructionSet
from memsim.program.spans import Recorder, Stream

BLOCK = 384
"""Rows of weights that are copied at once, on every instruction set."""


@dataclass(frozen=True, slots=True)
class Blas:
    """How MKL cuts products on one instruction set.

    Attributes
    ----------
    long : int
        Rows and columns of the target from which on it copies.
    panel : int
        Columns that are copied at once.
    deep, most_deep : int
        Terms that are summed up at once after a copy; all of them if they are at most
        ``most_deep``.
    wide : int
        Columns that go through all terms before the next ones.
    tile, rows : int
        Columns and rows of a tile without copies.
    straight : int
        Terms that are summed up at once without copies.
    chunk, most_chunk : int
        Rows whose tiles follow one another without copies before the next columns; all rows that
        are left if they are at most ``most_chunk``.
    vector : int
        Columns of a vector: where they divide a row, no tile needs a buffer; 0 where that was not
        looked at, and a buffer is assumed.
    """

    long: int
    panel: int
    deep: int
    most_deep: int
    wide: int
    tile: int
    rows: int
    straight: int
    chunk: int
    most_chunk: int
    vector: int


MKL_AVX2 = Blas(72, 24, 192, 256, 10008, 16, 6, 256, 48, 64, 8)
MKL_AVX512 = Blas(192, 48, 384, 384, 9984, 48, 8, 384, 64, 85, 0)

VECTOR = 32
"""Bytes that a column of a buffer is filled up to."""

FEW = 17
"""Rows of the target up to which the columns of a tile are not kept in a buffer: 17 rows had none,
20 rows had one."""

COLUMNS = ITEM * BLOCK * 384
"""Where copies of columns begin in the memory that the library keeps, behind those of weights."""

SCRATCH = COLUMNS + ITEM * 384 * 10008
"""Bytes of that memory."""


def blas_of(vectors: InstructionSet) -> Blas:
    """The cuts for an instruction set. On AVX alone MKL 2024.2 falls back to SSE 4.2, whose blocks
    were not read off: those of AVX2 are assumed."""
    return MKL_AVX512 if vectors is AVX512 else MKL_AVX2


def halved(total: int, size: int, most: int = 0) -> list[tuple[int, int]]:
    """Cut a length into blocks of a size; what is left of two of them is halved.

    Parameters
    ----------
    total, size : int
    most : int
        What is left and at most this is one block; the size if it is larger.

    Returns
    -------
    list of (int, int)
        Starts and lengths.

    Examples
    --------
    >>> halved(600, 256), halved(512, 256), halved(200, 48, 64)[-2:]
    ([(0, 256), (256, 172), (428, 172)], [(0, 256), (256, 256)], [(96, 48), (144, 56)])
    """
    parts, at = [], 0
    while at < total:
        left = total - at
        if left > 2 * size:
            part = size
        elif left > max(size, most):
            part = ceil(left, 2)
        else:
            part = left
        parts.append((at, part))
        at += part
    return parts


def _deep(depth: int, blas: Blas) -> list[tuple[int, int]]:
    """The blocks of terms after a copy.

    Examples
    --------
    >>> _deep(256, MKL_AVX2), _deep(300, MKL_AVX2), _deep(400, MKL_AVX2)
    ([(0, 256)], [(0, 150), (150, 150)], [(0, 192), (192, 192), (384, 16)])
    """
    if depth <= 2 * blas.deep:
        return halved(depth, blas.deep, blas.most_deep)
    return [(at, min(blas.deep, depth - at)) for at in range(0, depth, blas.deep)]


def record_product(
    trace: Recorder,
    weights: int,
    columns: int,
    target: int,
    scratch: int,
    rows: int,
    depth: int,
    pixels: int,
    blas: Blas = MKL_AVX2,
    adds: bool = False,
) -> None:
    """Record ``target = weights @ columns`` for plain matrices.

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
    blas : Blas
    adds : bool
        To what is in the target already: a bias.
    """
    product = _Product(trace, weights, columns, target, scratch, rows, depth, pixels, blas, adds)
    if min(rows, pixels) >= blas.long:
        product.copied()
    else:
        product.straight()


@dataclass(frozen=True, slots=True)
class _Product:
    trace: Recorder
    weights: int
    columns: int
    target: int
    scratch: int
    rows: int
    depth: int
    pixels: int
    blas: Blas
    adds: bool

    def straight(self) -> None:
        """For each block of terms and chunk of rows, tile after tile."""
        width = self.blas.tile
        at = np.arange(0, self.pixels, width)[:, None]
        wide = np.minimum(self.pixels - at, width) * ITEM
        together = self.pixels <= width
        whole = self.blas.vector > 0 and self.pixels % self.blas.vector == 0
        buffered = self.rows > FEW and not whole
        for term, terms in halved(self.depth, self.blas.straight):
            start, size = self.scratch + COLUMNS, terms * (-(-wide // VECTOR) * VECTOR)
            columns = self._columns(term, terms, at, wide)
            first: list[Stream] = []
            if together:
                start, size = self.columns + term * self.pixels * ITEM, terms * wide
            elif buffered:
                first = [columns, (np.full(at.shape, start), size, True)]
            if together or buffered:
                columns = (np.full(at.shape, start), size, False)
            for row, count in halved(self.rows, self.blas.chunk, self.blas.most_chunk):
                streams = list(first)
                for begin in range(row, row + count, self.blas.rows):
                    part = min(self.blas.rows, row + count - begin)
                    streams.append(columns)
                    streams += self._weights(begin, part, term, terms, len(at))
                    streams += self._result(begin, part, term, at, wide)
                self.trace.add(*streams)

    def copied(self) -> None:
        """Blocks of weights and panels of columns are copied in the order of the inner loops."""
        panel = self.blas.panel
        for left in range(0, self.pixels, self.blas.wide):
            at = np.arange(left, min(left + self.blas.wide, self.pixels), panel)[:, None]
            wide = np.minimum(self.pixels - at, panel) * ITEM
            for term, terms in _deep(self.depth, self.blas):
                size = panel * terms * ITEM
                stays = self.rows > BLOCK  # columns are needed again
                there = self.scratch + COLUMNS + (at - left) // panel * size * stays
                for first in range(0, self.rows, BLOCK):
                    count = min(BLOCK, self.rows - first)
                    whole = count * terms * ITEM
                    self.trace.add(
                        *self._weights(first, count, term, terms, 1),
                        (np.array([[self.scratch]]), whole, True),
                    )
                    copies: list[Stream] = []
                    if first == 0:
                        copies = [self._columns(term, terms, at, wide), (there, size, True)]
                    self.trace.add(
                        *copies,
                        (there, size, False),
                        (np.full(at.shape, self.scratch), whole, False),
                        *self._result(first, count, term, at, wide),
                    )

    def _columns(self, term: int, terms: int, at: np.ndarray, wide: np.ndarray) -> Stream:
        line = (term + np.arange(terms)) * self.pixels
        return self.columns + (line + at) * ITEM, wide, False

    def _weights(self, first: int, count: int, term: int, terms: int, times: int) -> list[Stream]:
        """Rows of weights: one range where all their terms are needed."""
        if terms == self.depth:
            start = self.weights + first * self.depth * ITEM
            return [(np.full((times, 1), start), count * terms * ITEM, False)]
        line = self.weights + ((first + np.arange(count)) * self.depth + term) * ITEM
        return [(np.broadcast_to(line, (times, count)), terms * ITEM, False)]

    def _result(
        self, first: int, count: int, term: int, at: np.ndarray, wide: np.ndarray
    ) -> list[Stream]:
        start = self.target + ((first + np.arange(count)) * self.pixels + at) * ITEM
        again = np.broadcast_to(wide * (self.adds or term > 0), start.shape)
        return [(start, again, False), (start, np.broadcast_to(wide, start.shape), True)]
