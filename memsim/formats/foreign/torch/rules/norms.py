"""Normalisations in ATen."""

from __future__ import annotations

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.layers.elementwise import (
    behind,
    elementwise,
    softmax,
)
from memsim.formats.foreign.records import Record
from memsim.formats.foreign.torch.rules.arguments import axis_of, given, rule
from memsim.network.ops import Operator
from memsim.network.ops.norm import GroupNorm, InstanceNorm, LayerNorm, LogSoftmax, RmsNorm
from memsim.network.ops.pointwise import BatchNorm


@rule("layer_norm", "native_layer_norm")
def _layer_norm(importer: Importer, record: Record) -> None:
    axes = behind(importer, record.inputs[0], len(record.attributes["normalized_shape"]))
    scale, shift = given(record, 1), given(record, 2)
    elementwise(importer, record, LayerNorm(axes=axes, scale=scale, shift=shift))


@rule(
    "batch_norm",
    "native_batch_norm",
    "_native_batch_norm_legit",
    "_native_batch_norm_legit_no_training",
    "cudnn_batch_norm",
)
def _batch_norm(importer: Importer, record: Record) -> None:
    elementwise(importer, record, BatchNorm(affine=given(record, 1)))


@rule("softmax", "_softmax")
def _softmax(importer: Importer, record: Record) -> None:
    softmax(importer, record, axis_of(record, importer))


@rule("log_softmax", "_log_softmax")
def _log_softmax(importer: Importer, record: Record) -> None:
    softmax(importer, record, axis_of(record, importer), LogSoftmax)


@rule("rms_norm", "_fused_rms_norm")
def _rms_norm(importer: Importer, record: Record) -> None:
    axes = behind(importer, record.inputs[0], len(record.attributes["normalized_shape"]))
    elementwise(importer, record, RmsNorm(axes=axes, scale=given(record, 1)))


@rule("group_norm", "native_group_norm")
def _group_norm(importer: Importer, record: Record) -> None:
    groups = record.attributes.get("num_groups", record.attributes.get("group"))
    op = GroupNorm(groups=groups, scale=given(record, 1), shift=given(record, 2))
    elementwise(importer, record, op)


@rule("instance_norm")
def _instance_norm(importer: Importer, record: Record) -> None:
    if record.attributes.get("use_input_stats", True):
        op: Operator = InstanceNorm(scale=given(record, 1), shift=given(record, 2))
    else:
        op = BatchNorm(affine=given(record, 1))
    elementwise(importer, record, op)
