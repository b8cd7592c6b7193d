"""PyTorch's ATen operators as memsim's; knows their arguments, not PyTorch."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from typing import Any

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
from memsim.formats.foreign.importer import Importer, Rules
from memsim.formats.foreign.moves import concat, crop, pad, permute, resize, select, split
from memsim.formats.foreign.products import dense, product
from memsim.formats.foreign.records import Record, Unsupported
from memsim.formats.foreign.windows import convolution, pool, reduce, transposed
from memsim.network.ops import OPERATORS
from memsim.network.ops.base import sides
from memsim.network.ops.norm import LayerNorm
from memsim.network.ops.pointwise import BatchNorm
from memsim.network.ops.pool import AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, MaxPool

__all__ = ["RULES", "VIEWS"]

RULES = Rules()
"""By name of the ATen operator, without its overload and without the in-place underscore."""

rule = RULES.register

VIEWS = (
    "view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "_unsafe_view", "contiguous",
    "clone", "alias", "detach",
)  # fmt: skip
"""Operators whose output is their input in another shape."""

PLAIN = {
    "relu": "relu",
    "relu6": "relu6",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "silu": "silu",
    "hardswish": "hardswish",
    "hardsigmoid": "hardsigmoid",
    "gelu": "gelu",
}
"""Elementwise operators without attributes."""

COPIES = ("lift_fresh", "lift_fresh_copy", "to", "_to_copy", "type_as", "float", "detach_copy")
"""Operators that at most change the data type or the place of their input."""


def _two(value: Any, default: Any = None) -> tuple[int, int]:
    """An argument of one or two numbers; an empty list stands for the default."""
    if value is None or (isinstance(value, list | tuple) and not value):
        value = default
    numbers = (value,) if isinstance(value, int) else tuple(value)
    if len(numbers) > 2 or not all(isinstance(each, int) for each in numbers):
        raise Unsupported
    return (numbers[0], numbers[-1])


def _pads(value: Any) -> tuple[int, int, int, int]:
    return sides(_two(value))


def _optional(record: Record, position: int) -> bool:
    return len(record.inputs) > position and bool(record.inputs[position])


def _axis(record: Record, importer: Importer, name: str = "dim") -> int:
    """An axis argument, counted from the front."""
    rank = len(importer.source(record.inputs[0]).shape)
    axis = record.attributes[name]
    if not isinstance(axis, int):
        raise Unsupported
    return axis % rank if rank else 0


@rule("conv2d", "convolution", "_convolution", "conv_transpose2d")
def _conv(importer: Importer, record: Record) -> None:
    weight = importer.constant(record.inputs[1]).shape
    if len(weight) != 4 or len(importer.source(record.inputs[0]).shape) != 4:
        raise Unsupported
    attributes = record.attributes
    common: dict[str, Any] = {
        "kernel": (weight[2], weight[3]),
        "stride": _two(attributes["stride"]),
        "dilation": _two(attributes["dilation"]),
        "groups": attributes["groups"],
        "bias": _optional(record, 2),
    }
    if attributes.get("transposed", record.target == "conv_transpose2d"):
        transposed(
            importer,
            record,
            out=weight[1] * attributes["groups"],
            pads=_pads(attributes["padding"]),
            output_padding=_two(attributes["output_padding"]),
            **common,
        )
        return
    padding = attributes["padding"]
    if padding in ("same", "valid"):
        pads = [0, 0, 0, 0]
        for axis in (0, 1):
            total = common["dilation"][axis] * (weight[2 + axis] - 1) if padding == "same" else 0
            pads[axis], pads[2 + axis] = total // 2, total - total // 2
        padded = sides(tuple(pads))
    else:
        padded = _pads(padding)
    convolution(importer, record, out=weight[0], pads=padded, **common)


@rule("linear", "addmm", "mm", "matmul", "bmm", "baddbmm")
def _linear(importer: Importer, record: Record) -> None:
    inputs = record.inputs
    if record.target in ("addmm", "baddbmm"):
        inputs = (inputs[1], inputs[2], inputs[0])
        importer.constant(inputs[2])
    if inputs[1] in importer.constants:
        weight = importer.constant(inputs[1]).shape
        if len(weight) != 2:
            raise Unsupported
        out = weight[0] if record.target == "linear" else weight[1]
        bias = len(inputs) > 2 and bool(inputs[2])
        dense(importer, record, inputs[0], out, bias=bias, parameters=inputs[1:])
    elif len(inputs) == 2:
        product(importer, record, inputs[0], inputs[1])
    else:
        raise Unsupported


@rule("t", "transpose", "permute", "swapaxes", "movedim", "adjoint", "mT", "numpy_T")
def _transpose(importer: Importer, record: Record) -> None:
    name = record.inputs[0]
    constant = importer.constants.get(name)
    shape = importer.source(name).shape if constant is None else constant.shape
    order = [*range(len(shape))]
    if record.target == "permute":
        order = [axis % len(shape) for axis in record.attributes["dims"]]
    elif record.target == "movedim":
        places = record.attributes["source"], record.attributes["destination"]
        order = _moved(len(shape), *(each if isinstance(each, list) else [each] for each in places))
    elif len(shape) > 1:
        pair_ = record.attributes.get("dim0", -2), record.attributes.get("dim1", -1)
        one, other = (axis % len(shape) for axis in pair_)
        order[one], order[other] = order[other], order[one]
    if constant is None:
        permute(importer, record, order)
        return
    moved = tuple(shape[axis] for axis in order)
    importer.constants[record.outputs[0]] = replace(constant, shape=moved, values=None)


def _moved(rank: int, sources: list[int], places: list[int]) -> list[int]:
    """The order of axes after some are moved to other places."""
    moved = [axis % rank for axis in sources]
    order = [axis for axis in range(rank) if axis not in moved]
    for place, axis in sorted(zip((each % rank for each in places), moved, strict=True)):
        order.insert(place, axis)
    return order


@rule("layer_norm", "native_layer_norm")
def _layer_norm(importer: Importer, record: Record) -> None:
    axes = len(record.attributes["normalized_shape"])
    scale, shift = _optional(record, 1), _optional(record, 2)
    elementwise(importer, record, LayerNorm(axes=axes, scale=scale, shift=shift))


@rule("select")
def _select(importer: Importer, record: Record) -> None:
    axis = _axis(record, importer)
    size = importer.source(record.inputs[0]).shape[axis]
    select(importer, record, axis, record.attributes["index"] % size)


@rule("unbind")
def _unbind(importer: Importer, record: Record) -> None:
    axis = _axis(record, importer)
    for number, name in enumerate(record.outputs):
        if name and importer.readers[name]:
            select(importer, record, axis, number, number)


@rule(
    "batch_norm",
    "native_batch_norm",
    "_native_batch_norm_legit",
    "_native_batch_norm_legit_no_training",
    "cudnn_batch_norm",
)
def _batch_norm(importer: Importer, record: Record) -> None:
    elementwise(importer, record, BatchNorm())


RULES.update(plain(PLAIN))


@rule("hardtanh", "clamp", "clamp_min")
def _clamp(importer: Importer, record: Record) -> None:
    low = record.attributes.get("min_val", record.attributes.get("min"))
    high = record.attributes.get("max_val", record.attributes.get("max"))
    low, high = (-math.inf if low is None else low), (math.inf if high is None else high)
    clamp(importer, record, low, high)


@rule("leaky_relu")
def _leaky_relu(importer: Importer, record: Record) -> None:
    leaky_relu(importer, record, float(record.attributes["negative_slope"]))


@rule("softmax", "_softmax")
def _softmax(importer: Importer, record: Record) -> None:
    softmax(importer, record, _axis(record, importer))


@rule("dropout", "dropout2d", "feature_dropout", "native_dropout")
def _dropout(importer: Importer, record: Record) -> None:
    dropout(importer, record, record.attributes.get("p", 0.5))


@rule("add", "sub", "rsub", "mul", "div")
def _arithmetic(importer: Importer, record: Record) -> None:
    number = record.attributes.get("other")
    if len(record.inputs) == 1 and isinstance(number, int | float):
        _scalar(importer, record, float(number))
    elif len(record.inputs) == 2 and record.target in ("add", "mul"):
        combine(importer, record, record.target)
    else:
        raise Unsupported


def _scalar(importer: Importer, record: Record, number: float) -> None:
    alpha = float(record.attributes.get("alpha", 1))
    name = record.inputs[0]
    if record.target == "add":
        scale(importer, record, name, shift=number * alpha)
    elif record.target == "sub":
        scale(importer, record, name, shift=-number * alpha)
    elif record.target == "rsub":
        scale(importer, record, name, factor=-alpha, shift=number)
    elif record.target == "mul":
        scale(importer, record, name, factor=number)
    else:
        scale(importer, record, name, factor=1 / number if number else 0.0)


@rule("max_pool2d", "max_pool2d_with_indices", "avg_pool2d")
def _pool(importer: Importer, record: Record) -> None:
    attributes = record.attributes
    if _two(attributes.get("dilation"), 1) != (1, 1):
        raise Unsupported
    kernel = _two(attributes["kernel_size"])
    kind = AvgPool if record.target == "avg_pool2d" else MaxPool
    pool(
        importer,
        record,
        kind,
        kernel=kernel,
        stride=_two(attributes.get("stride"), kernel),
        pads=_pads(attributes.get("padding", 0)),
        ceil_mode=bool(attributes.get("ceil_mode", False)),
    )


@rule(
    "adaptive_avg_pool2d", "_adaptive_avg_pool2d", "adaptive_max_pool2d"
)  # fmt: skip
def _adaptive(importer: Importer, record: Record) -> None:
    maximum = record.target == "adaptive_max_pool2d"
    size = _two(record.attributes["output_size"])
    if size == (1, 1):
        op = OPERATORS["global_maxpool" if maximum else "global_avgpool"]()
    else:
        op = (AdaptiveMaxPool if maximum else AdaptiveAvgPool)(size=size)
    importer.emit(record, op, importer.layer(record.inputs[0]))


@rule("mean", "amax")
def _reduce(importer: Importer, record: Record) -> None:
    axes = record.attributes.get("dim") or ()  # none stand for all
    axes = (axes,) if isinstance(axes, int) else axes
    kind = "global_maxpool" if record.target == "amax" else "global_avgpool"
    reduce(importer, record, axes, kind=kind, kept=bool(record.attributes.get("keepdim")))


@rule("cat", "concat")
def _concat(importer: Importer, record: Record) -> None:
    concat(importer, record, _axis(record, importer))


@rule("split", "split_with_sizes", "chunk", "unsafe_split", "unsafe_chunk", "tensor_split")
def _split(importer: Importer, record: Record) -> None:
    axis = _axis(record, importer)
    if not record.shapes or None in record.shapes:
        raise Unsupported
    split(importer, record, axis, [shape[axis] for shape in record.shapes if shape])


@rule("slice")
def _slice(importer: Importer, record: Record) -> None:
    axis = _axis(record, importer)
    start, stop = record.attributes.get("start"), record.attributes.get("end")
    start = 0 if start is None else start
    stop = sys.maxsize if stop is None else stop
    crop(importer, record, [(axis, start, stop, record.attributes.get("step", 1))])


@rule("narrow")
def _narrow(importer: Importer, record: Record) -> None:
    axis = _axis(record, importer)
    start = record.attributes["start"] % importer.source(record.inputs[0]).shape[axis]
    crop(importer, record, [(axis, start, start + record.attributes["length"], 1)])


@rule("upsample_nearest2d", "_upsample_nearest_exact2d", "upsample_bilinear2d")
def _upsample(importer: Importer, record: Record) -> None:
    attributes = record.attributes
    mode = "bilinear" if record.target == "upsample_bilinear2d" else "nearest"
    factors = attributes.get("scale_factors") or [
        attributes.get("scales_h"),
        attributes.get("scales_w"),
    ]
    shape = record.shapes[0]
    if shape is None or len(shape) != 4:
        raise Unsupported
    whole = all(factor and factor == int(factor) for factor in factors)
    resize(
        importer,
        record,
        size=(shape[2], shape[3]),
        mode=mode,
        scaled=whole,
        coordinates="align_corners" if attributes.get("align_corners") else None,
    )


@rule("pad", "constant_pad_nd")
def _pad(importer: Importer, record: Record) -> None:
    rank = len(importer.source(record.inputs[0]).shape)
    amounts = list(record.attributes["pad"])
    if record.attributes.get("mode", "constant") != "constant" or rank != 4:
        raise Unsupported
    if len(amounts) > 4 and any(amounts[4:]):
        raise Unsupported
    left, right, top, bottom = (*amounts, 0, 0, 0, 0)[:4]
    fill = float(record.attributes.get("value") or 0.0)
    pad(importer, record, (top, left, bottom, right), fill)


@rule(*VIEWS)
def _view(importer: Importer, record: Record) -> None:
    shape = record.shapes[0]
    if shape is None:
        raise Unsupported
    importer.view(record, shape)


@rule(*COPIES)
def _copy(importer: Importer, record: Record) -> None:
    importer.alias(record)


@rule("getitem")
def _getitem(importer: Importer, record: Record) -> None:
    # The outputs of an operator are named <name>, <name>:1, <name>:2 ...
    importer.alias(record)


@rule("_assert_tensor_metadata", "sym_size", "_assert_scalar", "sym_constrain_range_for_size")
def _nothing(importer: Importer, record: Record) -> None:
    """Checks that a graph carries along; they compute nothing."""
