"""Normalisations and reductions in ATen."""

from __future__ import annotations

from memsim.formats.foreign.elementwise import (
    elementwise,
    softmax,
)
from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.records import Record
from memsim.formats.foreign.torch.rules.arguments import axis_of, given, rule
from memsim.formats.foreign.windows import reduce
from memsim.network.ops.norm import LayerNorm
from memsim.network.ops.pointwise import BatchNorm


@rule("layer_norm", "native_layer_norm")
def _layer_norm(importer: Importer, record: Record) -> None:
    axes = len(record.attributes["normalized_shape"])
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
    elementwise(importer, record, BatchNorm())


@rule("softmax", "_softmax")
def _softmax(importer: Importer, record: Record) -> None:
    softmax(importer, record, axis_of(record, importer))


@rule("mean", "amax")
def _reduce(importer: Importer, record: Record) -> None:
    axes = record.attributes.get("dim") or ()  # none stand for all
    axes = (axes,) if isinstance(axes, int) else axes
    kind = "global_maxpool" if record.target == "amax" else "global_avgpool"
    reduce(importer, record, axes, kind=kind, kept=bool(record.attributes.get("keepdim")))
