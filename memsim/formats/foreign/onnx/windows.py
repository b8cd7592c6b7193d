"""ONNX's convolutions and pools."""

from __future__ import annotations

from typing import Any

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.onnx.arguments import integer, ints, operand, rule, wrong
from memsim.formats.foreign.records import NO_PADS, Record, Unsupported
from memsim.formats.foreign.windows import convolution, pool, transposed
from memsim.network.ops.base import sides
from memsim.network.ops.pool import AvgPool, MaxPool
from memsim.yaml.document import shown


def _pads(importer: Importer, record: Record, kernel: list[int]) -> tuple[int, int, int, int]:
    """Padding, with what ``auto_pad`` means for this input."""
    automatic = record.attributes.get("auto_pad", "NOTSET")
    if automatic in ("NOTSET", "", "VALID"):
        pads = ints(importer, record, "pads", [0, 0, 0, 0], 4)
        return NO_PADS if automatic == "VALID" else sides(tuple(pads))
    if automatic not in ("SAME_UPPER", "SAME_LOWER"):
        raise wrong(importer, record, f"has the unknown auto_pad {shown(automatic)}")
    strides = ints(importer, record, "strides", [1, 1], 2)
    dilations = ints(importer, record, "dilations", [1, 1], 2)
    first, last = [], []
    for axis in (0, 1):
        size = importer.source(record.inputs[0]).shape[2 + axis]
        step = max(strides[axis], 1)
        reach = dilations[axis] * (kernel[axis] - 1) + 1
        total = max((-(-size // step) - 1) * step + reach - size, 0)
        less, more = total // 2, total - total // 2
        first.append(less if automatic == "SAME_UPPER" else more)
        last.append(more if automatic == "SAME_UPPER" else less)
    return (first[0], first[1], last[0], last[1])


@rule("Conv", "ConvTranspose")
def _conv(importer: Importer, record: Record) -> None:
    shape = importer.source(record.inputs[0]).shape
    weight = importer.constant(operand(record, 1)).shape
    if len(shape) != 4 or len(weight) != 4:
        raise Unsupported  # one or three spatial axes
    groups = integer(importer, record, "group", 1)
    kernel = ints(importer, record, "kernel_shape", list(weight[2:]), 2)
    if tuple(kernel) != weight[2:]:
        message = f"kernel_shape {shown(kernel)} differs from the weight's {shown(list(weight))}"
        raise wrong(importer, record, message)
    is_transposed = record.target == "ConvTranspose"
    expected = weight[0] if is_transposed else weight[1] * groups
    if shape[1] != expected:
        message = f"its weight takes {expected} channels, its input has {shape[1]}"
        raise wrong(importer, record, message)
    strides = ints(importer, record, "strides", [1, 1], 2)
    dilations = ints(importer, record, "dilations", [1, 1], 2)
    common: dict[str, Any] = {
        "kernel": (kernel[0], kernel[1]),
        "stride": (strides[0], strides[1]),
        "dilation": (dilations[0], dilations[1]),
        "groups": groups,
        "bias": bool(operand(record, 2)),
    }
    if not is_transposed:
        pads = _pads(importer, record, kernel)
        convolution(importer, record, out=weight[0], pads=pads, **common)
        return
    extra = ints(importer, record, "output_padding", [0, 0], 2)
    if record.attributes.get("auto_pad", "NOTSET") not in ("NOTSET", "", "VALID") or (
        "output_shape" in record.attributes
    ):
        wanted = ints(importer, record, "output_shape", [], 0)[-2:]
        wanted = wanted or [shape[2] * strides[0], shape[3] * strides[1]]
        first, last = [], []
        for axis in (0, 1):
            reach = dilations[axis] * (kernel[axis] - 1) + 1
            total = (shape[2 + axis] - 1) * strides[axis] + reach + extra[axis] - wanted[axis]
            extra[axis] += max(-total, 0)
            total = max(total, 0)
            upper = record.attributes.get("auto_pad") == "SAME_UPPER"
            first.append(total // 2 if upper else total - total // 2)
            last.append(total - first[-1])
        pads = (first[0], first[1], last[0], last[1])
    else:
        pads = _pads(importer, record, kernel)
    transposed(
        importer,
        record,
        out=weight[1] * groups,
        pads=pads,
        output_padding=(extra[0], extra[1]),
        **common,
    )


@rule("MaxPool", "AveragePool")
def _pool(importer: Importer, record: Record) -> None:
    if len(importer.source(record.inputs[0]).shape) != 4:
        raise Unsupported
    kernel = ints(importer, record, "kernel_shape", None, 2)
    strides = ints(importer, record, "strides", [1, 1], 2)
    if ints(importer, record, "dilations", [1, 1], 2) != [1, 1]:
        raise Unsupported
    if min(kernel + strides) < 1:
        raise wrong(importer, record, "a kernel and a stride are at least 1")
    pool(
        importer,
        record,
        MaxPool if record.target == "MaxPool" else AvgPool,
        kernel=(kernel[0], kernel[1]),
        stride=(strides[0], strides[1]),
        pads=_pads(importer, record, kernel),
        ceil_mode=bool(integer(importer, record, "ceil_mode", 0)),
    )
