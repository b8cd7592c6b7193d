"""Operators by the name they have in architecture files.

A new operator is a class in one of these files (or a new file) and its line below.
"""

from __future__ import annotations

from functools import partial

from memsim.network.ops import (
    arrange,
    conv,
    convert,
    linear,
    norm,
    opaque,
    parametric,
    pointwise,
    pool,
    reduce,
    sampling,
    shape,
)
from memsim.network.ops.base import Operator, Shape, ShapeError, Shapes
from memsim.registry import Registry

OPERATORS: Registry[type[Operator]] = Registry("operator")
"""Every operator class by its ``kind``."""

_operators: tuple[type[Operator] | str, ...] = (
    shape.Input,
    conv.Conv,
    conv.ConvTranspose,
    conv.ComputedConv,
    linear.Linear,
    linear.MatMul,
    linear.Attention,
    linear.Rnn,
    linear.Gru,
    linear.Lstm,
    shape.Parameter,
    pool.MaxPool,
    pool.AvgPool,
    pool.LpPool,
    pool.MaxUnpool,
    pool.AdaptiveAvgPool,
    pool.AdaptiveMaxPool,
    pool.GlobalAvgPool,
    pool.GlobalMaxPool,
    pointwise.BatchNorm,
    pointwise.Relu,
    pointwise.Relu6,
    pointwise.LeakyRelu,
    pointwise.Sigmoid,
    pointwise.Tanh,
    pointwise.Silu,
    pointwise.Hardswish,
    pointwise.Hardsigmoid,
    pointwise.Gelu,
    pointwise.Complement,
    pointwise.Add,
    pointwise.Mul,
    *pointwise.NAMED,  # by kind: these are made when they are used
    pointwise.Clamp,
    pointwise.Pow,
    parametric.Parametric,
    parametric.PRelu,
    parametric.ScaleShift,
    pointwise.Scale,
    convert.Quantize,
    convert.DynamicQuantize,
    convert.Dequantize,
    convert.Cast,
    arrange.Concat,
    arrange.Slice,
    arrange.Flatten,
    arrange.Reshape,
    arrange.Permute,
    norm.Softmax,
    norm.LogSoftmax,
    norm.LayerNorm,
    norm.RmsNorm,
    norm.GroupNorm,
    norm.InstanceNorm,
    norm.LocalResponseNorm,
    norm.Normalize,
    reduce.Reduce,
    shape.Upsample,
    shape.Expand,
    shape.Tile,
    shape.ChannelShuffle,
    shape.PixelShuffle,
    shape.PixelUnshuffle,
    arrange.Pad,
    arrange.Roll,
    arrange.Flip,
    sampling.Gather,
    sampling.Embedding,
    sampling.Elements,
    sampling.Scatter,
    sampling.Sliding,
    sampling.Im2col,
    sampling.Col2im,
    conv.DeformConv,
    sampling.GridSample,
    sampling.RoiAlign,
    sampling.Chosen,
    shape.Dropout,
    shape.Identity,
    opaque.Opaque,
)
for _operator in _operators:
    if isinstance(_operator, str):
        OPERATORS.add_later(_operator, partial(pointwise.named, _operator))
    else:
        OPERATORS.add(_operator.kind, _operator)

__all__ = ["OPERATORS", "Operator", "Shape", "ShapeError", "Shapes"]
