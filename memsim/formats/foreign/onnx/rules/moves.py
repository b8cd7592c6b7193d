"""ONNX operators that resize, repeat, shuffle and choose."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.layers.moves import expand, repeat, resize
from memsim.formats.foreign.layers.sampled import (
    chosen,
    col2im,
    gather,
    grid_sample,
    roi_align,
    scatter,
    take,
)
from memsim.formats.foreign.onnx.arguments import integer, ints, operand, rule, whole, wrong
from memsim.formats.foreign.parts import Parts
from memsim.formats.foreign.records import Record, Unsupported
from memsim.network.ops.base import broadcast
from memsim.network.ops.shape import PixelShuffle, PixelUnshuffle

COORDINATES = {
    "half_pixel": "half_pixel",
    "pytorch_half_pixel": "half_pixel",
    "half_pixel_symmetric": "half_pixel",
    "align_corners": "align_corners",
    "asymmetric": "asymmetric",
}
"""What ONNX's coordinate transformations are here; they differ in outputs of one row or column, or
where a stated scale is not the quotient of the sizes. One that also crops is not known."""

MODES: dict[Any, str] = {
    "nearest": "nearest", "linear": "bilinear", "bilinear": "bilinear", "cubic": "bicubic",
}  # fmt: skip


@rule("Resize", "Upsample")
def _resize(importer: Importer, record: Record) -> None:
    shape = importer.source(record.inputs[0]).shape
    rank = len(shape)
    mode = MODES.get(record.attributes.get("mode", "nearest"))
    if mode is None:
        raise Unsupported
    position = 2 if record.target == "Resize" and len(record.inputs) > 2 else 1
    # Before operator set 11, where Resize got its third input, there was one way alone.
    way = "half_pixel" if position == 2 else "asymmetric"
    named = record.attributes.get("coordinate_transformation_mode", way)
    coordinates = COORDINATES.get(named)
    if coordinates is None and named != "tf_crop_and_resize":
        raise Unsupported
    axes = [axis % rank for axis in ints(importer, record, "axes", [*range(rank)])]
    stated = whole(importer, record, 3, "")
    if record.attributes.get("coordinate_transformation_mode") == "tf_crop_and_resize":
        _crop_and_resize(importer, record, mode, axes, stated)
        return
    scales: list[Any] = []
    if stated is None:
        scales = record.attributes.get("scales") or importer.numbers(operand(record, position))
    numbers = stated or scales
    if len(numbers) != len(axes) or not all(math.isfinite(each) for each in numbers):
        raise wrong(importer, record, f"resizes {len(numbers)} axes, not {len(axes)}")
    sizes = list(shape)
    policy = record.attributes.get("keep_aspect_ratio_policy", "stretch")
    if stated and policy in ("not_larger", "not_smaller"):
        pairs = zip(axes, stated, strict=True)
        ratios = [size / shape[axis] for axis, size in pairs]
        ratio = min(ratios) if policy == "not_larger" else max(ratios)
        for axis in axes:
            sizes[axis] = math.floor(shape[axis] * ratio + 0.5)
    else:
        for axis, number in zip(axes, numbers, strict=True):
            sizes[axis] = number if stated else math.floor(shape[axis] * number)
    if tuple(sizes[:2]) != shape[:2] or rank not in (3, 4, 5):
        raise Unsupported
    if min(sizes) < 1:
        raise wrong(importer, record, f"leaves {sizes}")
    given = None if mode == "nearest" or coordinates == "half_pixel" else coordinates
    resize(
        importer,
        record,
        size=tuple(sizes[2:]),
        mode=mode,
        scaled=bool(scales),
        coordinates=given,
        antialias=bool(record.attributes.get("antialias")) and mode != "nearest",
    )


def _crop_and_resize(
    importer: Importer, record: Record, mode: str, axes: list[int], stated: list[int] | None
) -> None:
    """Resize a part of each map, given in shares of it: what no pixel lies next to is not read."""
    shape = importer.source(record.inputs[0]).shape
    part = importer.numbers(operand(record, 1))
    if stated is None:
        scales = importer.numbers(operand(record, 2))
        spans = zip(part[: len(axes)], part[len(axes) :], axes, scales, strict=True)
        stated = [math.floor(shape[a] * (last - first) * by) for first, last, a, by in spans]
    if len(part) != 2 * len(axes) or len(stated) != len(axes):
        raise wrong(importer, record, f"resizes {len(part)} ends of {len(axes)} axes")
    sizes = [*shape]
    with Parts(importer, record) as parts:
        name = record.inputs[0]
        for at, axis in enumerate(axes):
            sizes[axis], most = stated[at], shape[axis] - 1
            ends = (part[at] * most, part[at + len(axes)] * most)
            low, high = max(math.floor(min(ends)), 0), min(math.ceil(max(ends)), most)
            if axis > 1 and low <= high:
                name = parts.cut(name, axis, low, high + 1)
        if tuple(sizes[:2]) != shape[:2] or len(sizes) not in (3, 4, 5):
            raise Unsupported
        resized = replace(record, inputs=(name,))
        given = None if mode == "nearest" else "align_corners"
        resize(importer, resized, size=tuple(sizes[2:]), mode=mode, scaled=False, coordinates=given)


@rule("Expand")
def _expand(importer: Importer, record: Record) -> None:
    shape = importer.source(record.inputs[0]).shape
    sizes = whole(importer, record, 1, "shape")
    if sizes is None:
        raise wrong(importer, record, "has no shape")
    expand(importer, record, broadcast("expand", (shape, tuple(sizes))))


@rule("Tile")
def _tile(importer: Importer, record: Record) -> None:
    times = whole(importer, record, 1, "repeats")
    rank = len(importer.source(record.inputs[0]).shape)
    if times is None or len(times) != rank or min(times) < 1:
        raise wrong(importer, record, f"repeats {times}, not each of {rank} axes")
    repeat(importer, record, times)


@rule("DepthToSpace", "SpaceToDepth")
def _depth(importer: Importer, record: Record) -> None:
    factor = integer(importer, record, "blocksize", 0)
    if len(importer.source(record.inputs[0]).shape) != 4:
        raise Unsupported
    layer = importer.layer(record.inputs[0])
    if record.target == "SpaceToDepth":
        importer.emit(record, PixelUnshuffle(factor=factor, depth="outer"), layer)
        return
    inner = record.attributes.get("mode", "DCR") == "CRD"
    importer.emit(record, PixelShuffle(factor=factor, depth="inner" if inner else "outer"), layer)


@rule("Gather")
def _gather(importer: Importer, record: Record) -> None:
    axis = integer(importer, record, "axis", 0)
    gather(importer, record, record.inputs[0], record.inputs[1], axis)


@rule("GatherElements", "GatherND")
def _take(importer: Importer, record: Record) -> None:
    shape = _shape(importer, record.inputs[0])
    places = _shape(importer, record.inputs[1])
    if record.target == "GatherElements":
        take(importer, record, places)
        return
    batch = integer(importer, record, "batch_dims", 0)
    take(importer, record, (*places[:-1], *shape[batch + places[-1] :]))


def _shape(importer: Importer, name: str) -> tuple[int, ...]:
    if name in importer.constants:
        return importer.constants[name].shape
    return importer.source(name).shape


@rule("ScatterND", "ScatterElements", "Scatter", "TensorScatter")
def _scatter(importer: Importer, record: Record) -> None:
    scatter(importer, record)


@rule("GridSample")
def _grid_sample(importer: Importer, record: Record) -> None:
    modes = {"linear": "bilinear", "cubic": "bicubic"}
    mode = record.attributes.get("mode", "bilinear")
    grid_sample(
        importer,
        record,
        mode=modes.get(mode, mode),
        border=record.attributes.get("padding_mode", "zeros"),
        corners=bool(integer(importer, record, "align_corners", 0)),
    )


@rule("RoiAlign", "MaxRoiPool")
def _roi_align(importer: Importer, record: Record) -> None:
    if record.target == "MaxRoiPool":
        size = ints(importer, record, "pooled_shape", None, 2)
        roi_align(importer, record, size, samples=1, maximum=True)
        return
    size = [integer(importer, record, name, 1) for name in ("output_height", "output_width")]
    ratio = integer(importer, record, "sampling_ratio", 0)
    maximum = record.attributes.get("mode", "avg") == "max"
    roi_align(importer, record, size, samples=ratio**2 or 4, maximum=maximum)


HOW = {
    "TopK": "topk", "CumSum": "cumsum", "OneHot": "one_hot", "Trilu": "mask", "AffineGrid": "grid",
    "NonMaxSuppression": "nms", "Hardmax": "one_hot",
}  # fmt: skip


@rule(*HOW)
def _chosen(importer: Importer, record: Record) -> None:
    chosen(importer, record, HOW[record.target])


@rule("ReverseSequence")
def _reverse(importer: Importer, record: Record) -> None:
    """How far each sequence reaches are a few numbers."""
    shape = importer.source(record.inputs[0]).shape
    take(importer, replace(record, inputs=record.inputs[:1]), shape)


@rule("Col2Im")
def _col2im(importer: Importer, record: Record) -> None:
    size, kernel = whole(importer, record, 1, ""), whole(importer, record, 2, "")
    if not size or not kernel or len(size) != 2:
        raise Unsupported
    pads = ints(importer, record, "pads", [0, 0, 0, 0], 4)
    if pads[:2] != pads[2:]:
        raise Unsupported
    col2im(
        importer, record, size=size, kernel=kernel, padding=pads[:2],
        stride=ints(importer, record, "strides", [1, 1], 2),
        dilation=ints(importer, record, "dilations", [1, 1], 2),
    )  # fmt: skip
