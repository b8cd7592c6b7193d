"""Layers for padding that no window has taken."""

from __future__ import annotations

from typing import Any

from memsim.formats.foreign.records import View
from memsim.network.ops.arrange import Pad, Slice

__all__ = ["add_filled"]


def add_filled(importer: Any, value: View, layer: str) -> str:
    """Add what puts (or cuts) a value's padding around the layer that it shows.

    ``importer`` is the :class:`~memsim.formats.foreign.importer.Importer` that calls it.
    """
    axes = len(value.pads) // 2
    lead = len(importer.images[layer]) - axes
    for axis in range(axes):
        cut = [max(-value.pads[axis + end], 0) for end in (0, axes)]
        if any(cut):
            size = importer.images[layer][lead + axis]
            part = Slice(start=cut[0], stop=size - cut[1], axis=lead + axis)
            layer = importer.add(f"{value.layer}.crop", part, (layer,))
    before, after = value.pads[:axes], value.pads[axes:]
    more = [max(pad, 0) for end in (before, after) for pad in (*(0,) * lead, *end)]
    if any(more):
        op = Pad(pads=tuple(more), value=value.fill)
        layer = importer.add(f"{value.layer}.pad", op, (layer,))
    return layer
