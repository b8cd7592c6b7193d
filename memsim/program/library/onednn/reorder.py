"""Reorders: oneDNN copies of maps and weights from one layout to another."""

from __future__ import annotations

import numpy as np

from memsim.program.library.onednn.direct import BLOCK
from memsim.program.library.onednn.geometry import ITEM, Geometry, ceil
from memsim.program.spans import Recorder


def record_map(
    trace: Recorder,
    channels: int,
    rows: int,
    columns: int,
    plain: int,
    blocked: int,
    back: bool,
    block: int = BLOCK,
) -> None:
    """Record the reorder of one image between nchw and blocks of channels.

    Parameters
    ----------
    trace : Recorder
    channels, rows, columns : int
    plain, blocked : int
        Addresses.
    back : bool
        From blocks to nchw, and not the other way round.
    block : int
        Channels of a block.

    Examples
    --------
    Padded channels of the blocked layout are written too.

    >>> trace = Recorder()
    >>> with trace.call("x", "reorder"):
    ...     record_map(trace, 14, 2, 4, 0, 4096, back=False)
    >>> spans = trace.spans()
    >>> int(spans.length[~spans.write].sum()), int(spans.length[spans.write].sum())
    (448, 512)
    """
    width = columns * ITEM
    part, row = np.divmod(np.arange(ceil(channels, block) * rows), rows)
    each = part[:, None] * block + np.arange(block)
    lines = plain + (each * rows + row[:, None]) * width
    one = blocked + (part * rows + row) * (block * width)
    there = (each < channels) * width
    if back:
        trace.add((one[:, None], block * width, False), (lines, there, True))
    else:
        trace.add((lines, there, False), (one[:, None], block * width, True))


def record_weights(
    trace: Recorder, geometry: Geometry, plain: int, packed: int, block: int = BLOCK
) -> None:
    """Record the packing of weights, ``[oc][ic][kh][kw]`` to square blocks of channels."""
    g = geometry
    taps = g.kh * g.kw
    small = g.ic < block
    inputs = 1 if small else ceil(g.ic, block)
    depth = g.ic if small else block
    groups, outputs = g.groups, ceil(g.oc, block)
    group, rest = np.divmod(np.arange(groups * outputs * inputs), outputs * inputs)
    out, inp = np.divmod(rest, inputs)
    each = out[:, None] * block + np.arange(block)
    start = plain + ((group[:, None] * g.oc + each) * g.ic + inp[:, None] * depth) * (taps * ITEM)
    length = np.minimum(g.ic - inp * depth, depth) * (taps * ITEM)
    size = depth * block * taps * ITEM
    target = packed + np.arange(len(out)) * size
    trace.add((start, (each < g.oc) * length[:, None], False), (target[:, None], size, True))


def record_copy(trace: Recorder, source: int, length: int, target: int, size: int) -> None:
    """Record a reorder of something small, which is read once and written once."""
    trace.add((source, length, False), (target, size, True))
