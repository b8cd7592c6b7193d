"""Operators by the name they have in architecture files.

A new operator is a class in one of these files (or a new file) and its line below. A class is
imported when a network has such a layer.
"""

from __future__ import annotations

from functools import partial

from memsim.network.ops import pointwise
from memsim.network.ops.base import Operator, Shape, ShapeError, Shapes
from memsim.registry import Registry

OPERATORS: Registry[type[Operator]] = Registry("operator")
"""Every operator class by its ``kind``."""

_HOMES = {
    "input": "shape:Input",
    "conv": "conv:Conv",
    "conv_transpose": "conv:ConvTranspose",
    "computed_conv": "conv:ComputedConv",
    "linear": "linear:Linear",
    "matmul": "linear:MatMul",
    "attention": "linear:Attention",
    "rnn": "linear:Rnn",
    "gru": "linear:Gru",
    "lstm": "linear:Lstm",
    "parameter": "shape:Parameter",
    "maxpool": "pool:MaxPool",
    "avgpool": "pool:AvgPool",
    "lppool": "pool:LpPool",
    "max_unpool": "pool:MaxUnpool",
    "adaptive_avgpool": "pool:AdaptiveAvgPool",
    "adaptive_maxpool": "pool:AdaptiveMaxPool",
    "global_avgpool": "pool:GlobalAvgPool",
    "global_maxpool": "pool:GlobalMaxPool",
    "batchnorm": "pointwise:BatchNorm",
    "relu": "pointwise:Relu",
    "relu6": "pointwise:Relu6",
    "leaky_relu": "pointwise:LeakyRelu",
    "sigmoid": "pointwise:Sigmoid",
    "tanh": "pointwise:Tanh",
    "silu": "pointwise:Silu",
    "hardswish": "pointwise:Hardswish",
    "hardsigmoid": "pointwise:Hardsigmoid",
    "gelu": "pointwise:Gelu",
    "complement": "pointwise:Complement",
    "add": "pointwise:Add",
    "mul": "pointwise:Mul",
    **dict.fromkeys(pointwise.NAMED, ""),  # these are made when they are used
    "clamp": "pointwise:Clamp",
    "pow": "pointwise:Pow",
    "parametric": "parametric:Parametric",
    "prelu": "parametric:PRelu",
    "scale_shift": "parametric:ScaleShift",
    "scale": "pointwise:Scale",
    "quantize": "convert:Quantize",
    "dynamic_quantize": "convert:DynamicQuantize",
    "dequantize": "convert:Dequantize",
    "cast": "convert:Cast",
    "concat": "arrange:Concat",
    "slice": "arrange:Slice",
    "flatten": "arrange:Flatten",
    "reshape": "arrange:Reshape",
    "permute": "arrange:Permute",
    "softmax": "norm:Softmax",
    "log_softmax": "norm:LogSoftmax",
    "layernorm": "norm:LayerNorm",
    "rms_norm": "norm:RmsNorm",
    "group_norm": "norm:GroupNorm",
    "instance_norm": "norm:InstanceNorm",
    "lrn": "norm:LocalResponseNorm",
    "normalize": "norm:Normalize",
    "reduce": "norm:Reduce",
    "upsample": "shape:Upsample",
    "expand": "shape:Expand",
    "tile": "shape:Tile",
    "channel_shuffle": "shape:ChannelShuffle",
    "pixel_shuffle": "shape:PixelShuffle",
    "pixel_unshuffle": "shape:PixelUnshuffle",
    "pad": "arrange:Pad",
    "roll": "arrange:Roll",
    "flip": "arrange:Flip",
    "gather": "sampling:Gather",
    "embedding": "sampling:Embedding",
    "gather_elements": "sampling:Elements",
    "scatter": "sampling:Scatter",
    "windows": "sampling:Sliding",
    "im2col": "sampling:Im2col",
    "col2im": "sampling:Col2im",
    "deform_conv": "conv:DeformConv",
    "grid_sample": "sampling:GridSample",
    "roi_align": "sampling:RoiAlign",
    "chosen": "sampling:Chosen",
    "dropout": "shape:Dropout",
    "identity": "shape:Identity",
    "opaque": "opaque:Opaque",
}
"""Each operator by its ``kind``: the module in this room and the class."""

for _kind, _home in _HOMES.items():
    if _home:
        OPERATORS.add_home(_kind, f"memsim.network.ops.{_home}")
    else:
        OPERATORS.add_later(_kind, partial(pointwise.named, _kind))

__all__ = ["OPERATORS", "Operator", "Shape", "ShapeError", "Shapes"]
