"""What a search has found: every trial, and the best of those that keep to the conditions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from memsim.sheets.facts import Facts

__all__ = ["SearchResult", "Trial"]

SCHEMA = "memsim.search/1"


@dataclass(frozen=True, slots=True)
class Trial:
    """One network of the space.

    Attributes
    ----------
    number : int
    parameters : dict
    values : tuple
        Of the objectives; empty where it was not simulated.
    excess : tuple
        How far each condition is from holding: 0 or less where it does.
    macs, params : int
        0 where the network could not be built.
    error : str
        Why there are no values, where the network or the run failed.
    """

    number: int
    parameters: dict[str, Any]
    values: tuple[float, ...] = ()
    excess: tuple[float, ...] = ()
    macs: int = 0
    params: int = 0
    error: str = ""

    @property
    def feasible(self) -> bool:
        """Whether it keeps to all conditions, and has values."""
        return bool(self.values) and all(each <= 0 for each in self.excess)


@dataclass(frozen=True)
class SearchResult(Facts):
    """The trials of a search.

    Attributes
    ----------
    network : str
    objectives, conditions : tuple of str
    directions : tuple of str
        ``minimise`` or ``maximise``, per objective.
    trials : tuple of Trial
        In the order in which they were made.
    units : tuple of str
        ``B``, ``s``, ``J`` or empty, per objective.
    facts : dict
        Sampler, seed, versions.

    Examples
    --------
    >>> trials = (Trial(0, {"growth": 8}, (5.0,)), Trial(1, {"growth": 12}, (4.0,)))
    >>> found = SearchResult("two.yaml", ("macs",), ("minimise",), (), trials, ("",))
    >>> found.best[0].parameters
    {'growth': 12}
    """

    laid_out_by: ClassVar[str] = "memsim.searches.sheet:search_sheet"

    network: str
    objectives: tuple[str, ...]
    directions: tuple[str, ...]
    conditions: tuple[str, ...]
    trials: tuple[Trial, ...]
    units: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def best(self) -> tuple[Trial, ...]:
        """The feasible trials that no other is better than: one, or the front of several.

        Of equal ones the first; a front is sorted by its first objective.
        """
        found: list[Trial] = []
        kept = [(self._cost(trial), trial) for trial in self.trials if trial.feasible]
        for cost, trial in sorted(kept, key=lambda pair: (pair[0], pair[1].number)):
            others = [self._cost(each) for each in found]
            if not any(all(a <= b for a, b in zip(other, cost, strict=True)) for other in others):
                found.append(trial)
        return tuple(found)

    def _cost(self, trial: Trial) -> tuple[float, ...]:
        signs = [1 if each == "minimise" else -1 for each in self.directions]
        return tuple(sign * value for sign, value in zip(signs, trial.values, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.search/1"``."""
        return {
            "schema": SCHEMA,
            "network": self.network,
            "objectives": list(self.objectives),
            "directions": list(self.directions),
            "units": list(self.units),
            "conditions": list(self.conditions),
            "facts": dict(self.facts),
            "best": [trial.number for trial in self.best],
            "trials": self.rows(),
        }

    def rows(self) -> list[dict[str, Any]]:
        """One flat row per trial."""
        best = {trial.number for trial in self.best}
        return [
            {
                "trial": trial.number,
                **trial.parameters,
                **dict(zip(self.objectives, trial.values or (None,) * len(self.objectives),
                           strict=True)),
                "macs": trial.macs,
                "params": trial.params,
                "feasible": trial.feasible,
                "best": trial.number in best,
                "error": trial.error,
            }
            for trial in self.trials
        ]  # fmt: skip

    def __repr__(self) -> str:
        return f"<SearchResult {self.network}: {len(self.trials):,} trials, {len(self.best)} best>"
