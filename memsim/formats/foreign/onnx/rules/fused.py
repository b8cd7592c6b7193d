"""What ONNX Runtime writes where it has fused operators, or laid tensors out anew.

What its documentation of contributed operators says each computes is written out here as operators
of ONNX: the bytes between the parts that a lowering fuses as well are none, and a sum that a
layer norm reads is a tensor, as it is wherever the sum is read again. Kernels that take their
channels last are plain ones between two permutations, which a compiler leaves to the readers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.layers.elementwise import elementwise
from memsim.formats.foreign.onnx.arguments import RULES, as_another, decimal, integer, operand, rule
from memsim.formats.foreign.parts import Parts
from memsim.formats.foreign.records import Record, Unsupported
from memsim.network.ops.pointwise import Scale

MS = "com.microsoft."
BLOCKED = "com.microsoft.nchwc."

SAME: Mapping[str, tuple[str, tuple[int, ...]]] = {
    f"{MS}Pad": ("Pad", (0, 1, 2)),
    f"{MS}GatherND": ("GatherND", (0, 1)),
    f"{MS}GridSample": ("GridSample", (0, 1)),
    f"{MS}Trilu": ("Trilu", (0, 1)),
    f"{MS}MulInteger": ("Mul", (0, 2)),
    f"{MS}ReduceSumInteger": ("ReduceSum", (0,)),
    f"{MS}QLinearWhere": ("Where", (0, 1, 4)),
    f"{MS}QAttention": (f"{MS}Attention", (0, 1, 2, 5, 8)),
    f"{BLOCKED}MaxPool": ("MaxPool", (0,)),
    f"{BLOCKED}AveragePool": ("AveragePool", (0,)),
    f"{BLOCKED}GlobalAveragePool": ("GlobalAveragePool", (0,)),
    f"{BLOCKED}GlobalMaxPool": ("GlobalMaxPool", (0,)),
}
"""Operators that are one of ONNX's, which inputs are its own."""


@rule(*SAME)
def _same(importer: Importer, record: Record) -> None:
    as_another(importer, record, *SAME[record.target])


# -- convolutions -------------------------------------------------------------------------------


def _activated(parts: Parts, name: str, parameters: list[Any]) -> str:
    """What the activation of a fused operator makes of its result."""
    activation = parts.record.attributes.get("activation", "")
    if not activation:
        return name
    given: dict[str, Any] = {}
    if activation in ("LeakyRelu", "Elu", "ThresholdedRelu") and parameters:
        given = {"alpha": parameters[0]}
    elif activation == "Clip":
        given = dict(zip(("min", "max"), map(decimal, parameters), strict=False))
    elif activation == "HardSigmoid":
        given = dict(zip(("alpha", "beta"), parameters, strict=False))
    return parts(activation, name, scope="activation", **given)


def _turned(parts: Parts, name: str, *, last: bool) -> str:
    """A tensor with its channels last, or (from there) with them first."""
    rank = len(parts.shape(name))
    order = [0, *range(2, rank), 1] if last else [0, rank - 1, *range(1, rank - 1)]
    return parts("Transpose", name, perm=order, scope="layout")


def _weight(parts: Parts, name: str, channels: int) -> str:
    """A kernel with its input channels in front of its places, wherever the file has them."""
    shape, groups = parts.shape(name), integer(parts.importer, parts.record, "group", 1)
    if shape[1] * groups != channels and shape[-1] * groups == channels:
        return _turned(parts, name, last=False)
    return name


@rule(f"{MS}FusedConv", f"{MS}NhwcFusedConv", f"{MS}NhwcConv", f"{BLOCKED}Conv")
def _conv(importer: Importer, record: Record) -> None:
    about = {name: value for name, value in record.attributes.items() if "activation" not in name}
    last = "Nhwc" in record.target
    with Parts(importer, record) as parts:
        names = [operand(record, number) for number in range(4)]
        if last:
            names[0] = _turned(parts, names[0], last=False)
            names[1] = _weight(parts, names[1], parts.shape(names[0])[1])
        bias = [names[2]] if names[2] else []
        found = parts("Conv", names[0], names[1], *bias, scope="conv", **about)
        if names[3]:
            more = _turned(parts, names[3], last=False) if last else names[3]
            found = parts("Add", found, more, scope="add")
        found = _activated(parts, found, record.attributes.get("activation_params", []))
        parts.give(_turned(parts, found, last=True) if last else found)


@rule(f"{BLOCKED}ReorderInput", f"{BLOCKED}ReorderOutput")
def _reordered(importer: Importer, record: Record) -> None:
    """A copy in another layout; what was filled up to whole blocks of channels is cut off."""
    last = bool(integer(importer, record, "channels_last", 0))
    with Parts(importer, record) as parts:
        name = record.inputs[0]
        into = record.target.endswith("ReorderInput")
        name = _turned(parts, name, last=False) if last and into else name
        copy = f"{record.outputs[0]}/copy"
        elementwise(importer, replace(record, outputs=(copy,), attributes={}), Scale(), name)
        channels = integer(importer, record, "channels", parts.shape(copy)[1])
        if channels != parts.shape(copy)[1]:
            copy = parts.cut(copy, 1, 0, channels)
        parts.give(_turned(parts, copy, last=True) if last and not into else copy)


