"""ONNX operators that show, pad or pass on a tensor."""

from __future__ import annotations

import math

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.layers.moves import pad
from memsim.formats.foreign.onnx.arguments import axis_of, integer, operand, rule, whole, wrong
from memsim.formats.foreign.records import Record, Unsupported
from memsim.yaml.document import shown


@rule("Identity")
def _same(importer: Importer, record: Record) -> None:
    importer.alias(record)


@rule("Reshape")
def _reshape(importer: Importer, record: Record) -> None:
    shape = importer.source(record.inputs[0]).shape
    wanted = whole(importer, record, 1, "shape")
    if wanted is None:
        raise wrong(importer, record, "has no shape")
    zero = bool(integer(importer, record, "allowzero", 0))
    sizes = []
    for axis, size in enumerate(wanted):
        if size == 0 and not zero:
            if axis >= len(shape):
                raise wrong(importer, record, f"copies the axis {axis} of {len(shape)}")
            size = shape[axis]
        sizes.append(size)
    free = [axis for axis, size in enumerate(sizes) if size == -1]
    rest = math.prod(size for size in sizes if size != -1)
    if len(free) > 1 or rest < 1 or any(size < -1 for size in sizes):
        raise wrong(importer, record, f"has the shape {shown(wanted)}")
    for axis in free:
        sizes[axis] = math.prod(shape) // rest
    if math.prod(sizes) != math.prod(shape):
        message = f"{shown(list(shape))} cannot be seen as {shown(wanted)}"
        raise wrong(importer, record, message)
    importer.view(record, tuple(sizes))


@rule("Flatten")
def _flatten(importer: Importer, record: Record) -> None:
    shape = importer.source(record.inputs[0]).shape
    axis = axis_of(importer, record, 1, len(shape))
    importer.view(record, (math.prod(shape[:axis]), math.prod(shape[axis:])))


@rule("Squeeze", "Unsqueeze")
def _squeeze(importer: Importer, record: Record) -> None:
    shape = list(importer.source(record.inputs[0]).shape)
    axes = whole(importer, record, 1, "axes")
    if record.target == "Squeeze":
        rank = len(shape)
        if axes is None:
            axes = [axis for axis, size in enumerate(shape) if size == 1]
        if any(not -rank <= axis < rank or shape[axis] != 1 for axis in axes):
            raise wrong(
                importer, record, f"cannot take the axes {shown(axes)} out of {shown(shape)}"
            )
        gone = {axis % rank for axis in axes}
        importer.view(record, tuple(size for axis, size in enumerate(shape) if axis not in gone))
        return
    if axes is None:
        raise wrong(importer, record, "has no axes")
    rank = len(shape) + len(axes)
    if any(not -rank <= axis < rank for axis in axes) or rank > 16:
        raise wrong(importer, record, f"cannot put the axes {shown(axes)} into {shown(shape)}")
    for axis in sorted(axis % rank for axis in axes):
        shape.insert(axis, 1)
    importer.view(record, tuple(shape))


MODES = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}
"""What ONNX's modes of padding are here."""


@rule("Pad")
def _pad(importer: Importer, record: Record) -> None:
    shape = importer.source(record.inputs[0]).shape
    rank = len(shape)
    amounts = whole(importer, record, 1, "pads")
    mode = MODES.get(record.attributes.get("mode", "constant"))
    if amounts is None or mode is None:
        raise Unsupported
    axes = whole(importer, record, 3, "")
    axes = [*range(rank)] if axes is None else axes
    if len(amounts) != 2 * len(axes) or any(not -rank <= axis < rank for axis in axes):
        count = 2 * len(axes)
        raise wrong(importer, record, f"pads must be {count} whole numbers, not {shown(amounts)}")
    before, after = [0] * rank, [0] * rank
    for number, axis in enumerate(axes):
        before[axis % rank], after[axis % rank] = amounts[number], amounts[number + len(axes)]
    fill = record.attributes.get("value", 0.0)
    if operand(record, 2):
        fill = importer.numbers(record.inputs[2])[0]
    pad(importer, record, before, after, float(fill), mode)
