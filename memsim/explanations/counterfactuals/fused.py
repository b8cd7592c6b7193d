"""Layers fused as inference compilers fuse them."""

from __future__ import annotations

from collections.abc import Iterator

from memsim.explanations.question import Change, Question
from memsim.program.lowering import LOWERINGS
from memsim.results.run import Result


def fused_layers(question: Question, result: Result) -> Iterator[Change]:
    """Under an eager lowering: batch norms folded, activations and sums fused."""
    if not LOWERINGS[str(result.program.options["lowering"])].rules.fuses:
        yield Change("fuse norms and activations", {"lowering": "fused"})
