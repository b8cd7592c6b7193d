"""A check: predictions beside something that was measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from memsim.calibration.score import Score
from memsim.registry import Registry


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One measured number and the predictions of it.

    Attributes
    ----------
    name : str
    measured : float
    predicted : float
        By a model that has not seen this row.
    fitted : float or None
        By the shipped model, if it has seen this row.
    """

    name: str
    measured: float
    predicted: float
    fitted: float | None = None

    @property
    def error(self) -> float:
        """``predicted / measured - 1``."""
        return self.predicted / self.measured - 1

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "name": self.name,
            "measured": self.measured,
            "predicted": self.predicted,
            "fitted": self.fitted,
            "error": self.error,
        }


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement that should come out the same measured and predicted, or a goal for an error.

    Attributes
    ----------
    text : str
    measured, predicted : str
        What each says; ``measured`` is empty for a goal.
    holds : bool
        By the prediction.
    """

    text: str
    predicted: str
    holds: bool
    measured: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "text": self.text,
            "measured": self.measured or None,
            "predicted": self.predicted,
            "holds": self.holds,
        }


@dataclass(frozen=True)
class Check:
    """Predictions beside measurements, with errors and claims.

    Attributes
    ----------
    name, title : str
    unit : str
        Of all numbers: ``ms``.
    facts : tuple of (str, str)
        Where the measurements come from, what was fitted, by how many parameters.
    rows : tuple of CheckRow
    claims : tuple of Claim
    parameters : int
        Numbers that were fitted to these rows.
    notes : tuple of str
    """

    name: str
    title: str
    unit: str
    facts: tuple[tuple[str, str], ...]
    rows: tuple[CheckRow, ...]
    claims: tuple[Claim, ...] = ()
    parameters: int = 0
    notes: tuple[str, ...] = ()

    @property
    def score(self) -> Score:
        """The errors of what had not seen its row."""
        return Score.of([r.measured for r in self.rows], [r.predicted for r in self.rows])

    @property
    def fitted_score(self) -> Score | None:
        """The errors of the shipped model, where it has seen the rows."""
        fitted = [row.fitted for row in self.rows if row.fitted is not None]
        if len(fitted) < len(self.rows):
            return None
        return Score.of([row.measured for row in self.rows], fitted)

    def to_dict(self) -> dict[str, Any]:
        """Plain values; errors as fractions."""
        fitted = self.fitted_score
        return {
            "name": self.name,
            "title": self.title,
            "unit": self.unit,
            "facts": dict(self.facts),
            "parameters": self.parameters,
            "errors": self.score.to_dict(),
            "fitted_errors": None if fitted is None else fitted.to_dict(),
            "claims": [claim.to_dict() for claim in self.claims],
            "rows": [row.to_dict() for row in self.rows],
            "notes": list(self.notes),
        }


CHECKS: Registry[Callable[[], Check]] = Registry("check")
"""Every check by name, in the order of the report; each is one file of this package."""


def goal(text: str, value: float, most: float) -> Claim:
    """An error that should be at most so large.

    Examples
    --------
    >>> goal("MAPE", 0.021, 0.04)
    Claim(text='MAPE at most 4 %', predicted='2.10 %', holds=True, measured='')
    """
    return Claim(f"{text} at most {100 * most:g} %", f"{100 * value:.2f} %", value <= most)


def same_order(rows: tuple[CheckRow, ...]) -> Claim:
    """All rows rank as they were measured; a Spearman of 0.99 is the goal."""
    score = Score.of([row.measured for row in rows], [row.predicted for row in rows])
    rank = score.spearman or 0.0
    return Claim("rank correlation at least 0.99", f"{rank:.3f}", rank >= 0.99)
