"""Layers in another order."""

from __future__ import annotations

from collections.abc import Iterator

from memsim.explanations.question import Change, Question
from memsim.results.run import Result

ORDERS = ("min_traffic", "min_peak")


def layers_in_another_order(question: Question, result: Result) -> Iterator[Change]:
    """Where layers run in the file's order: orders in which feature maps wait less."""
    options = result.program.options
    searched = "best" in options or options.get("groups") == "auto"
    if searched or question.options.get("layer_order") not in (None, "file"):
        return  # two searches at a time are not made
    for order in ORDERS:
        yield Change(f"run layers by {order}", {"layer_order": order})
