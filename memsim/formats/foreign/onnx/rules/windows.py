"""ONNX's convolutions and pools, over one to three spatial axes."""

from __future__ import annotations

from typing import Any

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.layers.sampled import deformed
from memsim.formats.foreign.layers.windows import (
    computed,
    convolution,
    pool,
    transposed,
    unpool,
)
from memsim.formats.foreign.onnx.arguments import decimal, integer, ints, operand, rule, wrong
from memsim.formats.foreign.records import Record, Unsupported
from memsim.network.ops.pool import AvgPool, LpPool, MaxPool
from memsim.yaml.document import shown


def _axes(importer: Importer, record: Record) -> int:
    """How many spatial axes the first input has."""
    axes = len(importer.source(record.inputs[0]).shape) - 2
    if axes not in (1, 2, 3):
        raise Unsupported
    return axes


def _pads(importer: Importer, record: Record, kernel: list[int]) -> tuple[int, ...]:
    """Padding, with what ``auto_pad`` means for this input."""
    axes = len(kernel)
    automatic = record.attributes.get("auto_pad", "NOTSET")
    if automatic in ("NOTSET", "", "VALID"):
        pads = ints(importer, record, "pads", [0] * (2 * axes), 2 * axes)
        return (0,) * (2 * axes) if automatic == "VALID" else tuple(pads)
    if automatic not in ("SAME_UPPER", "SAME_LOWER"):
        raise wrong(importer, record, f"has the unknown auto_pad {shown(automatic)}")
    strides = ints(importer, record, "strides", [1] * axes, axes)
    dilations = ints(importer, record, "dilations", [1] * axes, axes)
    first, last = [], []
    for axis in range(axes):
        size = importer.source(record.inputs[0]).shape[2 + axis]
        step = max(strides[axis], 1)
        reach = dilations[axis] * (kernel[axis] - 1) + 1
        total = max((-(-size // step) - 1) * step + reach - size, 0)
        less, more = total // 2, total - total // 2
        first.append(less if automatic == "SAME_UPPER" else more)
        last.append(more if automatic == "SAME_UPPER" else less)
    return (*first, *last)


@rule("Conv", "ConvTranspose")
def _conv(importer: Importer, record: Record) -> None:
    shape = importer.source(record.inputs[0]).shape
    is_computed = operand(record, 1) not in importer.constants
    named = importer.source if is_computed else importer.constant
    weight = named(operand(record, 1)).shape
    axes = _axes(importer, record)
    if len(weight) != axes + 2:
        raise wrong(importer, record, f"its weight {shown(list(weight))} has other axes than "
                                      f"its input {shown(list(shape))}")  # fmt: skip
    groups = integer(importer, record, "group", 1)
    kernel = ints(importer, record, "kernel_shape", list(weight[2:]), axes)
    if tuple(kernel) != weight[2:]:
        message = f"kernel_shape {shown(kernel)} differs from the weight's {shown(list(weight))}"
        raise wrong(importer, record, message)
    is_transposed = record.target == "ConvTranspose"
    expected = weight[0] if is_transposed else weight[1] * groups
    if shape[1] != expected:
        message = f"its weight takes {expected} channels, its input has {shape[1]}"
        raise wrong(importer, record, message)
    strides = ints(importer, record, "strides", [1] * axes, axes)
    dilations = ints(importer, record, "dilations", [1] * axes, axes)
    common: dict[str, Any] = {
        "kernel": tuple(kernel),
        "stride": tuple(strides),
        "dilation": tuple(dilations),
        "groups": groups,
        "bias": bool(operand(record, 2)),
    }
    if not is_transposed:
        pads = _pads(importer, record, kernel)
        if is_computed:
            del common["kernel"]
            common["bias"] = operand(record, 2)
            computed(importer, record, weight, pads=pads, **common)
        else:
            convolution(importer, record, out=weight[0], pads=pads, **common)
        return
    if is_computed:
        raise Unsupported
    extra = ints(importer, record, "output_padding", [0] * axes, axes)
    if record.attributes.get("auto_pad", "NOTSET") not in ("NOTSET", "", "VALID") or (
        "output_shape" in record.attributes
    ):
        wanted = ints(importer, record, "output_shape", [], 0)[-axes:]
        wanted = wanted or [size * step for size, step in zip(shape[2:], strides, strict=True)]
        first, last = [], []
        for axis in range(axes):
            reach = dilations[axis] * (kernel[axis] - 1) + 1
            total = (shape[2 + axis] - 1) * strides[axis] + reach + extra[axis] - wanted[axis]
            extra[axis] += max(-total, 0)
            total = max(total, 0)
            upper = record.attributes.get("auto_pad") == "SAME_UPPER"
            first.append(total // 2 if upper else total - total // 2)
            last.append(total - first[-1])
        pads = (*first, *last)
    else:
        pads = _pads(importer, record, kernel)
    transposed(
        importer, record, out=weight[1] * groups, pads=pads, output_padding=tuple(extra), **common
    )


@rule("DeformConv")
def _deformed(importer: Importer, record: Record) -> None:
    kernel = list(importer.constant(operand(record, 1)).shape[2:])
    names = [record.inputs[0], record.inputs[2]]
    names += [operand(record, 4)] if operand(record, 4) else []
    weights = [record.inputs[1]] + ([operand(record, 3)] if operand(record, 3) else [])
    deformed(
        importer, record, names, weights, padding=_pads(importer, record, kernel),
        stride=tuple(ints(importer, record, "strides", [1, 1], 2)),
        dilation=tuple(ints(importer, record, "dilations", [1, 1], 2)),
        groups=integer(importer, record, "group", 1),
    )  # fmt: skip


@rule("MaxPool", "AveragePool", "LpPool")
def _pool(importer: Importer, record: Record) -> None:
    axes = _axes(importer, record)
    kernel = ints(importer, record, "kernel_shape", None, axes)
    strides = ints(importer, record, "strides", [1] * axes, axes)
    dilations = ints(importer, record, "dilations", [1] * axes, axes)
    if min(kernel + strides + dilations) < 1:
        raise wrong(importer, record, "a kernel, a stride and a dilation are at least 1")
    common: dict[str, Any] = {
        "kernel": tuple(kernel),
        "stride": tuple(strides),
        "dilation": tuple(dilations),
        "pads": _pads(importer, record, kernel),
        "ceil_mode": bool(integer(importer, record, "ceil_mode", 0)),
    }
    if record.target == "AveragePool":
        counted = bool(integer(importer, record, "count_include_pad", 0))
        pool(importer, record, AvgPool, include_pad=counted, **common)
    elif record.target == "LpPool":
        pool(importer, record, LpPool, p=decimal(record.attributes.get("p", 2)), **common)
    else:
        pool(importer, record, MaxPool, **common)
        if len(record.outputs) > 1 and importer.readers[record.outputs[1]]:
            pool(importer, record, MaxPool, indices=True, output=1, **common)


@rule("MaxUnpool")
def _unpool(importer: Importer, record: Record) -> None:
    axes = _axes(importer, record)
    shape = importer.source(record.inputs[0]).shape
    kernel = ints(importer, record, "kernel_shape", None, axes)
    strides = ints(importer, record, "strides", [1] * axes, axes)
    pads = _pads(importer, record, kernel)
    if operand(record, 2):
        size = [int(each) for each in importer.numbers(record.inputs[2])][-axes:]
    else:
        size = [
            (shape[2 + axis] - 1) * strides[axis] - pads[axis] - pads[axis + axes] + kernel[axis]
            for axis in range(axes)
        ]
    unpool(importer, record, size)
