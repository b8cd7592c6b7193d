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
from memsim.network.ops.arrange import Concat, Permute, Slice
from memsim.network.ops.base import sides
from memsim.network.ops.shape import Upsample
from memsim.yaml.document import shown

__all__ = ["concat", "crop", "pad", "permute", "resize", "select", "split"]


def concat(importer: Importer, record: Record, axis: int) -> None:
    """Add a concat of all inputs, which have equally many axes."""
    shapes = [importer.tensor(name, record).shape for name in record.inputs]
    layers = [importer.layer(name) for name in record.inputs]
    size = sum(shape[axis] for shape in shapes)
    shape = (*shapes[0][:axis], size, *shapes[0][axis + 1 :])
    along = _given(importer, layers[0], importer.axis(shapes[0], axis))
    if any(importer.images[each].channel != importer.images[layers[0]].channel for each in layers):
        along = importer.axis(shapes[0], axis)
    importer.emit(record, Concat(axis=along), *layers, shape=shape)


def _given(importer: Importer, layer: str, axis: int) -> int | None:
    """An axis as an operator states it: none where it is that of the channels."""
    return None if importer.images[layer].channel == axis else axis


def split(importer: Importer, record: Record, axis: int, sizes: Sequence[int]) -> None:
    """Add a slice of the first input for each output that is read; ``sizes`` sum to the axis."""
    shape = importer.source(record.inputs[0]).shape
    layer = importer.layer(record.inputs[0])
    along = _given(importer, layer, importer.axis(shape, axis))
    stop = 0
    for number, (name, size) in enumerate(zip(record.outputs, sizes, strict=True)):
        start, stop = stop, stop + size
        if name and importer.readers[name]:
            part = Slice(start=start, stop=stop, axis=along)
            cut = (*shape[:axis], size, *shape[axis + 1 :])
            importer.emit(record, part, layer, shape=cut, output=number)


def select(importer: Importer, record: Record, axis: int, index: int, output: int = 0) -> None:
    """Add the place ``index`` of the first input along an axis, which is gone then."""
    shape = importer.source(record.inputs[0]).shape
    gone = (*shape[:axis], *shape[axis + 1 :])
    if shape[axis] == 1:
        importer.view(record, gone, output)
        return
    layer = importer.layer(record.inputs[0])
    along = importer.axis(shape, axis)
    part = Slice(start=index, stop=index + 1, axis=_given(importer, layer, along))
    importer.emit(record, part, layer, shape=gone, output=output)


def permute(importer: Importer, record: Record, order: Sequence[int]) -> None:
    """Add the first input with its axes in another order; axes of size 1 lie anywhere."""
    shape = importer.source(record.inputs[0]).shape
    wanted = tuple(shape[axis] for axis in order)
    moved = [axis for axis in order if shape[axis] > 1]
    if moved == sorted(moved):
        importer.view(record, wanted)
        return
    if importer.batch > 1 and (shape[0] != importer.batch or order[0] != 0):
        raise Unsupported
    kept = [axis for axis, size in enumerate(shape) if size > 1 and (axis or importer.batch == 1)]
    layer = importer.seen(record.inputs[0], tuple(shape[axis] for axis in kept))
    numbers = tuple(kept.index(axis) for axis in order if axis in kept)
    importer.emit(record, Permute(order=numbers), layer, shape=wanted)


def crop(importer: Importer, record: Record, ranges: Sequence[tuple[int, int, int, int]]) -> None:
    """Add what is left of the first input after cuts along its axes.

    Parameters
    ----------
    ranges : sequence of (axis, start, stop, step)
        As Python slices: a start or stop below 0 counts from the end, one outside of the axis
        stands for its end. Nothing is added for ranges that leave everything.
    """
    shape = importer.source(record.inputs[0]).shape
    cuts: dict[int, tuple[int, int, int]] = {}
    for axis, start, stop, step in ranges:
        size = shape[axis]
        first, last = (max(0, at + size) if at < 0 else min(at, size) for at in (start, stop))
        if step < 1 or last <= first:
            raise Unsupported
        if (first, last, step) != (0, size, 1):
            cuts[axis] = (first, last, step)
    if not cuts:
        importer.alias(record)
        return
    layer = importer.layer(record.inputs[0])
    left = list(shape)
    for number, (axis, (first, last, step)) in enumerate(cuts.items(), 1):
        along = importer.axis(shape, axis)
        part = Slice(start=first, stop=last, step=step, axis=_given(importer, layer, along))
        left[axis] = -(-(last - first) // step)
        if number == len(cuts):
            importer.emit(record, part, layer, shape=tuple(left))
        else:
            layer = importer.add(record.scope or record.target, part, (layer,))


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
