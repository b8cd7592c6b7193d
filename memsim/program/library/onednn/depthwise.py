"""oneDNN's depthwise convolutions: each channel by itself, row by row, as spans.

References
----------
oneDNN 3.12, src/cpu/x64/jit_uni_dw_convolution.cpp (``execute_forward``).
"""

from __future__ import annotations

import numpy as np

from memsim.program.library.onednn.geometry import ITEM, Geometry, round_up
from memsim.program.spans import Recorder, Stream


def packed_bytes(geometry: Geometry, block: int = 8) -> int:
    """Bytes of the packed weights, ``[c / block][kh][kw][block]``.

    Examples
    --------
    >>> packed_bytes(Geometry(1, 1, 8, 8, 8, 8, kh=3, kw=3, groups=12)) == ITEM * 16 * 9
    True
    """
    g = geometry
    return ITEM * round_up(g.groups, block) * g.kh * g.kw


def record_depthwise(
    trace: Recorder,
    geometry: Geometry,
    src: int,
    weights: int,
    dst: int,
    last: bool,
    block: int = 8,
    added: int | None = None,
) -> None:
    """Record one convolution of one image.

    Parameters
    ----------
    trace : Recorder
    geometry : Geometry
    src, weights, dst : int
        Addresses.
    last : bool
        Maps are nhwc: a row is that of all channels. Else they are in blocks of channels, and
        all rows of a block come before the next block.
    block : int
        Channels of a block.
    added : int, optional
        Address of a map of the output's size that is added before the output is stored.

    Examples
    --------
    >>> trace = Recorder()
    >>> with trace.call("dw", "conv"):
    ...     record_depthwise(trace, Geometry(1, 1, 4, 4, 4, 4, groups=8), 0, 4096, 8192, True)
    >>> spans = trace.spans()
    >>> int(spans.length[spans.write].sum()) == ITEM * 8 * 4 * 4
    True
    """
    g = geometry
    channels = g.groups if last else block
    parts = 1 if last else round_up(g.groups, block) // block
    part, row = np.divmod(np.arange(parts * g.oh), g.oh)
    y = row[:, None] * g.sh - g.top + np.arange(g.kh) * g.dh
    inside = (y >= 0) & (y < g.ih)
    width, line = g.iw * channels * ITEM, g.ow * channels * ITEM
    chunk = packed_bytes(g, block) // parts
    result = ((part * g.oh + row) * line)[:, None]
    streams: list[Stream] = [
        (src + (part[:, None] * g.ih + y) * width, inside * width, False),
        ((weights + part * chunk)[:, None], chunk, False),
    ]
    if added is not None:
        streams.append((added + result, line, False))
    trace.add(*streams, (dst + result, line, True))
