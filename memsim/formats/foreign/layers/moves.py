"""Operators of foreign graphs that select, join, resize or pad, from plain numbers.

A reader translates its framework's arguments; what they mean is said here, once for all readers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from memsim.errors import InputError
from memsim.formats.foreign.empties import nothing, with_elements
from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.layers.windows import brief, cut
from memsim.formats.foreign.records import NO_PADS, Record, Unsupported, View
from memsim.network.ops import Operator
from memsim.network.ops.arrange import Concat, Flip, Pad, Permute, Roll, Slice
from memsim.network.ops.sampling import Gather, Sliding
from memsim.network.ops.shape import Expand, Tile, Upsample
from memsim.yaml.document import shown

__all__ = [
    "along", "concat", "crop", "expand", "pad", "permute", "repeat", "resize", "select", "split",
    "stack", "whole",
]  # fmt: skip


def whole(importer: Importer, name: str) -> str:
    """The layer whose output is a value with the axis of its batch, which is 1."""
    if importer.batch != 1:
        raise Unsupported
    return importer.seen(name, importer.source(name).shape)


def concat(importer: Importer, record: Record, axis: int) -> None:
    """Add a concat of all inputs that have elements, which have equally many axes."""
    if all(name in importer.constants for name in record.inputs):
        raise Unsupported  # a constant
    inputs = with_elements(importer, record.inputs)
    others, record = len(record.inputs) - len(inputs), replace(record, inputs=inputs)
    if others and len(inputs) == 1:
        importer.alias(record)
        return
    shapes = [importer.tensor(name, record).shape for name in record.inputs]
    size = sum(shape[axis] for shape in shapes)
    shape = (*shapes[0][:axis], size, *shapes[0][axis + 1 :])
    if axis == 0 and importer.batch == 1:
        layers = [whole(importer, name) for name in record.inputs]
        importer.emit(record, Concat(axis=0), *layers, shape=shape)
        return
    layers = [importer.layer(name) for name in record.inputs]
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
        cut = (*shape[:axis], size, *shape[axis + 1 :])
        if name and not size:
            importer.constants[name] = nothing(cut)
        elif name and importer.readers[name]:
            part = Slice(start=start, stop=stop, axis=along)
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
        stands for its end, a step below 0 goes backwards. Nothing is added for ranges that leave
        everything.
    """
    shape = importer.source(record.inputs[0]).shape
    left = list(shape)
    cuts: list[Operator] = []
    layer = importer.layer(record.inputs[0])
    for axis, start, stop, step in ranges:
        size = shape[axis]
        places = range(size)[start:stop:step]
        left[axis] = len(places)
        if places == range(size) or not places:
            continue
        along = _given(importer, layer, importer.axis(shape, axis))
        first, last = min(places), max(places) + 1
        if step > 1:  # as far as the graph says, though no place of the step lies there
            last = min(stop if stop >= 0 else stop + size, size)
        if (first, last, abs(step)) != (0, size, 1):
            cuts.append(Slice(start=first, stop=last, step=abs(step), axis=along))
        if step < 0 and len(places) > 1:
            cuts.append(Flip(axis=along))
    if 0 in left:
        importer.constants[record.outputs[0]] = nothing(tuple(left))
        return
    if not cuts:
        importer.alias(record)
        return
    for part in cuts[:-1]:
        layer = importer.add(record.scope or record.target, part, (layer,))
    importer.emit(record, cuts[-1], layer, shape=tuple(left))