@rule(f"{MS}NhwcMaxPool")
def _max_pool(importer: Importer, record: Record) -> None:
    with Parts(importer, record) as parts:
        name = _turned(parts, record.inputs[0], last=False)
        parts.give(_turned(parts, parts("MaxPool", name, **record.attributes), last=True))


QUANTISED = {
    f"{MS}QLinearConv": ("Conv", (0, 3, 8)),
    f"{MS}QLinearAveragePool": ("AveragePool", (0,)),
    f"{MS}QLinearGlobalAveragePool": ("GlobalAveragePool", (0,)),
}


@rule(*QUANTISED)
def _channels_last(importer: Importer, record: Record) -> None:
    target, own = QUANTISED[record.target]
    names = [name for name in (operand(record, number) for number in own) if name]
    last = bool(integer(importer, record, "channels_last", 0))
    if not last:
        RULES[target](importer, replace(record, target=target, inputs=tuple(names)))
        return
    with Parts(importer, record) as parts:
        names[0] = _turned(parts, names[0], last=False)
        if target == "Conv":
            names[1] = _weight(parts, names[1], parts.shape(names[0])[1])
        parts.give(_turned(parts, parts(target, *names, **record.attributes), last=True))


# -- norms --------------------------------------------------------------------------------------


@rule(f"{MS}SkipLayerNormalization", f"{MS}SkipSimplifiedLayerNormalization")
def _skip_norm(importer: Importer, record: Record) -> None:
    simple = "Simplified" in record.target
    target = "SimplifiedLayerNormalization" if simple else "LayerNormalization"
    with Parts(importer, record) as parts:
        if parts.read(1) or parts.read(2):
            raise Unsupported  # for training
        name, bias = record.inputs[0], operand(record, 3 if simple else 4)
        if bias:
            name = parts("Add", name, bias, scope="bias")
        total = parts("Add", name, record.inputs[1], scope="sum")
        learned = [record.inputs[2]] + ([operand(record, 3)] if not simple else [])
        learned = learned if learned[-1] else learned[:-1]
        parts.give(parts(target, total, *learned, scope="norm", axis=-1))
        if parts.read(3):
            parts.give(total, 3)


@rule(f"{MS}EmbedLayerNormalization")
def _embedding(importer: Importer, record: Record) -> None:
    """Rows of tables for words, places and segments, their sum, and its layer norm."""
    words, segments, places = record.inputs[0], operand(record, 1), operand(record, 8)
    with Parts(importer, record) as parts:
        total = parts("Gather", record.inputs[2], words, scope="words")
        table = record.inputs[3]
        if places:
            table = parts("Gather", table, places, scope="places")
        else:
            count = parts.shape(words)[1]
            table = parts.cut(table, 0, 0, count)
        total = parts("Add", total, table, scope="sum")
        if segments and operand(record, 4):
            rows = parts("Gather", record.inputs[4], segments, scope="segments")
            total = parts("Add", total, rows, scope="sum")
        parts.give(parts("LayerNormalization", total, *record.inputs[5:7], scope="norm", axis=-1))
        if parts.read(1):
            mask = operand(record, 7)
            if not mask:
                raise Unsupported
            parts.give(parts("ReduceSum", mask, axes=[1], keepdims=0, scope="mask"), 1)
        if parts.read(2):
            parts.give(total, 2)


@rule(f"{MS}GroupNorm", f"{MS}SkipGroupNorm")
def _group_norm(importer: Importer, record: Record) -> None:
    last = bool(integer(importer, record, "channels_last", 1))
    groups = integer(importer, record, "groups", 1)
    with Parts(importer, record) as parts:
        name = record.inputs[0]
        if record.target.endswith("SkipGroupNorm"):
            if operand(record, 4):
                name = parts("Add", name, record.inputs[4], scope="bias")
            skip = record.inputs[3]
            if len(parts.shape(skip)) == 2:  # one number for each image and channel
                images, channels = parts.shape(skip)
                places = [1] * (len(parts.shape(name)) - 2)
                shape = [images, *places, channels] if last else [images, channels, *places]
                skip = parts("Reshape", skip, shape=shape)
            name = parts("Add", name, skip, scope="sum")
            if parts.read(1):
                parts.give(name, 1)
        name = _turned(parts, name, last=False) if last else name
        norm = parts("GroupNormalization", name, *record.inputs[1:3], num_groups=groups)
        if integer(importer, record, "activation", 0):
            norm = parts("Silu", norm, scope="activation")
        parts.give(_turned(parts, norm, last=True) if last else norm)


# -- products and activations -------------------------------------------------------------------


