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

LINE_ITEMS = 16
"""Numbers that are read one by one before a line of the target is written."""

INDEX = 8
"""Bytes of an index: max pooling returns 64-bit positions, wanted or not."""


@dataclass(frozen=True, slots=True)
class Map:
    """A feature map in memory, image after image.

    Attributes
    ----------
    address : int
    channels, rows, columns : int
    last : bool
        Channels last (nhwc), not nchw.
    images : int
    """

    address: int
    channels: int
    rows: int
    columns: int
    last: bool = False
    images: int = 1

    @property
    def nbytes(self) -> int:
        """Bytes of fp32."""
        return self.images * self.image_bytes

    @property
    def image_bytes(self) -> int:
        """Bytes of one image."""
        return ITEM * self.channels * self.rows * self.columns

    def image(self, number: int) -> int:
        """The address of an image."""
        return self.address + number * self.image_bytes


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
    _record_pieces(trace, [s.address for s in sources], target.address, target.nbytes, piece)


def record_copy(trace: Recorder, source: int, target: int, nbytes: int) -> None:
    """Record that a range is copied."""
    _record_pieces(trace, [source], target, nbytes, 4096)


def _record_pieces(
    trace: Recorder, sources: Sequence[int], target: int, nbytes: int, piece: int
) -> None:
    at = np.arange(0, nbytes, piece)[:, None]
    length = np.minimum(nbytes - at, piece)
    reads: list[Stream] = [(source + at, length, False) for source in sources]
    trace.add(*reads, (target + at, length, True))


def record_layout(trace: Recorder, plain: Map, last: int, back: bool = False) -> None:
    """Record a copy of a plain map to one of channels last, number by number, or back.

    The copy goes through its target in order, and through its source in strides.

    Parameters
    ----------
    trace : Recorder
    plain : Map
    last : int
        Address of the map of channels last.
    back : bool
        Whether the plain map is the target.

    Examples
    --------
    >>> trace = Recorder()
    >>> with trace.call("up", "upsample"):
    ...     record_layout(trace, Map(0, 2, 1, 2), 1024)
    >>> spans = trace.spans()
    >>> spans.start.tolist(), spans.length.tolist()
    ([0, 8, 1024, 4, 12, 1032], [4, 4, 8, 4, 4, 8])
    """
    pixels, channels = np.arange(plain.rows * plain.columns), np.arange(plain.channels)
    for image in range(plain.images):
        there, here = plain.image(image), last + image * plain.image_bytes
        if back:
            columns = np.arange(0, len(pixels), LINE_ITEMS)[None, :, None]
            piece = columns + np.arange(LINE_ITEMS)
            number = channels[:, None, None] + piece * plain.channels
            wide = np.minimum(len(pixels) - columns, LINE_ITEMS) * ITEM
            trace.add(
                (here + number * ITEM, (piece < len(pixels)) * ITEM, False),
                (there + (channels[:, None, None] * len(pixels) + columns) * ITEM, wide, True),
            )
        else:
            number = channels * len(pixels) + pixels[:, None]
            target = here + pixels[:, None] * (plain.channels * ITEM)
            trace.add((there + number * ITEM, ITEM, False), (target, plain.channels * ITEM, True))


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
        row = np.arange(target.images * target.rows)[:, None]
        widths = [ITEM * s.channels * s.columns for s in sources]
        reads: list[Stream] = [
            (s.address + row * wide, wide, False) for s, wide in zip(sources, widths, strict=True)
        ]
        trace.add(*reads, (target.address + row * sum(widths), sum(widths), True))
        return
    at = target.address
    for image in range(target.images):
        for source in sources:
            record_copy(trace, source.image(image), at, source.image_bytes)
            at += source.image_bytes


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
    planes = source.images * (1 if source.last else source.channels)
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


@dataclass(slots=True)
class Storage:
    """A feature map's memory and how many reads are still to come.

    Attributes
    ----------
    address, nbytes : int
    reads : int
        Times that layers to come read it.
    owner : int
        Whose memory it is: a number of :class:`.Regions`.
    fixed : bool
        Not of the heap: a network input.
    freed : bool
    """

    address: int
    nbytes: int
    owner: int
    reads: int = 0
    fixed: bool = False
    freed: bool = False


@dataclass(frozen=True, slots=True)
class StoredMap:
    """What a layer's name stands for: a map, and the memory that it lies in."""

    map: Map
    storage: Storage


def record_read(trace: Recorder, address: int, nbytes: int, write: bool = False) -> None:
    """Record that a range is read, or written, from its start to its end."""
    if nbytes:
        trace.add((address, nbytes, write))


def record_im2col(trace: Recorder, source: int, geometry: Geometry, columns: int) -> None:
    """Record the unfolding of an nchw image: one row per input channel and tap.

    Parameters
    ----------
    trace : Recorder
    source : int
        Address of the image.
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
        ((source + (channel * g.ih + begin) * width)[:, None],
         ((end - begin) * width)[:, None], False),
        ((columns + np.arange(len(tap)) * line)[:, None], line, True),
    )  # fmt: skip


def record_pad(trace: Recorder, source: Map, target: Map, top: int) -> None:
    """Record a copy into a larger map, or a smaller one: padding that is a step of its own.

    Parameters
    ----------
    trace : Recorder
    source, target : Map
    top : int
        Rows of padding above; negative where rows are cut.
    """
    parts = source.images * (1 if source.last else source.channels)
    wide = ITEM * (source.channels if source.last else 1)
    part, row = np.divmod(np.arange(parts * target.rows), target.rows)
    there = (row - top >= 0) & (row - top < source.rows)
    width = min(source.columns, target.columns) * wide
    start = source.address + (part * source.rows + row - top) * (source.columns * wide)
    line = target.columns * wide
    trace.add(
        (start[:, None], (there * width)[:, None], False),
        ((target.address + (part * target.rows + row) * line)[:, None], line, True),
    )