def resize(
    importer: Importer,
    record: Record,
    *,
    size: tuple[int, ...],
    mode: str,
    scaled: bool,
    coordinates: str | None = None,
    antialias: bool = False,
) -> None:
    """Add a resizing of the first input's maps.

    Parameters
    ----------
    size : tuple of int
        The output's spatial axes.
    mode : str
        As the operator ``upsample`` has it.
    scaled : bool
        Whether the graph states factors; whole ones stay factors, others become the size.
    coordinates : str, optional
        Where pixels lie if ``mode`` interpolates, other than ``half_pixel``.
    antialias : bool
        Whether a pixel of a smaller map is one of all that it covers.
    """
    shape = importer.source(record.inputs[0]).shape
    if len(shape) != len(size) + 2 or shape[0] != importer.batch:
        raise Unsupported
    factor = tuple(wanted // there for wanted, there in zip(size, shape[2:], strict=True))
    if scaled and tuple(a * b for a, b in zip(shape[2:], factor, strict=True)) == size:
        given: dict[str, Any] = {"factor": brief(factor)}  # checked by pydantic
    else:
        given = {"size": brief(size)}
    given |= {"mode": mode, "coordinates": coordinates}
    op = Upsample(**given, antialias=antialias)
    importer.emit(record, op, importer.layer(record.inputs[0]))


def pad(
    importer: Importer,
    record: Record,
    before: Sequence[int],
    after: Sequence[int],
    fill: float = 0.0,
    mode: str = "constant",
) -> None:
    """Add padding of the first input: places in front of each of its axes, and behind each.

    Constants around a map become part of the convolution or pool that reads it, or are cut off the
    transposed convolution that writes the input; what does not becomes a layer.
    """
    value = importer.source(record.inputs[0])
    rank = len(value.shape)
    if not any(before) and not any(after):
        importer.alias(record)
        return
    sizes = zip(before, value.shape, after, strict=True)
    shape = tuple(first + size + last for first, size, last in sizes)
    if min(shape) < 1:
        raise InputError(importer.problem(record, f"leaves {shown(list(shape))}"))
    axes = rank - 2
    spatial = axes in (1, 2, 3) and not any((*before[:2], *after[:2]))
    if mode != "constant" or not spatial:
        _placed(importer, record, before, after, fill, mode, shape)
        return
    pads = (*before[2:], *after[2:])
    if cut(importer, record, pads):
        return
    if value.pads != NO_PADS and value.fill != fill:
        value = View(importer.layer(record.inputs[0]), value.shape)
    held = value.pads or (0,) * len(pads)
    total = tuple(a + b for a, b in zip(held, pads, strict=True))
    if any((a < 0) != (b < 0) for a, b in zip(held, pads, strict=True) if a and b):
        # What is cut off and then filled up again is gone: the first becomes a layer.
        value = View(importer.layer(record.inputs[0]), value.shape)
        total = pads
    kept = total if any(total) else NO_PADS
    importer.values[record.outputs[0]] = View(value.layer, shape, kept, fill)


def _placed(
    importer: Importer,
    record: Record,
    before: Sequence[int],
    after: Sequence[int],
    fill: float,
    mode: str,
    shape: tuple[int, ...],
) -> None:
    """Add padding, and cuts, as layers."""
    source = importer.source(record.inputs[0]).shape
    batch = before[0] or after[0] or source[0] != importer.batch
    layer = whole(importer, record.inputs[0]) if batch else importer.layer(record.inputs[0])
    image = importer.images[layer]
    lead = len(source) - len(image)
    if lead < 0:  # one axis besides the batch, seen as a map
        before, after = [*before[1:], 0, 0], [*after[1:], 0, 0]
        lead = 0
    before, after = before[lead:], after[lead:]
    steps: list[Operator] = []
    for axis, (first, last) in enumerate(zip(before, after, strict=True)):
        if min(first, last) < 0:
            start, stop = max(-first, 0), image[axis] - max(-last, 0)
            steps.append(Slice(start=start, stop=stop, axis=_given(importer, layer, axis)))
    more = (*(max(each, 0) for each in before), *(max(each, 0) for each in after))
    if any(more):
        steps.append(Pad(pads=more, mode=mode, value=fill))  # type: ignore[arg-type]
    for op in steps[:-1]:
        layer = importer.add(record.scope or record.target, op, (layer,))
    importer.emit(record, steps[-1], layer, shape=shape)


def stack(importer: Importer, record: Record, axis: int) -> None:
    """Add the inputs, of equal shapes, one after the other along a new axis."""
    if not any(name in importer.values for name in record.inputs):
        raise Unsupported  # constants
    shape, *_ = (importer.tensor(name, record).shape for name in record.inputs)
    apart = (*shape[:axis], 1, *shape[axis:])
    wanted = (*shape[:axis], len(record.inputs), *shape[axis:])
    if axis == 0:
        layers = [importer.seen(name, (1, *shape)) for name in record.inputs]
        if importer.batch != 1:
            raise Unsupported
        importer.emit(record, Concat(axis=0), *layers, shape=wanted)
        return
    layers = [importer.seen(name, importer.image(apart)) for name in record.inputs]
    along = _given(importer, layers[0], importer.axis(apart, axis))
    if len({importer.images[each].channel for each in layers}) > 1:
        along = importer.axis(apart, axis)
    importer.emit(record, Concat(axis=along), *layers, shape=wanted)


def expand(importer: Importer, record: Record, sizes: Sequence[int]) -> None:
    """Add the first input with axes of size 1 repeated and new ones in front; -1 keeps a size."""
    shape = importer.source(record.inputs[0]).shape
    there = (1,) * (len(sizes) - len(shape)) + shape
    wanted = tuple(b if a == -1 else a for a, b in zip(sizes, there, strict=True))
    if wanted == there:
        importer.view(record, wanted)
        return
    if there[0] != wanted[0] or there[0] != importer.batch:
        if importer.batch != 1:
            raise Unsupported
        importer.emit(
            record, Expand(shape=wanted), importer.seen(record.inputs[0], there), shape=wanted
        )
        return
    layer = importer.seen(record.inputs[0], importer.image(there))
    image = importer.images[layer]
    sizes = (*wanted[1:], 1, 1)[: len(image)]
    importer.emit(record, Expand(shape=sizes), layer, shape=wanted)


def repeat(importer: Importer, record: Record, times: Sequence[int], *, each: bool = False) -> None:
    """Add the first input with its axes repeated, or (``each``) every place of them."""
    shape = importer.source(record.inputs[0]).shape
    there = (1,) * (len(times) - len(shape)) + shape
    wanted = tuple(a * b for a, b in zip(there, times, strict=True))
    if wanted == there:
        importer.view(record, wanted)
        return
    if times[0] != 1 or there[0] != importer.batch:
        if importer.batch != 1:
            raise Unsupported
        layer, each_axis = importer.seen(record.inputs[0], there), tuple(times)
    else:
        layer = importer.seen(record.inputs[0], importer.image(there))
        each_axis = (*times[1:], 1, 1)[: len(importer.images[layer])]
    importer.emit(record, Tile(times=each_axis, each=each), layer, shape=wanted)


def along(importer: Importer, record: Record, steps: Sequence[tuple[int, dict[str, Any]]],
          kind: type[Roll] | type[Flip] | type[Gather] | type[Sliding],
          shape: tuple[int, ...]) -> None:  # fmt: skip
    """Add operators that each work along one axis of the first input, one after the other.

    Parameters
    ----------
    steps : sequence of (int, dict)
        The axis in the foreign graph, and attributes.
    kind : class
    shape : tuple of int
        Of what comes out.
    """
    name = record.inputs[0]
    source = importer.source(name).shape
    batch = any(axis == 0 and source[0] == importer.batch for axis, _ in steps)
    layer = whole(importer, name) if batch else importer.layer(name)
    for number, (axis, attributes) in enumerate(steps, 1):
        place = axis if batch else importer.axis(source, axis)
        op = kind(axis=_given(importer, layer, place), **attributes)
        if number == len(steps):
            importer.emit(record, op, layer, shape=shape)
        else:
            layer = importer.add(record.scope or record.target, op, (layer,))
