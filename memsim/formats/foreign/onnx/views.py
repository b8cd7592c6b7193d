"""ONNX operators that show, pad or pass on a tensor."""

from __future__ import annotations

import math

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.onnx.arguments import axis_of, given, integer, rule, whole, wrong
from memsim.formats.foreign.records import NO_PADS, Dims, Record, Unsupported, Value
from memsim.formats.foreign.windows import cut
from memsim.network.ops.base import sides
from memsim.network.ops.shape import Dropout
from memsim.yaml.document import shown

__all__ = ["VIEWS"]

VIEWS = ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Cast")
"""Operators whose output is their input in another shape."""


@rule("Identity", "Cast")
def _same(importer: Importer, record: Record) -> None:
    importer.alias(record)


@rule("Dropout")
def _dropout(importer: Importer, record: Record) -> None:
    rate = record.attributes.get("ratio", 0.5)
    if given(record, 1) and importer.constant(record.inputs[1]).values is not None:
        rate = importer.numbers(record.inputs[1])[0]
    if not isinstance(rate, int | float) or not 0 <= rate < 1:
        importer.alias(record)
        return
    shape = importer.source(record.inputs[0]).shape
    op = Dropout(rate=float(f"{rate:.6g}"))  # stored in fp32
    importer.emit(record, op, importer.layer(record.inputs[0]), shape=shape)


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
            raise Unsupported  # all axes of size 1, the batch perhaps among them
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


@rule("Pad")
def _pad(importer: Importer, record: Record) -> None:
    value = importer.source(record.inputs[0])
    amounts = whole(importer, record, 1, "pads")
    mode = record.attributes.get("mode", "constant")
    if len(value.shape) != 4 or mode != "constant" or amounts is None or given(record, 3):
        raise Unsupported
    if len(amounts) != 8:
        raise wrong(importer, record, f"pads must be 8 whole numbers, not {shown(amounts)}")
    if any(amounts[i] for i in (0, 1, 4, 5)):
        raise Unsupported
    pads = (amounts[2], amounts[3], amounts[6], amounts[7])
    fill = record.attributes.get("value", 0.0)
    if given(record, 2):
        fill = importer.numbers(record.inputs[2])[0]
    if cut(importer, record, pads):
        return
    if value.pads != NO_PADS and value.fill != fill:
        value = Value(importer.layer(record.inputs[0]), value.shape)
    total = sides(tuple(a + b for a, b in zip(value.pads, pads, strict=True)))
    batch, channels, height, width = value.shape
    shape: Dims = (batch, channels, height + pads[0] + pads[2], width + pads[1] + pads[3])
    if min(shape) < 1:
        raise wrong(importer, record, f"leaves {shown(list(shape))}")
    importer.values[record.outputs[0]] = Value(value.layer, shape, total, float(fill))
