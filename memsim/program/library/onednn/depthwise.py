"""oneDNN's depthwise convolutions: each channel by itself, row by row, as spans.

References
----------
oneDNN 3.12, src/cpu/x64/jit_uni_dw_convolution.cpp (``execute_forward``).
"""

from __future__ import annotations

import numpy as np

from memsim.program.library.onednn.direct import BLOCK
from memsim.program.library.onednn.geometry import ITEM, Geometry, round_up
from memsim.program.spans import Recorder


def packed_bytes(geometry: Geometry) -> int:
    """Bytes of the packed weights, ``[c / 8][kh][kw][8]``.

    Examples
    --------
    >>> packed_bytes(Geometry(1, 1, 8, 8, 8, 8, kh=3, kw=3, groups=12)) == ITEM * 16 * 9
    True
    """
    g = geometry
    return ITEM * round_up(g.groups, BLOCK) * g.kh * g.kw


def record_depthwise(
    trace: Recorder, geometry: Geometry, src: int, weights: int, dst: int, last: bool
) -> None:
    """Record one convolution.

    Parameters
    ----------
    trace : Recorder
    geometry : Geometry
    src, weights, dst : int
        Addresses.
    last : bool
        Maps are nhwc: a row is that of all channels. Else they are in blocks of 8 channels, and
        all rows of a block come before the next block.

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
    channels = g.groups if last else BLOCK
    parts = 1 if last else round_up(g.groups, BLOCK) // BLOCK
    part, row = np.divmod(np.arange(parts * g.oh), g.oh)
    y = row[:, None] * g.sh - g.top + np.arange(g.kh) * g.dh
    inside = (y >= 0) & (y < g.ih)
    width, line = g.iw * channels * ITEM, g.ow * channels * ITEM
    chunk = packed_bytes(g) // parts
    trace.add(
        (src + (part[:, None] * g.ih + y) * width, inside * width, False),
        ((weights + part * chunk)[:, None], chunk, False),
        ((dst + (part * g.oh + row) * line)[:, None], line, True),
    )
