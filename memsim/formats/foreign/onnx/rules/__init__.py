"""ONNX's operators as memsim's; these rules know their attributes, not the ``onnx`` package.

A module for each kind of operator. A new rule is a function under ``@rule`` with the operator's
names, those of other domains with the domain before a dot; a new module is a line here.
"""

from __future__ import annotations

from memsim.formats.foreign.onnx.arguments import RULES
from memsim.formats.foreign.onnx.rules import (
    attention,
    einsum,
    fused,
    moves,
    norms,
    ops,
    pointwise,
    quantised,
    recurrent,
    views,
    windows,
)

__all__ = [
    "RULES",
    "attention",
    "einsum",
    "fused",
    "moves",
    "norms",
    "ops",
    "pointwise",
    "quantised",
    "recurrent",
    "views",
    "windows",
]
