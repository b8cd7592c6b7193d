"""ONNX's operators as memsim's; knows their attributes, not the ``onnx`` package."""

from __future__ import annotations

import math
from typing import Any

from memsim.formats.foreign.importer import Importer, Rule
from memsim.formats.foreign.onnx.arguments import RULES, axis_of, given, integer, rule, whole, wrong
from memsim.formats.foreign.records import NO_PADS, Record, Unsupported
from memsim.network.ops import OPERATORS
from memsim.network.ops.linear import Linear
from memsim.network.ops.pointwise import LeakyRelu
from memsim.network.ops.scale import Scale
from memsim.network.ops.shape import Concat, Slice, Upsample
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
    shape = importer.source(record.inputs[0]).shape
    weight = importer.constant(given(record, 1)).shape
    if len(shape) != 2 or len(weight) != 2 or integer(importer, record, "transA", 0):
        raise Unsupported
    features, out = weight[::-1] if integer(importer, record, "transB", 0) else weight
    if features != shape[1]:
        message = f"its weight takes {features} features, its input has {shape[1]}"
        raise wrong(importer, record, message)
    bias = given(record, 2)
    if bias:
        importer.constant(bias)
    op = Linear(out=out, bias=bool(bias))
    importer.emit(record, op, importer.layer(record.inputs[0]), shape=(shape[0], out))


def _plain(kind: str) -> Rule:
    def add(importer: Importer, record: Record) -> None:
        shape = importer.source(record.inputs[0]).shape
        importer.emit(record, OPERATORS[kind](), importer.layer(record.inputs[0]), shape=shape)

    return add


for _name, _kind in PLAIN.items():
    RULES[_name] = _plain(_kind)


@rule("Clip")
def _clip(importer: Importer, record: Record) -> None:
    bounds = []
    for position, name in enumerate(("min", "max"), 1):
        if given(record, position):
            bounds.append(importer.numbers(record.inputs[position])[0])
        else:
            bounds.append(record.attributes.get(name, math.inf if name == "max" else -math.inf))
    if bounds[0] != 0 or bounds[1] not in (6, math.inf):
        raise Unsupported
    _plain("relu6" if bounds[1] == 6 else "relu")(importer, record)


@rule("LeakyRelu")
def _leaky_relu(importer: Importer, record: Record) -> None:
    shape = importer.source(record.inputs[0]).shape
    slope = float(f"{float(record.attributes.get('alpha', 0.01)):.6g}")  # stored in fp32
    importer.emit(record, LeakyRelu(slope=slope), importer.layer(record.inputs[0]), shape=shape)


@rule("Softmax")
def _softmax(importer: Importer, record: Record) -> None:
    shape = importer.source(record.inputs[0]).shape
    axis = axis_of(importer, record, -1, len(shape))
    if axis != 1:
        raise Unsupported
    _plain("softmax")(importer, record)


@rule("Add", "Sub", "Mul", "Div", "Sum")
def _arithmetic(importer: Importer, record: Record) -> None:
    held = [name for name in record.inputs if name in importer.constants]
    computed = [name for name in record.inputs if name and name not in importer.constants]
    if len(record.inputs) == 1 and record.target == "Sum":
        importer.alias(record)
    elif not held and record.target in ("Add", "Sum", "Mul"):
        shapes = [importer.source(name).shape for name in computed]
        if len({len(shape) for shape in shapes}) > 1:
            raise Unsupported
        layers = [importer.layer(name) for name in computed]
        kind = "mul" if record.target == "Mul" else "add"
        shape = tuple(map(max, zip(*shapes, strict=True)))
        importer.emit(record, OPERATORS[kind](), *layers, shape=shape)
    elif len(held) == len(computed) == 1:
        _with_constant(importer, record, computed[0], held[0])
    else:
        raise Unsupported


def _with_constant(importer: Importer, record: Record, name: str, held: str) -> None:
    value, constant = importer.source(name), importer.constant(held)
    if math.prod(constant.shape) == 1:
        known = constant.values is not None
        number = float(importer.numbers(held)[0]) if known else 1.0
        swapped = record.inputs[0] == held
        if record.target == "Sub" and swapped and number == 1:
            _emit(importer, record, name, OPERATORS["complement"]())
            return
        if not math.isfinite(number) or (record.target == "Div" and swapped):
            raise Unsupported
        scales: dict[str, dict[str, float]] = {
            "Add": {"shift": number},
            "Sum": {"shift": number},
            "Sub": {"factor": -1.0, "shift": number} if swapped else {"shift": -number},
            "Mul": {"factor": number},
            "Div": {"factor": 1 / number if number else 0.0},
        }
        _emit(importer, record, name, Scale(**scales[record.target]))
        return
    node = importer.nodes[value.layer]
    biased = node.op.multiplies and not node.op.biased
    per_channel = tuple(n for n in constant.shape if n != 1) == value.shape[1:2] and (
        len(value.shape) == 2 or len(constant.shape) >= len(value.shape) - 1
    )
    if record.target == "Add" and biased and per_channel and importer.only_reader(name):
        importer.swap(value.layer, node.op.model_copy(update={"bias": True}))
        importer.values[record.outputs[0]] = value
        return
    raise Unsupported


def _emit(importer: Importer, record: Record, name: str, op: Any) -> None:
    importer.emit(record, op, importer.layer(name), shape=importer.source(name).shape)


