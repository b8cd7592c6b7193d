"""ONNX's operators as memsim's; knows their attributes, not the ``onnx`` package."""

from __future__ import annotations

import math

from memsim.formats.foreign.elementwise import (
    clamp,
    combine,
    dropout,
    elementwise,
    leaky_relu,
    plain,
    scale,
    softmax,
)
from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.moves import concat, crop, permute, split
from memsim.formats.foreign.onnx.arguments import (
    RULES,
    axis_of,
    decimal,
    integer,
    operand,
    rule,
    whole,
    wrong,
)
from memsim.formats.foreign.products import dense, product
from memsim.formats.foreign.records import Record, Unsupported
from memsim.formats.foreign.windows import reduce
from memsim.network.ops.norm import LayerNorm
from memsim.yaml.document import shown

PLAIN = {
    "Relu": "relu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Silu": "silu",
    "Swish": "silu",
    "HardSwish": "hardswish",
    "HardSigmoid": "hardsigmoid",
    "Gelu": "gelu",
    "com.microsoft.Gelu": "gelu",
    "BatchNormalization": "batchnorm",
}
"""Elementwise operators whose attributes change nothing that memsim counts."""


@rule("Gemm", "MatMul")
def _linear(importer: Importer, record: Record) -> None:
    left, right = operand(record, 0), operand(record, 1)
    if left in importer.values and right in importer.values and record.target == "MatMul":
        product(importer, record, left, right)
        return
    shape = importer.source(left).shape
    weight = importer.constant(right).shape
    if len(weight) != 2 or integer(importer, record, "transA", 0):
        raise Unsupported
    features, out = weight[::-1] if integer(importer, record, "transB", 0) else weight
    if features != shape[-1]:
        message = f"its weight takes {features} features, its input has {shape[-1]}"
        raise wrong(importer, record, message)
    bias = operand(record, 2)
    if bias:
        importer.constant(bias)
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


@rule("LayerNormalization")
def _layer_norm(importer: Importer, record: Record) -> None:
    rank = len(importer.source(record.inputs[0]).shape)
    axis = axis_of(importer, record, -1, rank)
    scale, shift = bool(operand(record, 1)), bool(operand(record, 2))
    elementwise(importer, record, LayerNorm(axes=rank - axis, scale=scale, shift=shift))


RULES.update(plain(PLAIN))


@rule("Clip")
def _clip(importer: Importer, record: Record) -> None:
    bounds = []
    for position, name in enumerate(("min", "max"), 1):
        if operand(record, position):
            bounds.append(importer.numbers(record.inputs[position])[0])
        else:
            bounds.append(record.attributes.get(name, math.inf if name == "max" else -math.inf))
    clamp(importer, record, *bounds)


@rule("LeakyRelu")
def _leaky_relu(importer: Importer, record: Record) -> None:
    leaky_relu(importer, record, decimal(record.attributes.get("alpha", 0.01)))


@rule("Softmax")
def _softmax(importer: Importer, record: Record) -> None:
    rank = len(importer.source(record.inputs[0]).shape)
    softmax(importer, record, axis_of(importer, record, -1, rank))


@rule("Dropout")
def _dropout(importer: Importer, record: Record) -> None:
    rate = record.attributes.get("ratio", 0.5)
    if operand(record, 1) and importer.constant(record.inputs[1]).values is not None:
        rate = importer.numbers(record.inputs[1])[0]
    if isinstance(rate, int | float):
        dropout(importer, record, decimal(rate))
    else:
        importer.alias(record)


@rule("Add", "Sub", "Mul", "Div", "Sum")
def _arithmetic(importer: Importer, record: Record) -> None:
    held = [name for name in record.inputs if name in importer.constants]
    computed = [name for name in record.inputs if name and name not in importer.constants]
    if len(record.inputs) == 1 and record.target == "Sum":
        importer.alias(record)
    elif not held and record.target in ("Add", "Sum", "Mul"):
        combine(importer, record, "mul" if record.target == "Mul" else "add")
    elif len(held) == len(computed) == 1:
        _with_constant(importer, record, computed[0], held[0])
    else:
        raise Unsupported


def _with_constant(importer: Importer, record: Record, name: str, held: str) -> None:
    value, constant = importer.source(name), importer.constant(held)
    if math.prod(constant.shape) == 1:
        known = constant.values is not None
        number = float(importer.numbers(held)[0]) if known else 1.0
        _with_number(importer, record, name, number, swapped=record.inputs[0] == held)
        return
    node = importer.nodes[value.layer]
    biased = node.op.multiplies and not node.op.biased
    per_channel = tuple(n for n in constant.shape if n != 1) == value.shape[1:2] and (
        len(value.shape) == 2 or len(constant.shape) >= len(value.shape) - 1
    )
    if record.target == "Add" and biased and per_channel and importer.only_reader(name):
        importer.swap(value.layer, node.op.model_copy(update={"bias": True}))
        importer.own(value.layer, [held])
        importer.values[record.outputs[0]] = value
        return
    raise Unsupported


def _with_number(
    importer: Importer, record: Record, name: str, number: float, *, swapped: bool
) -> None:
    if record.target in ("Add", "Sum"):
        scale(importer, record, name, shift=number)
    elif record.target == "Sub" and swapped:
        scale(importer, record, name, factor=-1.0, shift=number)
    elif record.target == "Sub":
        scale(importer, record, name, shift=-number)
    elif record.target == "Mul":
        scale(importer, record, name, factor=number)
    elif not swapped and math.isfinite(number):
        scale(importer, record, name, factor=1 / number if number else 0.0)
    else:
        raise Unsupported


@rule("GlobalAveragePool", "GlobalMaxPool")
def _global(importer: Importer, record: Record) -> None:
    axes = range(2, len(importer.source(record.inputs[0]).shape))
    kind = "global_maxpool" if record.target == "GlobalMaxPool" else "global_avgpool"
    reduce(importer, record, axes, kind=kind, kept=True)


@rule("ReduceMean", "ReduceMax")
def _reduce(importer: Importer, record: Record) -> None:
    axes = whole(importer, record, 1, "axes") or ()  # none stand for all
    kept = bool(integer(importer, record, "keepdims", 1))
    kind = "global_maxpool" if record.target == "ReduceMax" else "global_avgpool"
    reduce(importer, record, axes, kind=kind, kept=kept)


@rule("Concat")
def _concat(importer: Importer, record: Record) -> None:
    ranks = [len(importer.source(name).shape) for name in record.inputs]
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
    if len(sizes) != count or sum(sizes) != channels or min(sizes) < 1:
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
