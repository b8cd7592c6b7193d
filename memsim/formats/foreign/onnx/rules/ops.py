"""ONNX's operators as memsim's; knows their attributes, not the ``onnx`` package."""

from __future__ import annotations

import math

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.layers.moves import concat, crop, permute, split
from memsim.formats.foreign.layers.products import dense, product
from memsim.formats.foreign.layers.windows import reduce
from memsim.formats.foreign.onnx.arguments import (
    axis_of,
    integer,
    operand,
    rule,
    whole,
    wrong,
)
from memsim.formats.foreign.parts import Parts
from memsim.formats.foreign.records import Constant, Record
from memsim.yaml.document import shown


@rule("MatMul")
def _matmul(importer: Importer, record: Record) -> None:
    left, right = operand(record, 0), operand(record, 1)
    weight = importer.constants.get(right)
    if weight is not None and len(weight.shape) == 2 and left in importer.values:
        _dense(importer, record, left, weight.shape, "")
    else:
        product(importer, record, left, right)


@rule("Gemm")
def _gemm(importer: Importer, record: Record) -> None:
    left, right, bias = (operand(record, number) for number in range(3))
    turned = [bool(integer(importer, record, f"trans{which}", 0)) for which in "AB"]
    weight, added = importer.constants.get(right), importer.constants.get(bias)
    stored = weight is not None and len(weight.shape) == 2 and left in importer.values
    if weight is not None and stored and not turned[0] and (not bias or _is_bias(added)):
        shape = weight.shape[::-1] if turned[1] else weight.shape
        _dense(importer, record, left, shape, bias)
        return
    with Parts(importer, record) as parts:
        names = [
            parts("Transpose", name, perm=[1, 0]) if turn else name
            for name, turn in zip((left, right), turned, strict=True)
        ]
        found = parts("MatMul", *names, scope="product")
        parts.give(parts("Add", found, bias, scope="add") if bias else found)


def _is_bias(constant: Constant | None) -> bool:
    """Whether a constant may be one number per feature."""
    return constant is not None and math.prod(constant.shape[:-1]) == 1


def _dense(
    importer: Importer, record: Record, left: str, weights: tuple[int, ...], bias: str
) -> None:
    shape = importer.source(left).shape
    features, out = weights
    if features != shape[-1]:
        message = f"its weight takes {features} features, its input has {shape[-1]}"
        raise wrong(importer, record, message)
    dense(importer, record, left, out, bias=bool(bias))


@rule("Transpose")
def _transpose(importer: Importer, record: Record) -> None:
    name = record.inputs[0]
    shape = importer.source(name).shape
    order = whole(importer, record, 1, "perm") or [*reversed(range(len(shape)))]
    if sorted(order) != [*range(len(shape))]:
        message = f"{shown(order)} is no order of the axes of {shown(list(shape))}"
        raise wrong(importer, record, message)
    permute(importer, record, order)


@rule("GlobalAveragePool", "GlobalMaxPool")
def _global(importer: Importer, record: Record) -> None:
    axes = range(2, len(importer.source(record.inputs[0]).shape))
    kind = "global_maxpool" if record.target == "GlobalMaxPool" else "global_avgpool"
    reduce(importer, record, axes, kind=kind, kept=True)


@rule("Concat")
def _concat(importer: Importer, record: Record) -> None:
    held = importer.constants
    ranks = [
        len(held[name].shape if name in held else importer.source(name).shape)
        for name in record.inputs
    ]
    if len(set(ranks)) > 1:
        raise wrong(importer, record, "its inputs have different numbers of axes")
    concat(importer, record, axis_of(importer, record, 1, ranks[0]))


@rule("Split")
def _split(importer: Importer, record: Record) -> None:
    shape = importer.source(record.inputs[0]).shape
    axis = axis_of(importer, record, 0, len(shape))
    count, channels = len(record.outputs), shape[axis]
    step = -(-channels // count)
    equal = [max(0, min(step, channels - i * step)) for i in range(count)]
    sizes = whole(importer, record, 1, "split") or equal
    if len(sizes) != count or sum(sizes) != channels or min(sizes) < 0:
        raise wrong(importer, record, f"{shown(sizes)} does not split {channels} places")
    split(importer, record, axis, sizes)


@rule("Slice")
def _slice(importer: Importer, record: Record) -> None:
    rank = len(importer.source(record.inputs[0]).shape)
    starts = whole(importer, record, 1, "starts")
    ends = whole(importer, record, 2, "ends")
    if starts is None or ends is None:
        raise wrong(importer, record, "has neither starts nor ends")
    axes = whole(importer, record, 3, "axes") or list(range(len(starts)))
    steps = whole(importer, record, 4, "steps") or [1] * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise wrong(importer, record, "has starts, ends, axes and steps of different lengths")
    for axis in axes:
        if not -rank <= axis < rank:
            raise wrong(importer, record, f"has the axis {axis} of {rank}")
    axes = [axis % rank for axis in axes]
    crop(importer, record, list(zip(axes, starts, ends, steps, strict=True)))
