"""oneDNN's brgemm convolutions on nhwc maps: their loops, as spans.

Weights lie packed in channel blocks, ``[oc / block][kh][kw][ic][block]``. A task is a block of
output pixels of one row times one channel block. Inside it, each register block of a few
pixels goes through ALL weights of the channel block: where these exceed a cache level, that
level streams them once per register block. Between tasks either the weights stay and the
pixels move on (``weights_outer``, chosen where the input is smaller than the weights) or the
other way round.

References
----------
oneDNN 3.12, src/cpu/x64/jit_brgemm_conv.cpp (``execute``, ``ker_vpad``),
jit_brgemm_1x1_conv.cpp and brgemm/jit_brgemm_kernel.cpp (``bdb_loop``).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from memsim.program.library.onednn.blocking import Blocking
from memsim.program.library.onednn.geometry import ITEM, Geometry, ceil, round_up
from memsim.program.spans import Recorder, Stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


def packed_bytes(geometry: Geometry, blocking: Blocking) -> int:
    """Bytes of the packed weights: output channels are padded to whole blocks.

    Examples
    --------
    >>> from memsim.program.library.onednn.blocking import Processor, choose
    >>> shape = Geometry(ic=8, oc=20, ih=4, iw=4, oh=4, ow=4)
    >>> packed_bytes(shape, choose(shape, Processor())) == ITEM * 8 * 24
    True
    """
    g = geometry
    return ITEM * g.groups * round_up(g.oc, blocking.oc) * g.ic * g.kh * g.kw


def record_brgemm(
    trace: Recorder,
    geometry: Geometry,
    blocking: Blocking,
    src: int,
    weights: int,
    dst: int,
    added: int | None = None,
    only: int | None = None,
) -> None:
    """Record one convolution of one image.

    Parameters
    ----------
    trace : Recorder
    geometry : Geometry
    blocking : Blocking
    src, weights, dst : int
        Addresses.
    added : int, optional
        Address of a map of the output's size that is added before the output is stored, block by
        block.
    only : int, optional
        The one block of output channels that is computed.
    """
    for group in range(geometry.groups):
        _Group(geometry, blocking, group, src, weights, dst, added, only).record(trace)


@cache
def shares(channels: int, block: int, passes: int, simd: int) -> tuple[tuple[float, float], ...]:
    """Which part of a channel block's lines each pass of a register block reads.

    A pass reads some vectors of every row of ``block`` channels: whole vectors in equal numbers,
    then what is left of a vector. What shares a line with them is read as well.

    Parameters
    ----------
    channels : int
        Of the block that exist.
    block : int
        Of the block.
    passes, simd : int

    Returns
    -------
    tuple of (float, float)
        Where it begins and how much it is.

    Examples
    --------
    Rows of 32 channels are two lines. 28 channels are three vectors, which lie in both, and half a
    vector, which lies in the second one.

    >>> shares(28, 32, 2, 8), shares(24, 24, 1, 8)
    (((0.0, 1.0), (0.5, 0.5)), ((0.0, 1.0),))
    """
    vectors, left = divmod(channels, simd)
    full = passes - (left > 0 and vectors > 0)
    wide = ceil(max(vectors, 1), full) * simd
    stops = [min(wide * (turn + 1), max(vectors * simd, left)) for turn in range(full)]
    stops += [channels] * (passes - full)
    found: list[tuple[float, float]] = []
    begin = 0
    for stop in stops:
        lines = {
            byte // LINE
            for row in range(0, block * ITEM * LINE, block * ITEM)  # until they meet lines alike
            for byte in range(row + begin * ITEM, row + stop * ITEM, ITEM)
        }
        part = len(lines) / (block * ITEM)
        found.append((min(begin * ITEM // LINE * LINE / (block * ITEM), 1 - part), part))
        begin = stop
    return tuple(found)


LINE = 64
"""Bytes of a line of the processors that these kernels are made for."""


class _Group:
    """One group of a convolution: index arrays of its loops, then the addresses."""

    def __init__(
        self,
        geometry: Geometry,
        blocking: Blocking,
        group: int,
        src: int,
        weights: int,
        dst: int,
        added: int | None,
        only: int | None = None,
    ) -> None:
        g, b = geometry, blocking
        self.g, self.b = g, b
        self.pixel = ITEM * g.ic * g.groups  # bytes of all channels of an input pixel
        self.out_pixel = ITEM * g.oc * g.groups
        self.src = src + group * ITEM * g.ic
        self.dst = dst + group * ITEM * g.oc
        self.added = None if added is None else added + group * ITEM * g.oc
        self.chunk = ITEM * b.oc * g.ic * g.kh * g.kw
        self.weights = weights + group * self.chunk * ceil(g.oc, b.oc)
        line = g.ow * (g.oh if b.flat else 1)
        lines = 1 if b.flat else g.oh
        blocks = [(at, min(at + b.pixels, line)) for at in range(0, line, b.pixels)]
        strips = [(row, *block) for row in range(lines) for block in blocks]
        channels = range(0, g.oc, b.oc) if only is None else [only * b.oc]
        if b.weights_outer:
            self.tasks = [(*strip, oc) for oc in channels for strip in strips]
        else:
            self.tasks = [(*strip, oc) for strip in strips for oc in channels]

    def record(self, trace: Recorder) -> None:
        """All tasks, cut into register blocks."""
        g, b = self.g, self.b
        steps: list[tuple[float, ...]] = []
        for row, start, stop, oc in self.tasks:
            tail = oc and oc + b.oc > g.oc
            size, passes = (b.tail_rows, b.tail_passes) if tail else (b.rows, b.passes)
            parts = shares(min(b.oc, g.oc - oc), b.oc, passes, b.simd)
            steps += [
                (row, at, min(at + size, stop), oc, taps, ic, *part)
                for ic in range(0, g.ic, b.ic)
                for taps in range(0, g.kh, b.kh)
                for at in range(start, stop, size)
                for part in parts
            ]
        table = np.array(steps).T
        row, at, stop, oc, taps, ic = table[:-2].astype(np.int64)
        streams: list[Stream] = []
        for tap in range(b.kh):
            streams += self._reduce(row, at, stop, oc, taps + tap, ic, table[-2:])
        if self.added is not None:  # once everything is summed up
            last = (taps + b.kh >= g.kh) & (ic + b.ic >= g.ic)
            written, length = self._results(row, at, stop, oc)
            read = written + (self.added - self.dst)
            streams.append((read, length * last[:, None], False))
        streams.append((*self._results(row, at, stop, oc), True))
        trace.add(*streams)

    def _reduce(
        self,
        row: Ints,
        at: Ints,
        stop: Ints,
        oc: Ints,
        tap: Ints,
        ic: Ints,
        part: NDArray[np.float64],
    ) -> list[Stream]:
        """One row of taps: the input pixels below, and the weights. The lines of a part of these
        lie between one another; here they lie together."""
        g, b = self.g, self.b
        if b.flat:
            inside = np.ones(len(row), np.bool_)
            begin, end = at * g.sw, (stop - 1) * g.sw + 1  # rows are whole strides wide
            first = self.src + begin * self.pixel
        else:
            y = row * g.sh - g.top + tap * g.dh
            inside = (y >= 0) & (y < g.ih) & (tap < g.kh)
            begin = np.clip(at * g.sw - g.left, 0, g.iw)
            end = np.clip((stop - 1) * g.sw - g.left + g.ext_kw, begin, g.iw)
            first = self.src + (y * g.iw + begin) * self.pixel
        depth = np.minimum(ic + b.ic, g.ic) - ic
        slab = self.weights + oc // b.oc * self.chunk + tap * (g.kw * g.ic * b.oc * ITEM)
        if b.ic >= g.ic:
            size = g.kw * g.ic * b.oc * ITEM
            skip, some = _part(size, part)
            wei: Stream = ((slab + skip)[:, None], (inside * some)[:, None], False)
        else:  # the part of the input channels lies in one piece per tap
            column = np.arange(g.kw) * (g.ic * b.oc * ITEM)
            skip, some = _part(depth * (b.oc * ITEM), part)
            start = (slab + ic * (b.oc * ITEM) + skip)[:, None] + column
            wei = (start, (inside * some)[:, None], False)
        whole = b.ic >= g.ic and g.groups == 1
        skips = g.sw > g.ext_kw  # pixels that no window reads lie between
        if whole and not skips:
            read: Stream = (first[:, None], (inside * (end - begin) * self.pixel)[:, None], False)
        else:
            count = int((end - begin).max())
            step = np.arange(0, count, g.sw if skips else 1)
            start = (first + ic * ITEM)[:, None] + step * self.pixel
            there = inside[:, None] & (step < (end - begin)[:, None])
            read = (start, there * (depth * ITEM)[:, None], False)
        return [read, wei]

    def _results(self, row: Ints, at: Ints, stop: Ints, oc: Ints) -> tuple[Ints, Ints]:
        """Where the outputs of register blocks lie: starts and lengths."""
        g, b = self.g, self.b
        pixel = row * (0 if b.flat else g.ow) + at
        if g.groups == 1 and b.oc >= g.oc:
            length = (stop - at) * self.out_pixel
            return (self.dst + pixel * self.out_pixel)[:, None], length[:, None]
        step = np.arange(max(b.rows, b.tail_rows))
        start = (self.dst + pixel * self.out_pixel + oc * ITEM)[:, None] + step * self.out_pixel
        width = np.minimum(oc + b.oc, g.oc) - oc
        return start, (step < (stop - at)[:, None]) * (width * ITEM)[:, None]


def _part(size: Ints | int, part: NDArray[np.float64]) -> tuple[Ints, Ints]:
    """A part of a range, in whole lines: what lies before it, and its length."""
    begin, share = part
    skip = np.floor(size * begin / LINE).astype(np.int64) * LINE
    length = np.ceil(size * share / LINE).astype(np.int64) * LINE
    return skip, np.minimum(size - skip, length)
