"""Operators of foreign graphs that select, join, resize or pad, from plain numbers.

A reader translates its framework's arguments; what they mean is said here, once for all readers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memsim.errors import InputError
from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.records import NO_PADS, Pads, Record, Unsupported, View
from memsim.formats.foreign.windows import cut
from memsim.network.ops.base import sides
from memsim.network.ops.shape import Concat, Slice, Upsample
from memsim.yaml.document import shown

__all__ = ["concat", "crop", "pad", "resize", "split"]


def concat(importer: Importer, record: Record, axis: int) -> None:
    """Add a concat of all inputs, which have equally many axes; one along the channels."""
    if axis != 1:
        raise Unsupported
    batch, _, *image = importer.source(record.inputs[0]).shape
    channels = sum(importer.source(name).shape[1] for name in record.inputs)
    layers = [importer.layer(name) for name in record.inputs]
    importer.emit(record, Concat(), *layers, shape=(batch, channels, *image))


def split(importer: Importer, record: Record, axis: int, sizes: Sequence[int]) -> None:
    """Add a slice of the first input for each output that is read; ``sizes`` sum to the axis."""
    if axis != 1:
        raise Unsupported
    batch, _, *image = importer.source(record.inputs[0]).shape
    layer = importer.layer(record.inputs[0])
    stop = 0
    for number, (name, size) in enumerate(zip(record.outputs, sizes, strict=True)):
        start, stop = stop, stop + size
        if name and importer.readers[name]:
            part = Slice(start=start, stop=stop)
            importer.emit(record, part, layer, shape=(batch, size, *image), output=number)


def crop(importer: Importer, record: Record, ranges: Sequence[tuple[int, int, int, int]]) -> None:
    """Add what is left of the first input after cuts along its axes.

    Parameters
    ----------
    ranges : sequence of (axis, start, stop, step)
        As Python slices: a start or stop below 0 counts from the end, one outside of the axis
        stands for its end. Nothing is added for ranges that leave everything.
    """
    shape = importer.source(record.inputs[0]).shape
    cuts: dict[int, tuple[int, int]] = {}
    for axis, start, stop, step in ranges:
        size = shape[axis]
        first, last = (max(0, at + size) if at < 0 else min(at, size) for at in (start, stop))
        if step != 1 or last <= first:
            raise Unsupported
        if (first, last) != (0, size):
            cuts[axis] = (first, last)
    if not cuts:
        importer.alias(record)
    elif [*cuts] == [1]:
        first, last = cuts[1]
        part = (shape[0], last - first, *shape[2:])
        layer = importer.layer(record.inputs[0])
        importer.emit(record, Slice(start=first, stop=last), layer, shape=part)
    else:
        raise Unsupported


def resize(
    importer: Importer,
    record: Record,
    *,
    size: tuple[int, int],
    mode: str,
    scaled: bool,
    coordinates: str | None = None,
) -> None:
    """Add a resizing of the first input's maps.

    Parameters
    ----------
    size : (int, int)
        Height and width of the output.
    mode : str
        ``nearest`` or ``bilinear``.
    scaled : bool
        Whether the graph states factors; whole ones stay factors, others become the size.
    coordinates : str, optional
        Where pixels lie if ``mode`` is ``bilinear``, other than ``half_pixel``.
    """
    shape = importer.source(record.inputs[0]).shape
    if len(shape) != 4:
        raise Unsupported
    factor = (size[0] // shape[2], size[1] // shape[3])
    if scaled and (shape[2] * factor[0], shape[3] * factor[1]) == size:
        given: dict[str, Any] = {"factor": factor}  # checked by pydantic
    else:
        given = {"size": size}
    op = Upsample(**given, mode=mode, coordinates=coordinates)  # type: ignore[arg-type]
    importer.emit(record, op, importer.layer(record.inputs[0]))


def pad(importer: Importer, record: Record, pads: Pads, fill: float) -> None:
    """Remember padding of the first input, whose maps have height and width.

    It becomes part of the convolution or pool that reads it, or is cut off the transposed
    convolution that writes the input. Padding of another fill than what is there already has to
    become a layer first.
    """
    if cut(importer, record, pads):
        return
    value = importer.source(record.inputs[0])
    if value.pads != NO_PADS and value.fill != fill:
        value = View(importer.layer(record.inputs[0]), value.shape)
    total = sides(tuple(a + b for a, b in zip(value.pads, pads, strict=True)))
    batch, channels, height, width = value.shape
    shape = (batch, channels, height + pads[0] + pads[2], width + pads[1] + pads[3])
    if min(shape) < 1:
        raise InputError(importer.problem(record, f"leaves {shown(list(shape))}"))
    importer.values[record.outputs[0]] = View(value.layer, shape, total, fill)
