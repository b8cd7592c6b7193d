"""ONNX's normalisations and reductions as memsim's."""

from __future__ import annotations

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.layers.elementwise import behind, elementwise, softmax
from memsim.formats.foreign.layers.reductions import normalize, reduction
from memsim.formats.foreign.onnx.arguments import axis_of, integer, ints, operand, rule, whole
from memsim.formats.foreign.records import Record, Unsupported
from memsim.network.ops import OPERATORS
from memsim.network.ops.norm import (
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    LocalResponseNorm,
    LogSoftmax,
    RmsNorm,
    Softmax,
)


def _rank(importer: Importer, record: Record) -> int:
    return len(importer.source(record.inputs[0]).shape)


@rule("LayerNormalization")
def _layer_norm(importer: Importer, record: Record) -> None:
    rank = _rank(importer, record)
    axis = axis_of(importer, record, -1, rank)
    scale, shift = bool(operand(record, 1)), bool(operand(record, 2))
    last = behind(importer, record.inputs[0], rank - axis)
    elementwise(importer, record, LayerNorm(axes=last, scale=scale, shift=shift))
    # The mean and the inverse of the deviation, where somebody reads them.
    for number, function in ((1, "mean"), (2, "std")):
        if len(record.outputs) > number and importer.readers[record.outputs[number]]:
            how = {"unbiased": False} if function == "std" else {}
            axes = range(axis, rank)
            reduction(importer, record, function, axes, kept=True, output=number, **how)


SIMPLE = ("RMSNormalization", "SimplifiedLayerNormalization")


@rule(*SIMPLE, *(f"com.microsoft.{name}" for name in SIMPLE))
def _rms_norm(importer: Importer, record: Record) -> None:
    rank = _rank(importer, record)
    axis = axis_of(importer, record, -1, rank)
    last = behind(importer, record.inputs[0], rank - axis)
    elementwise(importer, record, RmsNorm(axes=last, scale=bool(operand(record, 1))))


@rule("GroupNormalization")
def _group_norm(importer: Importer, record: Record) -> None:
    elementwise(importer, record, GroupNorm(groups=integer(importer, record, "num_groups", 1)))


@rule("InstanceNormalization")
def _instance_norm(importer: Importer, record: Record) -> None:
    elementwise(importer, record, InstanceNorm(scale=True, shift=True))


@rule("LRN")
def _lrn(importer: Importer, record: Record) -> None:
    elementwise(importer, record, LocalResponseNorm(size=integer(importer, record, "size", 0)))


@rule("MeanVarianceNormalization")
def _standard(importer: Importer, record: Record) -> None:
    rank = _rank(importer, record)
    axes = [axis % rank for axis in ints(importer, record, "axes", [0, 2, 3])]
    normalize(importer, record, axes, "deviation")


@rule("LpNormalization")
def _lp(importer: Importer, record: Record) -> None:
    by = {1: "l1", 2: "l2"}.get(integer(importer, record, "p", 2))
    if by is None:
        raise Unsupported
    rank = _rank(importer, record)
    normalize(importer, record, [axis_of(importer, record, -1, rank) % rank], by)


@rule("Softmax", "LogSoftmax")
def _softmax(importer: Importer, record: Record) -> None:
    kind = LogSoftmax if record.target == "LogSoftmax" else Softmax
    softmax(importer, record, axis_of(importer, record, -1, _rank(importer, record)), kind)


FUNCTIONS = {
    "ReduceMean": "mean",
    "ReduceSum": "sum",
    "ReduceMax": "max",
    "ReduceMin": "min",
    "ReduceProd": "prod",
    "ReduceL1": "l1",
    "ReduceL2": "l2",
    "ReduceLogSum": "logsum",
    "ReduceLogSumExp": "logsumexp",
    "ReduceSumSquare": "sumsquare",
}

ALONE = {"l1": "abs", "l2": "abs", "logsum": "log", "sumsquare": "square"}
"""What a function of one number is, where it changes it."""


@rule(*FUNCTIONS)
def _reduce(importer: Importer, record: Record) -> None:
    function = FUNCTIONS[record.target]
    axes = whole(importer, record, 1, "axes")
    if not axes and integer(importer, record, "noop_with_empty_axes", 0):
        if function in ALONE:
            elementwise(importer, record, OPERATORS[ALONE[function]]())
        else:
            importer.alias(record)
        return
    axes = axes or [*range(_rank(importer, record))]
    kept = bool(integer(importer, record, "keepdims", 1))
    reduction(importer, record, function, axes, kept=kept)


@rule("ArgMax", "ArgMin")
def _place(importer: Importer, record: Record) -> None:
    axis = axis_of(importer, record, 0, _rank(importer, record))
    kept = bool(integer(importer, record, "keepdims", 1))
    reduction(importer, record, record.target.lower(), [axis], kept=kept)
