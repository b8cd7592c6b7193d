"""Groups of layers that run strip by strip together."""

from __future__ import annotations

from collections.abc import Iterator

from memsim.explanations.question import Change, Question
from memsim.program.depth_first import PATTERNS
from memsim.results.run import Result


def groups_of_layers(question: Question, result: Result) -> Iterator[Change]:
    """Schedule ``depth_first`` with groups by each pattern.

    The search ``auto`` is left to who wants to wait for it.
    """
    if result.program.options["schedule"] == "depth_first" or result.program.spans:
        return
    for pattern in PATTERNS:
        if PATTERNS[pattern](result.network, result.program.kernels):
            yield Change(f"depth first {pattern}", {"schedule": "depth_first", "groups": pattern})
