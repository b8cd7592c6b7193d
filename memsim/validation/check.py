"""A check: predictions beside something that was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from memsim.calibration.score import Score
from memsim.registry import Registry

Sample = Literal["unseen", "left out", "in"]
"""What the rows were to the model, from the hardest test to the easiest.

``unseen``: nothing was fitted to them, and nothing was chosen by looking at them. ``left out``:
each is predicted by a fit without it, but of a form that was chosen with all of them in sight.
``in``: the model was made by looking at them.
"""


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One measured number and the predictions of it.

    Attributes
    ----------
    name : str
    measured : float
    predicted : float
        By the model; of a fit, by one without the row's network.
    fitted : float or None
        By the shipped model, if it was fitted to this row.
    family : float or None
        By a fit without the row's whole family, where there is one.
    low, high : float or None
        By the best and the worst that may happen where chance has a say, such as where memory
        lies.
    """

    name: str
    measured: float
    predicted: float
    fitted: float | None = None
    family: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def error(self) -> float:
        """``predicted / measured - 1``."""
        return self.predicted / self.measured - 1

    @property
    def inside(self) -> bool | None:
        """Whether what was measured lies between ``low`` and ``high``; None without them.

        Examples
        --------
        >>> CheckRow("a", 2.0, 3.0, low=2.0, high=4.0).inside, CheckRow("a", 2.0, 3.0).inside
        (True, None)
        """
        if self.low is None or self.high is None:
            return None
        return self.low <= self.measured <= self.high

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "name": self.name,
            "measured": self.measured,
            "predicted": self.predicted,
            "fitted": self.fitted,
            "family": self.family,
            "low": self.low,
            "high": self.high,
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
class Kernels:
    """How far single kernels are off, which in a network's sum may cancel.

    Attributes
    ----------
    count : int
        Of kernels that were measured.
    wape : float
        All errors over all that was measured.
    rows : tuple of CheckRow
        The large ones, each at least :data:`LARGE` of its network, worst first.
    where : str
        What else has to be known of them: at which cache size, say.

    Examples
    --------
    >>> rows = [CheckRow("a", 90.0, 99.0), CheckRow("b", 9.5, 19.0), CheckRow("c", 0.5, 5.0)]
    >>> kernels = Kernels.of(rows, [100.0] * 3)
    >>> kernels.count, kernels.wape, [row.name for row in kernels.rows], kernels.worst
    (3, 0.23, ['b', 'a'], 1.0)
    """

    count: int
    wape: float
    rows: tuple[CheckRow, ...]
    where: str = ""

    @classmethod
    def of(cls, rows: Sequence[CheckRow], wholes: Sequence[float], where: str = "") -> Kernels:
        """Sort kernels; ``wholes`` is what was measured of each one's network."""
        large = [
            row for row, whole in zip(rows, wholes, strict=True) if row.measured >= LARGE * whole
        ]
        off, total = sum(abs(r.predicted - r.measured) for r in rows), sum(r.measured for r in rows)
        worst_first = tuple(sorted(large, key=lambda row: -abs(row.error)))
        return cls(len(rows), off / total, worst_first, where)

    @property
    def mape(self) -> float:
        """Mean error of the large ones."""
        return sum(abs(row.error) for row in self.rows) / len(self.rows)

    @property
    def worst(self) -> float:
        """The largest error of the large ones."""
        return abs(self.rows[0].error)

    def to_dict(self) -> dict[str, Any]:
        """Plain values; errors as fractions."""
        return {
            "where": self.where,
            "count": self.count,
            "wape": self.wape,
            "large": len(self.rows),
            "large_mape": self.mape,
            "large_worst": self.worst,
            "furthest": [row.to_dict() for row in self.rows[:FURTHEST]],
        }


LARGE = 0.01
"""Of its network a kernel has so much before its own relative error is looked at."""

FURTHEST = 5
"""Kernels that are named."""


@dataclass(frozen=True)
class Check:
    """Predictions beside measurements, with errors and claims.

    Attributes
    ----------
    name, title : str
    unit : str
        Of all numbers: ``ms``.
    sample : str
        What the rows were to the model: ``unseen``, ``left out`` or ``in``.
    facts : tuple of (str, str)
        Where the measurements come from, what was fitted, by how many parameters.
    rows : tuple of CheckRow
    claims : tuple of Claim
    parameters : int
        Numbers that were fitted to these rows.
    read_off : int
        Numbers that nothing was fitted for, but that were read off runs: floors of a runtime, say.
    chosen : tuple of str
        What else was chosen by looking at measurements; leaving a row out does not undo that.
    notes : tuple of str
    omitted : tuple of str
        Rows that were measured and are not judged.
    kernels : Kernels or None
        Of the rows' kernels, where they were measured one by one.
    """

    name: str
    title: str
    unit: str
    sample: Sample
    facts: tuple[tuple[str, str], ...]
    rows: tuple[CheckRow, ...]
    claims: tuple[Claim, ...] = ()
    parameters: int = 0
    read_off: int = 0
    chosen: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    omitted: tuple[str, ...] = ()
    kernels: Kernels | None = None

    @property
    def score(self) -> Score:
        """The errors of the predictions; of a fit, of the one without each row's network."""
        return Score.of([r.measured for r in self.rows], [r.predicted for r in self.rows])

    @property
    def fitted_score(self) -> Score | None:
        """The errors of the shipped model, where it has seen the rows."""
        return self._score([row.fitted for row in self.rows])

    @property
    def family_score(self) -> Score | None:
        """The errors of fits without each row's family, where there are such."""
        return self._score([row.family for row in self.rows])

    def _score(self, predicted: Sequence[float | None]) -> Score | None:
        known = [value for value in predicted if value is not None]
        if len(known) < len(self.rows):
            return None
        return Score.of([row.measured for row in self.rows], known)

    def to_dict(self) -> dict[str, Any]:
        """Plain values; errors as fractions."""
        fitted, family = self.fitted_score, self.family_score
        return {
            "name": self.name,
            "title": self.title,
            "unit": self.unit,
            "sample": self.sample,
            "facts": dict(self.facts),
            "parameters": self.parameters,
            "read_off": self.read_off,
            "chosen": list(self.chosen),
            "errors": self.score.to_dict(),
            "fitted_errors": None if fitted is None else fitted.to_dict(),
            "family_errors": None if family is None else family.to_dict(),
            "claims": [claim.to_dict() for claim in self.claims],
            "rows": [row.to_dict() for row in self.rows],
            "omitted": list(self.omitted),
            "kernels": None if self.kernels is None else self.kernels.to_dict(),
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
