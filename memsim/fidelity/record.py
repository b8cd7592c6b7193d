"""Fidelity: every comparison with something measured, in one report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from memsim.fidelity.check import CHECKS, Check

SCHEMA = "memsim.fidelity/1"


@dataclass(frozen=True)
class Fidelity:
    """How far predictions are from what was measured.

    Attributes
    ----------
    checks : tuple of Check
    """

    checks: tuple[Check, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.fidelity/1"``."""
        return {"schema": SCHEMA, "checks": [check.to_dict() for check in self.checks]}

    def rows(self) -> list[dict[str, Any]]:
        """One flat row per measured number."""
        return [
            {"check": check.name, "unit": check.unit, **row.to_dict()}
            for check in self.checks
            for row in check.rows
        ]

    def __str__(self) -> str:
        from memsim.report import render

        return render(self, "table")


def fidelity(names: Sequence[str] = ()) -> Fidelity:
    """Run checks.

    Parameters
    ----------
    names : sequence of str
        Keys of ``CHECKS``; all of them if empty.

    Raises
    ------
    InputError
        For an unknown check.

    Examples
    --------
    >>> from memsim.fidelity import CHECKS
    >>> list(CHECKS)[:3]
    ['gtx1080', 'titan_v', 'jetson_nano']
    >>> fidelity(["titan"])
    Traceback (most recent call last):
    memsim.errors.InputError: unknown check 'titan' (did you mean 'titan_v'?)
    """
    return Fidelity(tuple(CHECKS[name]() for name in names or CHECKS))
