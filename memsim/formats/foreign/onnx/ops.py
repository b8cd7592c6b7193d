"""ONNX's operators as memsim's; knows their attributes, not the ``onnx`` package."""

from __future__ import annotations

import math
from typing import Any

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.moves import concat, crop, permute, resize, split
from memsim.formats.foreign.onnx.arguments import (
    axis_of,
    integer,
    operand,
    rule,
    whole,
    wrong,
)
from memsim.formats.foreign.products import dense, product
from memsim.formats.foreign.records import Record, Unsupported
from memsim.formats.foreign.windows import reduce
from memsim.yaml.document import shown


@rule("Gemm", "MatMul")
def _linear(importer: Importer, record: Record) -> None:
    left, right = operand(record, 0), operand(record, 1)
    weight = importer.constants.get(right)
    stored = weight is not None and len(weight.shape) == 2 and left in importer.values
    if record.target == "MatMul" and not stored:
        product(importer, record, left, right)
        return
    shape = importer.source(left).shape
    weights = importer.constant(right).shape
    if len(weights) != 2 or integer(importer, record, "transA", 0):
        raise Unsupported
    features, out = weights[::-1] if integer(importer, record, "transB", 0) else weights
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


@rule("GlobalAveragePool", "GlobalMaxPool")
def _global(importer: Importer, record: Record) -> None:
    axes = range(2, len(importer.source(record.inputs[0]).shape))
    kind = "global_maxpool" if record.target == "GlobalMaxPool" else "global_avgpool"
    reduce(importer, record, axes, kind=kind, kept=True)


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


COORDINATES = {
    "half_pixel": "half_pixel",
    "pytorch_half_pixel": "half_pixel",
    "half_pixel_symmetric": "half_pixel",
    "align_corners": "align_corners",
    "asymmetric": "asymmetric",
}
"""What ONNX's coordinate transformations are here; they differ in outputs of one row or column, or
where a stated scale is not the quotient of the sizes. One that also crops is not known."""


@rule("Resize", "Upsample")
def _resize(importer: Importer, record: Record) -> None:
    shape = importer.source(record.inputs[0]).shape
    modes: dict[Any, str] = {"nearest": "nearest", "linear": "bilinear", "bilinear": "bilinear"}
    mode = modes.get(record.attributes.get("mode", "nearest"))
    if mode is None or len(shape) != 4 or "axes" in record.attributes:
        raise Unsupported
    position = 2 if record.target == "Resize" and len(record.inputs) > 2 else 1
    # Before operator set 11, where Resize got its third input, there was one way alone.
    way = "half_pixel" if position == 2 else "asymmetric"
    coordinates = COORDINATES.get(record.attributes.get("coordinate_transformation_mode", way))
    if coordinates is None or record.attributes.get("antialias"):
        raise Unsupported
    sizes = whole(importer, record, 3, "")
    scales: list[Any] = []
    if sizes is None:
        scales = record.attributes.get("scales") or importer.numbers(operand(record, position))
    numbers = sizes or scales
    if len(numbers) != 4 or not all(math.isfinite(each) for each in numbers):
        raise wrong(importer, record, f"resizes {len(numbers)} axes, not 4")
    if sizes is None:
        sizes = [math.floor(size * factor) for size, factor in zip(shape, scales, strict=True)]
    if tuple(sizes[:2]) != shape[:2]:
        raise Unsupported
    resize(
        importer,
        record,
        size=(sizes[2], sizes[3]),
        mode=mode,
        scaled=bool(scales),
        coordinates=None if mode == "nearest" or coordinates == "half_pixel" else coordinates,
    )
