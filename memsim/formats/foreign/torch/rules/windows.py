"""Convolutions, pools and resizing in ATen, over one to three spatial axes."""

from __future__ import annotations

from typing import Any

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.layers.moves import resize
from memsim.formats.foreign.layers.windows import (
    adaptive,
    computed,
    convolution,
    pool,
    transposed,
    unpool,
)
from memsim.formats.foreign.records import Record, Unsupported
from memsim.formats.foreign.torch.rules.arguments import given, rule, sizes_of
from memsim.network.ops.pool import AvgPool, MaxPool


@rule(
    "conv1d", "conv2d", "conv3d", "convolution", "_convolution",
    "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
)  # fmt: skip
def _conv(importer: Importer, record: Record) -> None:
    is_computed = record.inputs[1] not in importer.constants
    named = importer.source if is_computed else importer.constant
    weight = named(record.inputs[1]).shape
    axes = len(weight) - 2
    if axes not in (1, 2, 3) or len(importer.source(record.inputs[0]).shape) != axes + 2:
        raise Unsupported
    attributes = record.attributes
    common: dict[str, Any] = {
        "kernel": weight[2:],
        "stride": sizes_of(attributes["stride"], axes),
        "dilation": sizes_of(attributes["dilation"], axes),
        "groups": attributes["groups"],
        "bias": given(record, 2),
    }
    if attributes.get("transposed", record.target.startswith("conv_transpose")):
        if is_computed:
            raise Unsupported
        transposed(
            importer,
            record,
            out=weight[1] * attributes["groups"],
            pads=sizes_of(attributes["padding"], axes) * 2,
            output_padding=sizes_of(attributes["output_padding"], axes),
            **common,
        )
        return
    padding = attributes["padding"]
    if padding in ("same", "valid"):
        reach = zip(common["dilation"], weight[2:], strict=True)
        totals = [step * (size - 1) if padding == "same" else 0 for step, size in reach]
        pads = (*(each // 2 for each in totals), *(each - each // 2 for each in totals))
    else:
        pads = sizes_of(padding, axes) * 2
    if is_computed:
        del common["kernel"]
        common["bias"] = record.inputs[2] if given(record, 2) else ""
        computed(importer, record, weight, pads=pads, **common)
    else:
        convolution(importer, record, out=weight[0], pads=pads, **common)


@rule(
    "max_pool1d", "max_pool2d", "max_pool3d", "max_pool1d_with_indices", "max_pool2d_with_indices",
    "max_pool3d_with_indices", "avg_pool1d", "avg_pool2d", "avg_pool3d",
)  # fmt: skip
def _pool(importer: Importer, record: Record) -> None:
    attributes = record.attributes
    axes = int(record.target.partition("pool")[2][0])
    kernel = sizes_of(attributes["kernel_size"], axes)
    common: dict[str, Any] = {
        "kernel": kernel,
        "stride": sizes_of(attributes.get("stride"), axes, kernel),
        "pads": sizes_of(attributes.get("padding", 0), axes) * 2,
        "ceil_mode": bool(attributes.get("ceil_mode", False)),
        "dilation": sizes_of(attributes.get("dilation"), axes, 1),
    }
    if record.target.startswith("avg"):
        if attributes.get("divisor_override") not in (None, 0):
            raise Unsupported
        counted = bool(attributes.get("count_include_pad", True))
        pool(importer, record, AvgPool, include_pad=counted, **common)
        return
    pool(importer, record, MaxPool, **common)
    if len(record.outputs) > 1 and importer.readers[record.outputs[1]]:
        pool(importer, record, MaxPool, indices=True, output=1, **common)


@rule("max_unpool2d", "max_unpool3d")
def _unpool(importer: Importer, record: Record) -> None:
    unpool(importer, record, record.attributes["output_size"])


@rule(
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "_adaptive_avg_pool2d",
    "_adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d",
)  # fmt: skip
def _adaptive(importer: Importer, record: Record) -> None:
    axes = int(record.target.partition("pool")[2][0])
    size = sizes_of(record.attributes["output_size"], axes)
    adaptive(importer, record, size, maximum="max" in record.target)


MODES = {
    "upsample_nearest": "nearest",
    "_upsample_nearest_exact": "nearest-exact",
    "upsample_linear": "bilinear",
    "upsample_bilinear": "bilinear",
    "upsample_trilinear": "bilinear",
    "upsample_bicubic": "bicubic",
    "_upsample_bilinear2d_aa": "bilinear",
    "_upsample_bicubic2d_aa": "bicubic",
}
"""Modes by operator, without the number of its spatial axes."""


@rule(
    "upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "_upsample_nearest_exact1d",
    "_upsample_nearest_exact2d", "_upsample_nearest_exact3d", "upsample_linear1d",
    "upsample_bilinear2d", "upsample_trilinear3d", "upsample_bicubic2d", "_upsample_bilinear2d_aa",
    "_upsample_bicubic2d_aa",
)  # fmt: skip
def _upsample(importer: Importer, record: Record) -> None:
    attributes = record.attributes
    factors = attributes.get("scale_factors") or [
        attributes[name]
        for name in ("scales", "scales_d", "scales_h", "scales_w")
        if attributes.get(name) is not None
    ]
    shape = record.shapes[0]
    if shape is None or len(shape) != len(importer.source(record.inputs[0]).shape):
        raise Unsupported
    axes = len(shape) - 2
    name = record.target
    whole = len(factors) == axes and all(each and each == int(each) for each in factors)
    resize(
        importer,
        record,
        size=shape[2:],
        mode=MODES.get(name) or MODES[name[:-2]],
        scaled=whole,
        coordinates="align_corners" if attributes.get("align_corners") else None,
        antialias=name.endswith("_aa"),
    )