@rule("GlobalAveragePool", "GlobalMaxPool", "ReduceMean", "ReduceMax")
def _global(importer: Importer, record: Record) -> None:
    value = importer.source(record.inputs[0])
    rank = len(value.shape)
    kept = True
    if record.target.startswith("Reduce"):
        axes = whole(importer, record, 1, "axes")
        if not axes or {axis % rank for axis in axes} != {*range(2, rank)}:
            raise Unsupported
        kept = bool(integer(importer, record, "keepdims", 1))
    if rank < 3:
        raise Unsupported
    layer = value.layer
    if rank == 4 or value.pads != NO_PADS or importer.images[layer][0] != value.shape[1]:
        layer = importer.layer(record.inputs[0])
    op = OPERATORS["global_maxpool" if "Max" in record.target else "global_avgpool"]()
    shape = (*value.shape[:2], *(1,) * (rank - 2 if kept else 0))
    importer.emit(record, op, layer, shape=shape)


@rule("Concat")
def _concat(importer: Importer, record: Record) -> None:
    shapes = [importer.source(name).shape for name in record.inputs]
    if len({len(shape) for shape in shapes}) > 1:
        raise wrong(importer, record, "its inputs have different numbers of axes")
    if axis_of(importer, record, 1, len(shapes[0])) != 1:
        raise Unsupported
    layers = [importer.layer(name) for name in record.inputs]
    channels = sum(shape[1] for shape in shapes)
    importer.emit(record, Concat(), *layers, shape=(shapes[0][0], channels, *shapes[0][2:]))


@rule("Split")
def _split(importer: Importer, record: Record) -> None:
    shape = importer.source(record.inputs[0]).shape
    if len(shape) < 2 or axis_of(importer, record, 0, len(shape)) != 1:
        raise Unsupported
    count, channels = len(record.outputs), shape[1]
    step = -(-channels // count)
    equal = [max(0, min(step, channels - i * step)) for i in range(count)]
    sizes = whole(importer, record, 1, "split") or equal
    if len(sizes) != count or sum(sizes) != channels or min(sizes) < 1:
        raise wrong(importer, record, f"{shown(sizes)} does not split {channels} channels")
    layer, start = importer.layer(record.inputs[0]), 0
    for number, size in enumerate(sizes):
        name = record.outputs[number]
        if name and importer.readers[name]:
            op = Slice(start=start, stop=start + size)
            part = (shape[0], size, *shape[2:])
            importer.emit(record, op, layer, shape=part, output=number)
        start += size


@rule("Slice")
def _slice(importer: Importer, record: Record) -> None:
    shape = importer.source(record.inputs[0]).shape
    starts = whole(importer, record, 1, "starts")
    ends = whole(importer, record, 2, "ends")
    if starts is None or ends is None:
        raise wrong(importer, record, "has neither starts nor ends")
    axes = whole(importer, record, 3, "axes") or list(range(len(starts)))
    steps = whole(importer, record, 4, "steps") or [1] * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise wrong(importer, record, "has starts, ends, axes and steps of different lengths")
    cuts: dict[int, tuple[int, int]] = {}
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        if not -len(shape) <= axis < len(shape):
            raise wrong(importer, record, f"has the axis {axis} of {len(shape)}")
        size = shape[axis]
        first, last = (max(0, at + size) if at < 0 else min(at, size) for at in (start, end))
        if step != 1 or last <= first:
            raise Unsupported
        if (first, last) != (0, size):
            cuts[axis % len(shape)] = (first, last)
    if not cuts:
        importer.alias(record)
    elif [*cuts] == [1]:
        first, last = cuts[1]
        op = Slice(start=first, stop=last)
        part = (shape[0], last - first, *shape[2:])
        importer.emit(record, op, importer.layer(record.inputs[0]), shape=part)
    else:
        raise Unsupported


@rule("Resize", "Upsample")
def _resize(importer: Importer, record: Record) -> None:
    shape = importer.source(record.inputs[0]).shape
    modes: dict[Any, Any] = {"nearest": "nearest", "linear": "bilinear", "bilinear": "bilinear"}
    mode = modes.get(record.attributes.get("mode", "nearest"))
    if mode is None or len(shape) != 4 or "axes" in record.attributes:
        raise Unsupported
    position = 2 if record.target == "Resize" and len(record.inputs) > 2 else 1
    sizes = whole(importer, record, 3, "")
    scales: list[Any] = []
    if sizes is None:
        scales = record.attributes.get("scales") or importer.numbers(given(record, position))
    numbers = sizes or scales
    if len(numbers) != 4 or not all(math.isfinite(each) for each in numbers):
        raise wrong(importer, record, f"resizes {len(numbers)} axes, not 4")
    if sizes is None:
        sizes = [math.floor(size * scale) for size, scale in zip(shape, scales, strict=True)]
    if tuple(sizes[:2]) != shape[:2]:
        raise Unsupported
    factors = [after // before for before, after in zip(shape, sizes, strict=True)][2:]
    exact = (shape[2] * factors[0], shape[3] * factors[1]) == tuple(sizes[2:])
    if scales and exact:
        op = Upsample(factor=(factors[0], factors[1]), mode=mode)
    else:
        op = Upsample(size=(sizes[2], sizes[3]), mode=mode)
    importer.emit(record, op, importer.layer(record.inputs[0]))
