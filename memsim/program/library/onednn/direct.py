"""oneDNN's direct convolutions on maps in blocks of 8 channels: their loops, as spans.

Maps lie as ``[c / 8][h][w][8]``, weights as ``[oc / 8][ic / 8][kh][kw][8][8]``. Up to 12 input
channel blocks are reduced at once; for each such chunk, each four output channel blocks and
each output row, the kernel is called once per input channel block and goes along the row. Its
partial sums lie in the output, which is read again at every call but the first.

References
----------
oneDNN 3.12, src/cpu/x64/jit_avx2_convolution.cpp (``execute_forward``) and
jit_avx2_conv_kernel_f32.cpp (``init_conf``: ``nb_oc_blocking``, ``nb_ic_blocking``).
"""

from __future__ import annotations

import numpy as np

from memsim.program.library.onednn.geometry import ITEM, Geometry, ceil, round_up
from memsim.program.spans import Recorder

BLOCK = 8
"""Channels of a block."""

OUTPUTS = 4
"""Output channel blocks of one call of the kernel."""

INPUTS, MOST_INPUTS = 12, 16
"""Input channel blocks of a chunk; all that is left where that is fewer than 16."""


def blocked_bytes(channels: int, rows: int, columns: int) -> int:
    """Bytes of a map in blocks of 8 channels.

    Examples
    --------
    >>> blocked_bytes(14, 28, 28) == ITEM * 16 * 28 * 28
    True
    """
    return ITEM * round_up(channels, BLOCK) * rows * columns


def packed_bytes(geometry: Geometry) -> int:
    """Bytes of the packed weights.

    Examples
    --------
    >>> packed_bytes(Geometry(ic=3, oc=64, ih=9, iw=9, oh=9, ow=9)) == ITEM * 64 * 3
    True
    """
    g = geometry
    inputs = g.ic if g.ic < BLOCK else round_up(g.ic, BLOCK)
    return ITEM * g.groups * round_up(g.oc, BLOCK) * inputs * g.kh * g.kw


def record_direct(trace: Recorder, geometry: Geometry, src: int, weights: int, dst: int) -> None:
    """Record one convolution; with fewer than 8 input channels the input is nchw.

    Parameters
    ----------
    trace : Recorder
    geometry : Geometry
    src, weights, dst : int
        Addresses.
    """
    g = geometry
    for group in range(g.groups):
        inputs, outputs = ceil(g.ic, BLOCK), ceil(g.oc, BLOCK)
        plane = ITEM * g.ih * g.iw * (BLOCK if g.ic >= BLOCK else 1)
        result = ITEM * g.oh * g.ow * BLOCK
        flat = g.ic < BLOCK
        start = src + group * (g.ic if flat else inputs) * plane
        chunk = packed_bytes(g) // g.groups
        _record_group(trace, g, start, weights + group * chunk, dst + group * outputs * result)


def _record_group(trace: Recorder, g: Geometry, src: int, weights: int, dst: int) -> None:
    flat = g.ic < BLOCK
    inputs, outputs = (1 if flat else ceil(g.ic, BLOCK)), ceil(g.oc, BLOCK)
    width = g.iw * (1 if flat else BLOCK) * ITEM  # of an input row
    tap = (g.ic if flat else BLOCK) * BLOCK * ITEM
    result = g.oh * g.ow * BLOCK * ITEM
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
    out, row, inp = np.array(steps, np.int64).T
    y = row[:, None] * g.sh - g.top + np.arange(g.kh) * g.dh
    inside = (y >= 0) & (y < g.ih)
    if flat:
        planes = np.arange(g.ic) * (g.ih * width)
        rows = (src + y[:, :, None] * width + planes).reshape(len(y), -1)
        lengths = np.repeat(inside * width, g.ic, axis=1)
    else:
        rows = src + inp[:, None] * (g.ih * width) + y * width
        lengths = inside * width
    some = np.arange(OUTPUTS)
    each = out[:, None] + some
    there = each < outputs
    first = np.argmax(inside, axis=1)
    used = inside.sum(axis=1)
    wei = weights + (each * inputs + inp[:, None]) * (g.kh * g.kw * tap)
    wei = wei + (first * (g.kw * tap))[:, None]
    line = g.ow * BLOCK * ITEM
    sums = dst + each * result + row[:, None] * line
    again = there & (inp > 0)[:, None]
    trace.add(
        (sums, again * line, False),
        (rows, lengths, False),
        (wei, there * (used * (g.kw * tap))[:, None], False),
        (sums, there * line, True),
    )


def record_pointwise(trace: Recorder, geometry: Geometry, src: int, weights: int, dst: int) -> None:
    """Record a 1x1 convolution on blocked maps: weights stay, rows of pixels move on.

    The kernel reduces over all input channels for up to four output channel blocks at a time
    (jit_avx2_1x1_convolution.cpp); with a stride it first gathers the pixels that are read.
    """
    g = geometry
    inputs, outputs = ceil(g.ic, BLOCK), ceil(g.oc, BLOCK)
    out, row = np.divmod(np.arange(ceil(outputs, OUTPUTS) * g.oh), g.oh)
    line = g.ow * BLOCK * ITEM
    y = row * g.sh
    columns = np.arange(g.ow) * (g.sw * BLOCK * ITEM)
    planes = np.arange(inputs) * (g.ih * g.iw * BLOCK * ITEM)
    if g.sw == 1:
        read = src + (y * g.iw * BLOCK * ITEM)[:, None] + planes
        length = np.broadcast_to(line, read.shape)
    else:
        start = (y * g.iw * BLOCK * ITEM)[:, None, None] + planes[:, None] + columns
        read = src + start.reshape(len(row), -1)
        length = np.broadcast_to(BLOCK * ITEM, read.shape)
    each = OUTPUTS * out[:, None] + np.arange(OUTPUTS)
    there = each < outputs
    wei = weights + each * (inputs * BLOCK * BLOCK * ITEM)
    sums = dst + each * (g.oh * line) + row[:, None] * line
    trace.add(
        (read, length, False),
        (wei, there * (inputs * BLOCK * BLOCK * ITEM), False),
        (sums, there * line, True),
    )
