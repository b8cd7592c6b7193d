"""Reductions in ATen."""

from __future__ import annotations

import math
from typing import Any

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.layers.elementwise import combine
from memsim.formats.foreign.layers.reductions import reduction
from memsim.formats.foreign.records import Record, Unsupported
from memsim.formats.foreign.torch.rules.arguments import rule

FUNCTIONS = {
    "mean": "mean",
    "sum": "sum",
    "prod": "prod",
    "amax": "max",
    "amin": "min",
    "argmax": "argmax",
    "argmin": "argmin",
    "any": "any",
    "all": "all",
    "logsumexp": "logsumexp",
}


def _axes(importer: Importer, record: Record) -> list[int]:
    """The axes that are reduced: all if none are given."""
    axes = record.attributes.get("dim")
    if isinstance(axes, int):
        return [axes]
    return list(axes) if axes else [*range(len(importer.source(record.inputs[0]).shape))]


def _reduce(importer: Importer, record: Record, function: str, output: int = 0, **how: Any) -> None:
    kept = bool(record.attributes.get("keepdim"))
    reduction(
        importer, record, function, _axes(importer, record), kept=kept, output=output, **how
    )  # fmt: skip


@rule(*FUNCTIONS)
def _plain(importer: Importer, record: Record) -> None:
    _reduce(importer, record, FUNCTIONS[record.target])


@rule("max", "min", "aminmax")
def _extreme(importer: Importer, record: Record) -> None:
    """One tensor, or the values with their places, which are read from the input once more."""
    if len(record.inputs) == 2:
        combine(importer, record, {"max": "maximum", "min": "minimum"}[record.target])
        return
    pair = ("min", "max") if record.target == "aminmax" else (record.target, f"arg{record.target}")
    for number, (name, function) in enumerate(zip(record.outputs, pair, strict=False)):
        if name and importer.readers[name]:
            _reduce(importer, record, function, number)


@rule("var", "std", "var_mean", "std_mean")
def _variance(importer: Importer, record: Record) -> None:
    correction = record.attributes.get("correction", record.attributes.get("unbiased", True))
    correction = 1 if correction is None else correction
    function = record.target.removesuffix("_mean")
    if len(record.outputs) == 1 or importer.readers[record.outputs[0]]:
        _reduce(importer, record, function, unbiased=bool(correction))
    if len(record.outputs) > 1 and importer.readers[record.outputs[1]]:
        _reduce(importer, record, "mean", 1)


ORDERS = {1: "l1", 2: "l2", math.inf: "absmax", -math.inf: "absmin", "fro": "l2", None: "l2"}


@rule("linalg_vector_norm", "norm", "linalg_norm")
def _norm(importer: Importer, record: Record) -> None:
    order = record.attributes.get("ord", record.attributes.get("p", 2))
    axes = record.attributes.get("dim")
    matrix = record.target == "linalg_norm" and not isinstance(axes, int) and order is not None
    if matrix or order not in ORDERS:
        raise Unsupported
    _reduce(importer, record, ORDERS[order])
