"""PyTorch's own kernels (ATen), as spans: what oneDNN does not do.

Every kernel goes through memory once, in the order of its output. Maps of one image are plain
(nchw: one plane per channel) or channels last (nhwc: one line of channels per pixel).

References
----------
PyTorch 2.13, aten/src/ATen/native/cpu/: batch_norm_kernel.cpp, MaxPoolKernel.cpp,
AvgPoolKernel.cpp, CatKernel.cpp; aten/src/ATen/native/ConvolutionMM2d.cpp (``slow_conv2d``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from memsim.program.library.onednn.geometry import ITEM, Geometry
from memsim.program.spans import Recorder, Stream

INDEX = 8
"""Bytes of an index: max pooling returns 64-bit positions, wanted or not."""

DEPTH, WIDTH, PANEL = 384, 256, 16
"""Blocks of a matrix product: terms that are reduced at once, columns that are copied at once,
rows that then go through those columns at once. Of the order of what BLAS libraries take for AVX2
(OpenBLAS, param.h, HASWELL: SGEMM_DEFAULT_Q 320 or 384, SGEMM_DEFAULT_P 320 to 768)."""

FEW, NARROW = 24, 64
"""Columns below which a product is computed without copies, rows up to which only the weights
are copied."""


@dataclass(frozen=True, slots=True)
class Map:
    """A feature map of one image in memory.

    Attributes
    ----------
    address : int
    channels, rows, columns : int
    last : bool
        Channels last (nhwc), not nchw.
    """

    address: int
    channels: int
    rows: int
    columns: int
    last: bool = False

    @property
    def nbytes(self) -> int:
        """Bytes of fp32."""
        return ITEM * self.channels * self.rows * self.columns


def record_elementwise(
    trace: Recorder, sources: Sequence[Map], target: Map, piece: int = 4096
) -> None:
    """Record a kernel that goes through maps of one layout, such as relu or an addition.

    Parameters
    ----------
    trace : Recorder
    sources : sequence of Map
        All of the target's size.
    target : Map
        May be one of the sources: in place.
    piece : int
        Bytes of each that are handled before the next ones.
    """
    at = np.arange(0, target.nbytes, piece)[:, None]
    length = np.minimum(target.nbytes - at, piece)
    reads: list[Stream] = [(source.address + at, length, False) for source in sources]
    trace.add(*reads, (target.address + at, length, True))


def record_concat(trace: Recorder, sources: Sequence[Map], target: Map) -> None:
    """Record a concat's copies: whole maps one after the other, or line by line.

    Examples
    --------
    >>> trace = Recorder()
    >>> with trace.call("cat", "concat"):
    ...     record_concat(trace, [Map(0, 2, 4, 4), Map(512, 2, 4, 4)], Map(1024, 4, 4, 4))
    >>> spans = trace.spans()
    >>> spans.start.tolist(), spans.length.tolist()
    ([0, 1024, 512, 1152], [128, 128, 128, 128])
    """
    if target.last:  # a row of all sources, then the row of the target that they fill
        row = np.arange(target.rows)[:, None]
        reads: list[Stream] = [
            (s.address + row * (s.nbytes // s.rows), s.nbytes // s.rows, False) for s in sources
        ]
        width = target.nbytes // target.rows
        trace.add(*reads, (target.address + row * width, width, True))
        return
    at = target.address
    for source in sources:
        record_elementwise(trace, [source], Map(at, source.channels, source.rows, source.columns))
        at += source.nbytes


def record_pool(
    trace: Recorder, source: Map, target: Map, geometry: Geometry, indices: int | None = None
) -> None:
    """Record pooling over windows.

    Parameters
    ----------
    trace : Recorder
    source, target : Map
    geometry : Geometry
        Of the windows.
    indices : int, optional
        Address of the positions of the maxima; None where the pool finds none.
    """
    g = geometry
    planes = 1 if source.last else source.channels
    wide = source.channels if source.last else 1
    plane, row = np.divmod(np.arange(planes * g.oh), g.oh)
    y = row[:, None] * g.sh - g.top + np.arange(g.kh) * g.dh
    inside = (y >= 0) & (y < g.ih)
    width = g.iw * wide * ITEM
    reads = source.address + (plane[:, None] * g.ih + y) * width
    out = ((plane * g.oh + row) * g.ow * wide)[:, None]
    streams: list[Stream] = [
        (reads, inside * width, False),
        (target.address + out * ITEM, g.ow * wide * ITEM, True),
    ]
    if indices is not None:
        streams.append((indices + out * INDEX, g.ow * wide * INDEX, True))
    trace.add(*streams)


def record_read(trace: Recorder, address: int, nbytes: int, write: bool = False) -> None:
    """Record that a range is read, or written, from its start to its end."""
    if nbytes:
        trace.add((address, nbytes, write))


def record_im2col(trace: Recorder, source: Map, geometry: Geometry, columns: int) -> None:
    """Record the unfolding of an nchw map: one row per input channel and tap.

    Parameters
    ----------
    trace : Recorder
    source : Map
    geometry : Geometry
    columns : int
        Address of the unfolded matrix, ``[ic][kh][kw][oh][ow]``.
    """
    g = geometry
    line = g.oh * g.ow * ITEM
    channel, tap = np.divmod(np.arange(g.ic * g.kh * g.kw), g.kh * g.kw)
    shift = (tap // g.kw) * g.dh - g.top
    begin = np.clip(shift, 0, g.ih)
    end = np.clip(shift + (g.oh - 1) * g.sh + 1, begin, g.ih)
    width = g.iw * ITEM
    trace.add(
        ((source.address + (channel * g.ih + begin) * width)[:, None],
         ((end - begin) * width)[:, None], False),
        ((columns + np.arange(len(tap)) * line)[:, None], line, True),
    )  # fmt: skip


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
