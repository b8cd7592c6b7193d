"""Elementwise operators in ATen."""

from __future__ import annotations

import math

from memsim.formats.foreign.elementwise import (
    clamp,
    combine,
    dropout,
    leaky_relu,
    plain,
    scale,
)
from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.records import Record, Unsupported
from memsim.formats.foreign.torch.rules.arguments import RULES, rule

PLAIN = {
    "relu": "relu",
    "relu6": "relu6",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "silu": "silu",
    "hardswish": "hardswish",
    "hardsigmoid": "hardsigmoid",
    "gelu": "gelu",
}
"""Elementwise operators without attributes."""


RULES.update(plain(PLAIN))


@rule("hardtanh", "clamp", "clamp_min")
def _clamp(importer: Importer, record: Record) -> None:
    low = record.attributes.get("min_val", record.attributes.get("min"))
    high = record.attributes.get("max_val", record.attributes.get("max"))
    low, high = (-math.inf if low is None else low), (math.inf if high is None else high)
    clamp(importer, record, low, high)


@rule("leaky_relu")
def _leaky_relu(importer: Importer, record: Record) -> None:
    leaky_relu(importer, record, float(record.attributes["negative_slope"]))


@rule("dropout", "dropout2d", "feature_dropout", "native_dropout")
def _dropout(importer: Importer, record: Record) -> None:
    dropout(importer, record, record.attributes.get("p", 0.5))


@rule("add", "sub", "rsub", "mul", "div")
def _arithmetic(importer: Importer, record: Record) -> None:
    number = record.attributes.get("other")
    if len(record.inputs) == 1 and isinstance(number, int | float):
        _scalar(importer, record, float(number))
    elif len(record.inputs) == 2 and record.target in ("add", "mul"):
        combine(importer, record, record.target)
    else:
        raise Unsupported


def _scalar(importer: Importer, record: Record, number: float) -> None:
    alpha = float(record.attributes.get("alpha", 1))
    name = record.inputs[0]
    if record.target == "add":
        scale(importer, record, name, shift=number * alpha)
    elif record.target == "sub":
        scale(importer, record, name, shift=-number * alpha)
    elif record.target == "rsub":
        scale(importer, record, name, factor=-alpha, shift=number)
    elif record.target == "mul":
        scale(importer, record, name, factor=number)
    else:
        scale(importer, record, name, factor=1 / number if number else 0.0)