@rule(f"{MS}FusedMatMul", f"{MS}TransposeMatMul", f"{MS}FusedMatMulActivation")
def _matmul(importer: Importer, record: Record) -> None:
    if any(integer(importer, record, f"transBatch{which}", 0) for which in "AB"):
        raise Unsupported
    with Parts(importer, record) as parts:
        names = []
        for name, which in zip(record.inputs, "AB", strict=True):
            rank = len(parts.shape(name))
            if integer(importer, record, f"trans{which}", 0) and rank > 1:
                order = [*range(rank - 2), rank - 1, rank - 2]
                name = parts("Transpose", name, perm=order)
            names.append(name)
        found = parts("MatMul", *names, scope="product")
        alpha = record.attributes.get("activation_alpha")
        parts.give(_activated(parts, found, [] if alpha is None else [alpha]))


@rule(f"{MS}FusedGemm")
def _gemm(importer: Importer, record: Record) -> None:
    about = {name: value for name, value in record.attributes.items() if "activation" not in name}
    with Parts(importer, record) as parts:
        found = parts("Gemm", *record.inputs, scope="product", **about)
        alpha = record.attributes.get("activation_alpha")
        parts.give(_activated(parts, found, [] if alpha is None else [alpha]))


CHAINS: Mapping[str, tuple[tuple[str, int], ...]] = {
    f"{MS}BiasGelu": (("Add", 1), ("Gelu", 0)),
    f"{MS}FastGelu": (("Add", 1), ("Gelu", 0)),
    f"{MS}BiasSoftmax": (("Add", 1), ("Softmax", 0)),
    f"{MS}BiasAdd": (("Add", 1), ("Add", 2)),
    f"{MS}GemmFastGelu": (("MatMul", 1), ("Add", 2), ("Gelu", 0)),
    "SwiGLU": (("Silu", 0), ("Mul", 1)),
}
"""Operators one after the other, each with an input of its own (0: none); one left out is none."""


@rule(*CHAINS)
def _chain(importer: Importer, record: Record) -> None:
    with Parts(importer, record) as parts:
        name = record.inputs[0]
        for target, position in CHAINS[record.target]:
            own = operand(record, position) if position else ""
            if own or not position:
                along = {"axis": record.attributes.get("axis", 1)} if target == "Softmax" else {}
                name = parts(target, name, *([own] if own else []), **along)
        parts.give(name)


@rule(f"{MS}BiasSplitGelu")
def _split_gelu(importer: Importer, record: Record) -> None:
    with Parts(importer, record) as parts:
        name = parts("Add", *record.inputs, scope="bias")
        half = parts.shape(name)[-1] // 2
        last = len(parts.shape(name)) - 1
        left, right = (parts.cut(name, last, start, start + half) for start in (0, half))
        parts.give(parts("Mul", left, parts("Gelu", right)))


@rule(f"{MS}ExpandDims")
def _expand_dims(importer: Importer, record: Record) -> None:
    axes = [int(each) for each in importer.numbers(record.inputs[1])]
    with Parts(importer, record) as parts:
        parts.give(parts("Unsqueeze", record.inputs[0], axes=axes))


# -- moves --------------------------------------------------------------------------------------


@rule("CenterCropPad")
def _center(importer: Importer, record: Record) -> None:
    with Parts(importer, record) as parts:
        name = record.inputs[0]
        rank = len(parts.shape(name))
        axes = [axis % rank for axis in record.attributes.get("axes", range(rank))]
        wanted = [int(each) for each in importer.numbers(record.inputs[1])]
        pads = [0] * (2 * rank)
        for axis, size in zip(axes, wanted, strict=True):
            more = size - parts.shape(name)[axis]
            if more < 0:
                start = -more // 2
                name = parts.cut(name, axis, start, start + size)
            elif more:
                pads[axis], pads[rank + axis] = more // 2, more - more // 2
        parts.give(parts("Pad", name, pads=pads) if any(pads) else name)


@rule("CausalConvWithState", f"{MS}CausalConvWithState")
def _causal(importer: Importer, record: Record) -> None:
    """A depthwise convolution of what was before and what is there, and what is kept of both."""
    past = operand(record, 3)
    with Parts(importer, record) as parts:
        name, weight = record.inputs[0], record.inputs[1]
        channels, kernel = parts.shape(name)[1], parts.shape(weight)[-1]
        if past and kernel > 1:
            name = parts("Concat", past, name, axis=2)
        elif kernel > 1:
            name = parts("Pad", name, pads=[0, 0, kernel - 1, 0, 0, 0])
        bias = [operand(record, 2)] if operand(record, 2) else []
        found = parts("Conv", name, weight, *bias, group=channels, scope="conv")
        if record.attributes.get("activation", "none") not in ("none", ""):
            found = parts("Silu", found, scope="activation")
        parts.give(found)
        if parts.read(1):
            size = parts.shape(name)[2]
            parts.give(parts.cut(name, 2, size - kernel + 1, size), 1)
