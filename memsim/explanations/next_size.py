"""The next useful cache size: where the curve falls next, and what a run says there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from memsim.engines.cache.managements import MANAGEMENTS
from memsim.errors import MemsimError
from memsim.explanations.question import Change, Question
from memsim.results.curve import CurveResult
from memsim.results.details.figures import Figures
from memsim.results.run import Result

__all__ = ["NextSize", "next_size"]

DROPS = (5, 20)
"""How many drops of the curve are looked for; the second number where the first are too low."""


@dataclass(frozen=True, slots=True)
class NextSize:
    """A cache beyond which the next drop of traffic lies.

    Attributes
    ----------
    cache_bytes : int
        The smallest cache with all of the drop.
    figures : Figures
        Of the run at that size.
    kept : str
        The tensor that most of the drop is of.
    """

    cache_bytes: int
    figures: Figures
    kept: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values with units in the keys."""
        return {"cache_bytes": self.cache_bytes, "kept": self.kept, **self.figures.to_dict()}


def next_size(question: Question, result: Result) -> NextSize | None:
    """The next useful size above that of a result's cache; None where more cache saves nothing.

    One of the largest drops of the curve of all sizes, see :mod:`memsim.engines.curve.knees`.
    None as well for a cache that has no such curve: another policy than LRU, or sets.
    """
    cache = result.machine.cache
    if MANAGEMENTS[cache.management].samples(cache):
        return None
    try:
        known = CurveResult(result.program, result.machine)
        if known.dram_bytes(cache.size) <= result.program.compulsory_bytes:
            return None
        larger = (knee for most in DROPS for knee in known.knees(most))
        knee = next((each for each in larger if each.cache_bytes > cache.size), None)
    except MemsimError:
        return None
    if knee is None:
        return None
    change = Change("", {"cache": knee.cache_bytes})
    there = question.changed(change)
    figures = Figures.of(there.ask_like(result, change), there.command())
    return NextSize(knee.cache_bytes, figures, knee.shares[0].tensor)
