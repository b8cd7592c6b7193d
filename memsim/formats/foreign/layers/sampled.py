"""Operators of foreign graphs that choose elements by numbers, from plain numbers.

A reader translates its framework's arguments; what they mean is said here, once for all readers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.layers.moves import along, select, whole
from memsim.formats.foreign.records import Dims, Record, Unsupported
from memsim.network.ops import Operator
from memsim.network.ops.conv import DeformConv
from memsim.network.ops.sampling import (
    Chosen,
    Col2im,
    Elements,
    Embedding,
    Gather,
    GridSample,
    Im2col,
    RoiAlign,
    Scatter,
)

__all__ = [
    "chosen",
    "col2im",
    "deformed",
    "gather",
    "grid_sample",
    "im2col",
    "roi_align",
    "scatter",
    "take",
]

MOST_PLACES = 1 << 16
"""Places that a network lists; of more it says how many there are."""


def gather(importer: Importer, record: Record, source: str, index: str, axis: int) -> None:
    """Add the places of an axis of one value whose numbers another one is."""
    if source in importer.constants:
        _embedding(importer, record, source, index, axis)
        return
    shape = importer.source(source).shape
    axis %= len(shape)
    if index in importer.values:
        places = importer.source(index).shape
        batch = axis == 0 and shape[0] == importer.batch
        layer = whole(importer, source) if batch else importer.layer(source)
        at = axis if batch else importer.axis(shape, axis)
        given = None if importer.images[layer].channel == at else at
        op = Gather(axis=given, count=math.prod(places))
        wanted = (*shape[:axis], *places, *shape[axis + 1 :])
        importer.emit(record, op, layer, importer.layer(index), shape=wanted)
        return
    constant = importer.constant(index)
    wanted = (*shape[:axis], *constant.shape, *shape[axis + 1 :])
    many = math.prod(constant.shape)
    if constant.values is None or many > MOST_PLACES:
        along(importer, record, [(axis, {"count": many})], Gather, wanted)
        return
    places = tuple(int(each) % shape[axis] for each in constant.values.reshape(-1).tolist())
    if not constant.shape:
        select(importer, record, axis, places[0])
    elif places == tuple(range(shape[axis])):
        importer.view(record, wanted)
    else:
        along(importer, record, [(axis, {"places": places})], Gather, wanted)


def _embedding(importer: Importer, record: Record, source: str, index: str, axis: int) -> None:
    """Add the rows of a parameter whose numbers a value is."""
    table = importer.constant(source).shape
    places = importer.source(index).shape
    if axis % len(table):
        raise Unsupported
    # A table that something else reads as well is there as a whole, once.
    read = None if importer.readers[source] > 1 else math.prod(places)
    op = Embedding(rows=table[0], features=math.prod(table[1:]), read=read)
    layer = importer.layer(index)
    importer.emit(record, op, layer, shape=(*places, *table[1:]), parameters=[source])


def _layers(importer: Importer, names: Iterable[str]) -> list[str]:
    return [importer.layer(name) for name in names if name in importer.values]


def _stated(importer: Importer, record: Record, number: int = 0) -> Dims:
    shape = importer.shape_of(record, number)
    if shape is None:
        raise Unsupported
    return shape


def take(importer: Importer, record: Record, shape: Dims) -> None:
    """Add single elements of the first input that the others name, constants or not."""
    if record.inputs[0] in importer.constants:
        raise Unsupported
    layers = _layers(importer, record.inputs)[:2]
    importer.emit(record, Elements(shape=tuple(importer.image(shape))), *layers, shape=shape)


def scatter(importer: Importer, record: Record) -> None:
    """Add the first input with some elements replaced by others; constants do not count."""
    name = record.inputs[0]
    held = importer.constants.get(name)
    shape = importer.source(name).shape if held is None else held.shape
    layers = _layers(importer, record.inputs)[:3]
    if not layers:
        raise Unsupported
    op = Scatter(shape=tuple(importer.image(shape)) if held is not None else None)
    importer.emit(record, op, *layers, shape=shape)


def chosen(
    importer: Importer, record: Record, how: str, *, axis: int | None = None, **about: Any
) -> None:
    """Add an operator that goes through whole axes, one layer for each output that is read.

    ``axis`` is one of the first input, where a graph tells it; the second output tells places.
    """
    if axis is not None and record.inputs[0] in importer.values:
        source = importer.source(record.inputs[0]).shape
        about["axis"] = importer.axis(source, axis % len(source))
    layers = _layers(importer, record.inputs)
    for number, name in enumerate(record.outputs):
        if name and importer.readers[name]:
            shape = _stated(importer, record, number)
            told = {"places": True} if number == 1 else {}
            op = Chosen.model_validate(
                {"how": how, "shape": tuple(importer.image(shape)), **about, **told}
            )
            importer.emit(record, op, *layers, shape=shape, output=number)


def grid_sample(
    importer: Importer, record: Record, *, mode: str, border: str, corners: bool
) -> None:
    """Add the first input sampled at the places that the second gives."""
    shape = importer.source(record.inputs[0]).shape
    held = importer.constants.get(record.inputs[1])
    grid = importer.source(record.inputs[1]).shape if held is None else held.shape
    if len(grid) != len(shape) or grid[-1] != len(shape) - 2:
        raise Unsupported
    given: Any = {"mode": mode, "border": border}  # checked by pydantic
    op = GridSample(size=grid[1:-1], corners=corners, **given)
    importer.emit(record, op, *_layers(importer, record.inputs), shape=(*shape[:2], *grid[1:-1]))


def roi_align(
    importer: Importer, record: Record, size: Sequence[int], *, samples: int, maximum: bool
) -> None:
    """Add the boxes of the first input that the second gives, each resampled to a size."""
    shape = importer.source(record.inputs[0]).shape
    held = importer.constants.get(record.inputs[1])
    boxes = importer.source(record.inputs[1]).shape if held is None else held.shape
    op = RoiAlign(
        boxes=boxes[0], size=(size[0], size[1]), samples=samples, mode="max" if maximum else "avg"
    )
    if importer.batch != 1:
        raise Unsupported
    layers = _layers(importer, record.inputs)
    importer.emit(record, op, *layers, shape=(boxes[0], shape[1], *size))


def deformed(
    importer: Importer, record: Record, names: Sequence[str], weights: Sequence[str], **about: Any
) -> None:
    """Add a convolution of moved places: of a map, offsets and perhaps their weights.

    ``weights`` are the names of the kernel and of a bias, if there is one.
    """
    kernel = importer.constant(weights[0]).shape
    if len(kernel) != 4 or len(importer.source(names[0]).shape) != 4:
        raise Unsupported
    op = DeformConv(out=kernel[0], kernel=kernel[2:], bias=len(weights) > 1, **about)
    for name in names[1:]:
        importer.tensor(name, record)
    layers = [importer.layer(name) for name in names]
    importer.emit(record, op, *layers, parameters=weights)


def im2col(importer: Importer, record: Record, **attributes: Any) -> None:
    """Add the places under each window of the first input as channels."""
    layer = importer.layer(record.inputs[0])
    importer.emit(record, Im2col(**attributes), layer)


def col2im(importer: Importer, record: Record, **attributes: Any) -> None:
    """Add the map on which windows lie that the first input holds."""
    op: Operator = Col2im(**{name: tuple(value) for name, value in attributes.items()})
    importer.emit(record, op, importer.layer(record.inputs[0]))
