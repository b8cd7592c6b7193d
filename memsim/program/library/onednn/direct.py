"""oneDNN's direct convolutions: their loops, as spans.

On blocked maps, ``[c / block][h][w][block]``, weights are ``[oc / block][ic / block][kh][kw]
[block][block]``. The kernel is called for one row of outputs and one block of input channels at a
time and goes along the row; its partial sums lie in the output, which is read again at every call
but the first. What differs is the order of the calls.

AVX2 and AVX: up to 12 input channel blocks are reduced at once; for each such chunk, each four
output channel blocks and each output row, the input channel blocks follow one another.

AVX-512: for each chunk of output channel blocks and each band of rows whose input and output fit
the second level, the input channel blocks are the outer loop and the rows the inner one.

References
----------
oneDNN 3.12, src/cpu/x64/jit_avx2_convolution.cpp (``execute_forward``),
jit_avx2_conv_kernel_f32.cpp (``init_conf``: ``nb_oc_blocking``, ``nb_ic_blocking``),
jit_avx512_common_convolution.cpp (``execute_forward_2d``) and
jit_avx512_common_conv_kernel.cpp (``init_conf``: ``nb_oc_blocking``, ``h_blocking``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memsim.program.library.onednn.geometry import ITEM, Geometry, ceil, round_up
from memsim.program.library.onednn.processor import AVX512, COMMON, Processor
from memsim.program.spans import Recorder, Stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

BLOCK = 8
"""Channels of a block on AVX2; on AVX-512 there are 16."""

OUTPUTS = 4
"""Output channel blocks of one call of the kernel on AVX2."""

INPUTS, MOST_INPUTS = 12, 16
"""Input channel blocks of a chunk; all that is left where that is fewer than 16."""

ALONG, MOST_OUTPUTS = 28, 5
"""AVX-512: output pixels that a register block holds for one block of channels; most blocks of
output channels of one call."""


def blocked_bytes(channels: int, rows: int, columns: int, block: int = BLOCK) -> int:
    """Bytes of a map in blocks of channels.

    Examples
    --------
    >>> blocked_bytes(14, 28, 28) == ITEM * 16 * 28 * 28
    True
    """
    return ITEM * round_up(channels, block) * rows * columns


def packed_bytes(geometry: Geometry, block: int = BLOCK) -> int:
    """Bytes of the packed weights.

    Examples
    --------
    >>> packed_bytes(Geometry(ic=3, oc=64, ih=9, iw=9, oh=9, ow=9)) == ITEM * 64 * 3
    True
    """
    g = geometry
    inputs = g.ic if g.ic < block else round_up(g.ic, block)
    return ITEM * g.groups * round_up(g.oc, block) * inputs * g.kh * g.kw


def record_direct(
    trace: Recorder,
    geometry: Geometry,
    src: int,
    weights: int,
    dst: int,
    processor: Processor = COMMON,
) -> None:
    """Record one convolution of one image; with fewer input channels than a block it is nchw.

    Parameters
    ----------
    trace : Recorder
    geometry : Geometry
    src, weights, dst : int
        Addresses.
    processor : Processor
    """
    g, block = geometry, processor.vectors.simd
    flat = g.ic < block
    inputs, outputs = (1 if flat else ceil(g.ic, block)), ceil(g.oc, block)
    if processor.vectors is AVX512:
        wide = call_width(g, processor)
        steps = _banded(g, inputs, outputs, wide, processor)
    else:
        wide = OUTPUTS
        steps = _chunked(g, inputs, outputs)
    plane = ITEM * g.ih * g.iw * (1 if flat else block)
    result = ITEM * g.oh * g.ow * block
    chunk = packed_bytes(g, block) // g.groups
    for group in range(g.groups):
        start = src + group * (g.ic if flat else inputs) * plane
        where = (start, weights + group * chunk, dst + group * outputs * result)
        _record_group(trace, g, steps, wide, block, *where)


def call_width(geometry: Geometry, processor: Processor) -> int:
    """Blocks of output channels that one call of the AVX-512 kernel computes, for one image.

    Examples
    --------
    >>> shape = Geometry(ic=64, oc=128, ih=56, iw=56, oh=56, ow=56, kh=3, kw=3, top=1, left=1)
    >>> call_width(shape, Processor(vectors=AVX512))
    4
    """
    g, block = geometry, processor.vectors.simd
    outputs = ceil(g.oc, block)
    narrow = g.ow <= ALONG or (g.ow <= 147 and round_up(g.oc, block) <= 96)
    if g.kw > 3 or g.ic < block or narrow:
        return 1
    return max(width for width in range(1, MOST_OUTPUTS + 1) if outputs % width == 0)


def _chunked(g: Geometry, inputs: int, outputs: int) -> Ints:
    """Calls on AVX2: output channel block, row, input channel block."""
    steps: list[tuple[int, int, int]] = []
    chunk = 0
    while chunk < inputs:
        left = inputs - chunk
        size = left if left < MOST_INPUTS else INPUTS
        steps += [
            (out, row, inp)
            for out in range(0, outputs, OUTPUTS)
            for row in range(g.oh)
            for inp in range(chunk, chunk + size)
        ]
        chunk += size
    return np.array(steps, np.int64).T


def _banded(g: Geometry, inputs: int, outputs: int, wide: int, processor: Processor) -> Ints:
    """Calls on AVX-512, likewise."""
    room = 0.6 * (processor.second // ITEM) / processor.vectors.simd
    band = max(1, min(g.oh, int(room / (g.sh * g.iw + g.ow))))
    steps = [
        (out, row, inp)
        for out in range(0, outputs, wide)
        for start in range(0, g.oh, band)
        for inp in range(inputs)
        for row in range(start, min(start + band, g.oh))
    ]
    return np.array(steps, np.int64).T


def _record_group(
    trace: Recorder,
    g: Geometry,
    steps: Ints,
    wide: int,
    block: int,
    src: int,
    weights: int,
    dst: int,
) -> None:
    flat = g.ic < block
    inputs, outputs = (1 if flat else ceil(g.ic, block)), ceil(g.oc, block)
    width = g.iw * (1 if flat else block) * ITEM  # of an input row
    tap = (g.ic if flat else block) * block * ITEM
    result = g.oh * g.ow * block * ITEM
    out, row, inp = steps
    y = row[:, None] * g.sh - g.top + np.arange(g.kh) * g.dh
    inside = (y >= 0) & (y < g.ih)
    if flat:
        planes = np.arange(g.ic) * (g.ih * width)
        rows = (src + y[:, :, None] * width + planes).reshape(len(y), -1)
        lengths = np.repeat(inside * width, g.ic, axis=1)
    else:
        rows = src + inp[:, None] * (g.ih * width) + y * width
        lengths = inside * width
    each = out[:, None] + np.arange(wide)
    there = each < outputs
    first = np.argmax(inside, axis=1)
    used = inside.sum(axis=1)
    wei = weights + (each * inputs + inp[:, None]) * (g.kh * g.kw * tap)
    wei = wei + (first * (g.kw * tap))[:, None]
    line = g.ow * block * ITEM
    sums = dst + each * result + row[:, None] * line
    again = there & (inp > 0)[:, None]
    trace.add(
        (sums, again * line, False),
        (rows, lengths, False),
        (wei, there * (used * (g.kw * tap))[:, None], False),
        (sums, there * line, True),
    )


def record_pointwise(
    trace: Recorder, geometry: Geometry, src: int, weights: int, dst: int, block: int = BLOCK
) -> None:
    """Record a 1x1 convolution on blocked maps: weights stay, rows of pixels move on.

    The kernel reduces over all input channels for up to four output channel blocks at a time
    (jit_avx2_1x1_convolution.cpp); with a stride it first gathers the pixels that are read.
    """
    g = geometry
    inputs, outputs = ceil(g.ic, block), ceil(g.oc, block)
    out, row = np.divmod(np.arange(ceil(outputs, OUTPUTS) * g.oh), g.oh)
    line = g.ow * block * ITEM
    y = row * g.sh
    columns = np.arange(g.ow) * (g.sw * block * ITEM)
    planes = np.arange(inputs) * (g.ih * g.iw * block * ITEM)
    if g.sw == 1:
        read = src + (y * g.iw * block * ITEM)[:, None] + planes
        length = np.broadcast_to(line, read.shape)
    else:
        start = (y * g.iw * block * ITEM)[:, None, None] + planes[:, None] + columns
        read = src + start.reshape(len(row), -1)
        length = np.broadcast_to(block * ITEM, read.shape)
    each = OUTPUTS * out[:, None] + np.arange(OUTPUTS)
    there = each < outputs
    wei = weights + each * (inputs * block * block * ITEM)
    sums = dst + each * (g.oh * line) + row[:, None] * line
    trace.add(
        (read, length, False),
        (wei, there * (inputs * block * block * ITEM), False),
        (sums, there * line, True),
    )


def record_last(
    trace: Recorder, geometry: Geometry, src: int, weights: int, dst: int, added: int | None = None
) -> None:
    """Record a convolution on nhwc maps without brgemm, as AVX has it.

    All input channels of a pixel lie side by side and are reduced in one call, which computes a
    row of up to four blocks of output channels.

    Parameters
    ----------
    trace : Recorder
    geometry : Geometry
    src, weights, dst : int
        Addresses.
    added : int, optional
        Address of a map of the output's size that is added before the output is stored.
    """
    g = geometry
    pixel, out_pixel = ITEM * g.ic * g.groups, ITEM * g.oc * g.groups
    outputs = ceil(g.oc, OUTPUTS * BLOCK)
    out, row = np.divmod(np.arange(outputs * g.oh), g.oh)
    y = row[:, None] * g.sh - g.top + np.arange(g.kh) * g.dh
    inside = (y >= 0) & (y < g.ih)
    width = np.minimum(g.oc - out * OUTPUTS * BLOCK, OUTPUTS * BLOCK) * ITEM
    taps = g.kh * g.kw * g.ic
    column = np.arange(g.ow) * out_pixel
    for group in range(g.groups):
        begin = out * (OUTPUTS * BLOCK * ITEM)
        result = (row * g.ow * out_pixel + begin)[:, None] + column + group * g.oc * ITEM
        wei = weights + group * taps * g.oc * ITEM + begin * taps
        streams: list[Stream] = [
            (src + y * (g.iw * pixel), inside * (g.iw * pixel), False),
            (wei[:, None], (width * taps)[:, None], False),
        ]
        if added is not None:
            streams.append((added + result, width[:, None], False))
        trace.add(*streams, (dst + result, width[:, None], True))


def record_transposed(
    trace: Recorder, geometry: Geometry, src: int, weights: int, dst: int
) -> None:
    """Record a transposed convolution on nhwc maps: row by row of its output.

    A row of outputs needs those rows of inputs, and those rows of the kernel's taps, that meet it.

    Parameters
    ----------
    trace : Recorder
    geometry : Geometry
    src, weights, dst : int
        Addresses; the weights' is that of ``[kh][kw][ic][oc]``.
    """
    g = geometry
    row, tap = np.arange(g.oh)[:, None], np.arange(g.kh)
    place = row + g.top - tap * g.dh
    y = place // g.sh
    meets = (place % g.sh == 0) & (y >= 0) & (y < g.ih)
    width, line = (ITEM * n * g.groups for n in (g.iw * g.ic, g.ow * g.oc))
    taps = g.weights // g.kh * ITEM
    trace.add(
        (src + y * width, meets * width, False),
        (weights + np.broadcast_to(tap * taps, meets.shape), meets * taps, False),
        (dst + row * line, line, True),
    )
