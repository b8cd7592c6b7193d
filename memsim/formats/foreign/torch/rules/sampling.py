"""ATen operators that choose elements by numbers, or put some to where numbers say."""

from __future__ import annotations

from dataclasses import replace

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.layers.moves import expand
from memsim.formats.foreign.layers.sampled import (
    chosen,
    col2im,
    deformed,
    gather,
    grid_sample,
    im2col,
    roi_align,
    scatter,
    take,
)
from memsim.formats.foreign.records import Record, Unsupported
from memsim.formats.foreign.torch.rules.arguments import axis_of, rule, sizes_of


@rule("index_select")
def _index_select(importer: Importer, record: Record) -> None:
    source, index = record.inputs[0], record.inputs[-1]
    gather(importer, record, source, index, axis_of(record, importer))


@rule("embedding")
def _embedding(importer: Importer, record: Record) -> None:
    gather(importer, record, record.inputs[0], record.inputs[1], 0)


@rule("index")
def _index(importer: Importer, record: Record) -> None:
    numbered = [(axis, name) for axis, name in enumerate(record.inputs[1:]) if name]
    if len(numbered) == 1 and record.shapes[0] is not None:
        ((axis, name),) = numbered
        gather(importer, record, record.inputs[0], name, axis)
        return
    _take(importer, record)


@rule("gather", "take", "take_along_dim", "masked_select")
def _take(importer: Importer, record: Record) -> None:
    if record.shapes[0] is None:
        raise Unsupported
    take(importer, record, record.shapes[0])


@rule(
    "scatter", "scatter_add", "scatter_reduce", "slice_scatter", "select_scatter", "index_put",
    "index_copy", "index_add", "index_fill", "diagonal_scatter", "masked_scatter",
    "_index_put_impl",
)  # fmt: skip
def _scatter(importer: Importer, record: Record) -> None:
    scatter(importer, record)


@rule("copy")
def _copy(importer: Importer, record: Record) -> None:
    shape, name = record.shapes[0], record.inputs[1]
    if shape is None or name in importer.constants:
        raise Unsupported
    if importer.source(name).shape == shape:
        importer.values[record.outputs[0]] = importer.source(name)
    else:
        expand(importer, replace(record, inputs=(name,)), shape)


@rule("im2col")
def _im2col(importer: Importer, record: Record) -> None:
    names = {"kernel": "kernel_size", "dilation": "dilation", "padding": "padding",
             "stride": "stride"}  # fmt: skip
    im2col(importer, record, **{
        name: sizes_of(record.attributes[given], 2) for name, given in names.items()
    })  # fmt: skip


@rule("col2im")
def _col2im(importer: Importer, record: Record) -> None:
    names = {"size": "output_size", "kernel": "kernel_size", "dilation": "dilation",
             "padding": "padding", "stride": "stride"}  # fmt: skip
    col2im(importer, record, **{
        name: sizes_of(record.attributes[given], 2) for name, given in names.items()
    })  # fmt: skip


@rule("grid_sampler", "grid_sampler_2d", "grid_sampler_3d")
def _grid_sample(importer: Importer, record: Record) -> None:
    attributes = record.attributes
    grid_sample(
        importer,
        record,
        mode=("bilinear", "nearest", "bicubic")[attributes["interpolation_mode"]],
        border=("zeros", "border", "reflection")[attributes["padding_mode"]],
        corners=bool(attributes["align_corners"]),
    )


@rule("torchvision::roi_align", "torchvision::roi_pool")
def _roi_align(importer: Importer, record: Record) -> None:
    attributes = record.attributes
    size = attributes["pooled_height"], attributes["pooled_width"]
    ratio = attributes.get("sampling_ratio") or 0
    maximum = record.target.endswith("pool")
    roi_align(importer, record, size, samples=ratio**2 if ratio > 0 else 4, maximum=maximum)


@rule("torchvision::deform_conv2d")
def _deformed(importer: Importer, record: Record) -> None:
    about = record.attributes
    names, weights = [record.inputs[0], record.inputs[2]], [record.inputs[1]]
    if about["use_mask"]:
        names.append(record.inputs[3])
    if importer.constant(record.inputs[4]).learned:  # zeros stand for none
        weights.append(record.inputs[4])
    high, wide = about["pad_h"], about["pad_w"]
    deformed(
        importer, record, names, weights, padding=(high, wide, high, wide),
        stride=(about["stride_h"], about["stride_w"]), groups=about["groups"],
        dilation=(about["dilation_h"], about["dilation_w"]),
    )  # fmt: skip


HOW = {
    "torchvision::nms": "nms", "topk": "topk", "sort": "sort", "argsort": "sort",
    "cumsum": "cumsum", "cumprod": "cumsum",
    "cummax": "cumsum", "cummin": "cumsum", "logcumsumexp": "cumsum", "median": "sort",
    "nanmedian": "sort", "mode": "sort", "kthvalue": "sort", "msort": "sort", "histc": "sort",
    "one_hot": "one_hot", "tril": "mask", "triu": "mask",
    "affine_grid_generator": "grid",
}  # fmt: skip


@rule(*HOW)
def _chosen(importer: Importer, record: Record) -> None:
    chosen(importer, record, HOW[record.target])
