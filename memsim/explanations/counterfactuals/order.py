"""Layers in another order."""

from __future__ import annotations

from collections.abc import Iterator

from memsim.explanations.question import Change, Question
from memsim.results.run import Result
from memsim.simulate.options import OPTIONS

ORDERS = ("min_traffic", "min_peak")


def layers_in_another_order(question: Question, result: Result) -> Iterator[Change]:
    """Where layers run in the file's order: orders in which feature maps wait less."""
    if "layer_order" not in OPTIONS or "layer_order" in question.options:
        return
    for order in ORDERS:
        yield Change(f"run layers by {order}", {"layer_order": order})
