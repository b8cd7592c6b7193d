"""Communication: what one convolution by itself must exchange with DRAM, in any order at all.

The bound holds for a convolution whose input starts in DRAM and whose output ends there. Between
the layers of a network neither need be so, since a cache may keep them: this is information about
a layer, and no floor for a network.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import isqrt, sqrt

import numpy as np

from memsim.network.ops.base import Window
from memsim.program.kernel import Kernel
from memsim.program.program import Program


@dataclass(frozen=True, slots=True)
class ConvolutionBound:
    """DRAM bytes that one convolution moves at least, whatever the order of its operations.

    Attributes
    ----------
    layer : str
    on_chip_bytes : int
        All the memory beside DRAM: the cache and the streaming buffers.
    itemsize : int
        Bytes of one word.
    macs : int
        Multiply-accumulates whose input is not padding.
    reuse : int
        Most windows of one channel that an input word is part of: kernel height x width over
        stride squared, where that divides.
    outputs : int
        Words of output.
    compulsory_bytes : int
        Every input word in some window, every parameter and every output word, once.
    ordered_bytes : int
        What the size of the on-chip memory adds to the argument; 0 where it is large.

    Notes
    -----
    The operations are a matrix product whose one operand, the unfolded input, holds each input
    word up to R = ``reuse`` times. So those that touch I words of input, F of weights and O of
    output are at most sqrt(R I F O) [1]_, [2]_. Cut the execution into segments that load T words
    each, an output that starts at zero counted as loaded. With S words on chip, a segment touches
    at most S + T words, so it performs at most sqrt(R) ((S + T) / 3)^(3/2) of the G = ``macs``
    operations [3]_. If that is no more than G / n, there are n whole segments: n T words are
    loaded. No fewer are moved, since each output is also written. The best T is about 2 S, and
    the bound about 2 G / sqrt(R S). Its order, G / sqrt(R S), is what [1]_ and [2]_ prove, both
    for large layers; the constant 2 is that of matrix products [3]_, and of the reads of the
    dataflow in [1]_. It is evaluated here in integers at the best whole n, so it holds for small
    layers and large memories too.

    It is assumed that each output has one running sum, that nothing is computed twice, and that
    every word takes ``itemsize`` bytes on chip, while wider sums would only move more.

    References
    ----------
    .. [1] X. Chen, Y. Han, Y. Wang, "Communication lower bound in convolution accelerators", HPCA
       2020, arXiv:1911.05662.
    .. [2] J. Demmel, G. Dinh, "Communication-optimal convolutional neural nets", 2018,
       arXiv:1802.06905.
    .. [3] T. M. Smith, B. Lowery, J. Langou, R. A. van de Geijn, "A tight I/O lower bound for
       matrix multiplication", 2019, arXiv:1702.02017.

    Examples
    --------
    A product of two 64 x 64 matrices with room for 256 words: 2 x 64^3 / sqrt(256) words.

    >>> from memsim.network import Network, Node
    >>> from memsim.network.ops.conv import Conv
    >>> from memsim.network.ops.shape import Input
    >>> from memsim.program import build
    >>> net = Network("one", [Node("x", Input(shape=(64, 8, 8))),
    ...                       Node("c", Conv(out=64, kernel=1), ("x",))])
    >>> bound, = convolution_bounds(build(net, buffer=512), on_chip_bytes=1024)
    >>> bound.ordered_bytes // 4, bound.compulsory_bytes // 4
    (32768, 12288)
    """

    layer: str
    on_chip_bytes: int
    itemsize: int
    macs: int
    reuse: int
    outputs: int
    compulsory_bytes: int
    ordered_bytes: int

    @property
    def dram_bytes(self) -> int:
        """The bound: the larger of the two."""
        return max(self.compulsory_bytes, self.ordered_bytes)

    @property
    def balanced_bytes(self) -> int:
        """What the dataflow of [1]_ moves, edges ignored: 2 G / sqrt(R S) words and the outputs.

        An estimate of what can be had, not a bound: it fills the memory with partial sums, and
        weighs the reads of inputs against those of weights.
        """
        words = max(self.on_chip_bytes // self.itemsize, 1)
        read = 2 * self.macs / sqrt(self.reuse * words)
        return max(self.compulsory_bytes, round((read + self.outputs) * self.itemsize))


def convolution_bounds(program: Program, on_chip_bytes: int) -> tuple[ConvolutionBound, ...]:
    """Bound the traffic of each convolution of a program as if it ran alone.

    Parameters
    ----------
    program : Program
        Its kernels matter, not its order: several frames are so many times the images.
        Transposed convolutions are left out.
    on_chip_bytes : int
        Cache and streaming buffers. A tile that the buffers do not hold (``tile: whole``) counts
        on memory that is not in there, and may move less than the bound.
    """
    return tuple(
        convolution_bound(kernel, kernel.op.window, on_chip_bytes, program.frames)
        for kernel in program.kernels
        if kernel.op.window
        and kernel.op.convolves
        and not kernel.op.transposed
        and len(kernel.shapes[0]) == 3
    )


def convolution_bound(
    kernel: Kernel, window: Window, on_chip_bytes: int, frames: int = 1
) -> ConvolutionBound:
    """Bound the traffic of one convolution; see :class:`ConvolutionBound`."""
    channels, height, width = kernel.shapes[0].box
    images, outputs, rows, columns = kernel.output.grid
    images *= frames
    top, left, _, _ = window.padding
    (kh, kw), (sh, sw), (dh, dw) = window.kernel, window.stride, window.dilation
    vertical = _Axis.of(height, rows, kh, sh, dh, top)
    horizontal = _Axis.of(width, columns, kw, sw, dw, left)
    depth = channels // window.groups
    macs = images * outputs * depth * vertical.products * horizontal.products
    reuse = vertical.reuse * horizontal.reuse
    inputs = images * channels * vertical.words * horizontal.words
    weights = outputs * (kernel.stored - depth * (kh * kw - vertical.taps * horizontal.taps))
    results = images * outputs * rows * columns
    # Where data types differ, as many words are on chip as if all were of the smallest.
    sizes = kernel.itemsize(0), kernel.weight_itemsize, kernel.output.itemsize
    item = min(sizes)
    compulsory = inputs * sizes[0] + weights * sizes[1] + results * sizes[2]
    return ConvolutionBound(
        kernel.name,
        on_chip_bytes,
        item,
        macs,
        reuse,
        results,
        compulsory,
        segment_words(macs, reuse, on_chip_bytes // item) * item,
    )


def segment_words(macs: int, reuse: int, words: int) -> int:
    """Words moved at least by operations that reuse input words, with so many on chip.

    Examples
    --------
    >>> segment_words(64**3, reuse=1, words=256)
    32768
    >>> segment_words(64**3, reuse=1, words=3 * 64**2)
    0
    """
    if not macs:
        return 0
    words = max(words, 1)
    parts = isqrt(macs**2 // (reuse * words**3))
    best = 0
    for n in (max(parts, 1), parts + 1):
        touched = _cube_root(27 * macs**2 // (reuse * n**2))
        best = max(best, n * (touched - words))
    return best


@dataclass(frozen=True, slots=True)
class _Axis:
    """Windows along one axis, without what lies in the padding.

    Attributes
    ----------
    products : int
        Pairs of a window and a tap of the kernel that meet a word.
    words, taps : int
        Words, and taps of the kernel, in some such pair.
    reuse : int
        Most pairs that one word is in.
    """

    products: int
    words: int
    taps: int
    reuse: int

    @classmethod
    @lru_cache(maxsize=1024)
    def of(
        cls, size: int, windows: int, kernel: int, stride: int, dilation: int, before: int
    ) -> _Axis:
        place = np.add.outer(np.arange(windows) * stride, np.arange(kernel) * dilation) - before
        inside = (place >= 0) & (place < size)
        met = np.bincount(place[inside], minlength=1)
        return cls(
            int(inside.sum()),
            int(np.count_nonzero(met)),
            int(np.count_nonzero(inside.any(axis=0))),
            int(met.max()),
        )


def _cube_root(number: int) -> int:
    """The largest whole number whose cube is no larger."""
    low, high = 0, 1 << (number.bit_length() // 3 + 1)
    if number < 1 << 900:  # what fits into a float is nearly found
        near = int(number ** (1 / 3))
        low, high = max(near - (near >> 40) - 1, 0), near + (near >> 40) + 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**3 <= number else (low, middle)
    return low
