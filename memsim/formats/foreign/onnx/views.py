"""ONNX operators that show, pad or pass on a tensor."""

from __future__ import annotations

import math

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.moves import pad
from memsim.formats.foreign.onnx.arguments import axis_of, integer, operand, rule, whole, wrong
from memsim.formats.foreign.records import Record, Unsupported
from memsim.yaml.document import shown

__all__ = ["VIEWS"]

VIEWS = ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity")
"""Operators whose output is their input in another shape."""


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
    rank = len(importer.source(record.inputs[0]).shape)
    amounts = whole(importer, record, 1, "pads")
    mode = record.attributes.get("mode", "constant")
    if rank != 4 or mode != "constant" or amounts is None or operand(record, 3):
        raise Unsupported
    if len(amounts) != 8:
        raise wrong(importer, record, f"pads must be 8 whole numbers, not {shown(amounts)}")
    if any(amounts[i] for i in (0, 1, 4, 5)):
        raise Unsupported
    fill = record.attributes.get("value", 0.0)
    if operand(record, 2):
        fill = importer.numbers(record.inputs[2])[0]
    pad(importer, record, (amounts[2], amounts[3], amounts[6], amounts[7]), float(fill))
