"""Convolutions, pools and resizing in ATen."""

from __future__ import annotations

from typing import Any

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.moves import resize
from memsim.formats.foreign.records import Record, Unsupported
from memsim.formats.foreign.torch.rules.arguments import given, pads_of, rule, two
from memsim.formats.foreign.windows import convolution, pool, transposed
from memsim.network.ops import OPERATORS
from memsim.network.ops.base import sides
from memsim.network.ops.pool import AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, MaxPool


@rule("conv2d", "convolution", "_convolution", "conv_transpose2d")
def _conv(importer: Importer, record: Record) -> None:
    weight = importer.constant(record.inputs[1]).shape
    if len(weight) != 4 or len(importer.source(record.inputs[0]).shape) != 4:
        raise Unsupported
    attributes = record.attributes
    common: dict[str, Any] = {
        "kernel": (weight[2], weight[3]),
        "stride": two(attributes["stride"]),
        "dilation": two(attributes["dilation"]),
        "groups": attributes["groups"],
        "bias": given(record, 2),
    }
    if attributes.get("transposed", record.target == "conv_transpose2d"):
        transposed(
            importer,
            record,
            out=weight[1] * attributes["groups"],
            pads=pads_of(attributes["padding"]),
            output_padding=two(attributes["output_padding"]),
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
        padded = pads_of(padding)
    convolution(importer, record, out=weight[0], pads=padded, **common)


@rule("max_pool2d", "max_pool2d_with_indices", "avg_pool2d")
def _pool(importer: Importer, record: Record) -> None:
    attributes = record.attributes
    if two(attributes.get("dilation"), 1) != (1, 1):
        raise Unsupported
    kernel = two(attributes["kernel_size"])
    kind = AvgPool if record.target == "avg_pool2d" else MaxPool
    pool(
        importer,
        record,
        kind,
        kernel=kernel,
        stride=two(attributes.get("stride"), kernel),
        pads=pads_of(attributes.get("padding", 0)),
        ceil_mode=bool(attributes.get("ceil_mode", False)),
    )


@rule(
    "adaptive_avg_pool2d", "_adaptive_avg_pool2d", "adaptive_max_pool2d"
)  # fmt: skip
def _adaptive(importer: Importer, record: Record) -> None:
    maximum = record.target == "adaptive_max_pool2d"
    size = two(record.attributes["output_size"])
    if size == (1, 1):
        op = OPERATORS["global_maxpool" if maximum else "global_avgpool"]()
    else:
        op = (AdaptiveMaxPool if maximum else AdaptiveAvgPool)(size=size)
    importer.emit(record, op, importer.layer(record.inputs[0]))


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
