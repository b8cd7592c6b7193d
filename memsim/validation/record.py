"""Fidelity: every comparison with something measured, in one report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from memsim.sheets.facts import Facts
from memsim.validation.check import CHECKS, Check
from memsim.validation.kept import still_true
from memsim.validation.verdicts import Verdicts

SCHEMA = "memsim.fidelity/1"

NOT_RUN = (
    "memsim measure --device cuda (CUDA events, DRAM bytes by Nsight Compute): it is tested on "
    "stand-ins and on files of the documented format, and has not been run on a GPU",
)
"""What could be compared and has not been."""

NO_ROWS = "there is nothing to compare yet, since test series wait until a model is frozen"


@dataclass(frozen=True)
class Fidelity(Facts):
    """How far predictions are from what was measured.

    Attributes
    ----------
    checks : tuple of Check
    not_run : tuple of str
        What a whole report lacks.
    kept : tuple of str
        The checks that are told as they were when they were last made in full; the others were
        made just now.

    Examples
    --------
    >>> Fidelity(()).to_dict()["schema"]
    'memsim.fidelity/1'
    """

    laid_out_by: ClassVar[str] = "memsim.validation.sheet:fidelity_sheet"

    checks: tuple[Check, ...]
    not_run: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    @property
    def verdicts(self) -> Verdicts:
        """The report in short: a line per check.

        Examples
        --------
        >>> Fidelity(()).verdicts.rows()
        []
        """
        return Verdicts(self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.fidelity/1"``."""
        checks = [check.to_dict() for check in self.checks]
        return {
            "schema": SCHEMA,
            "checks": checks,
            "not_run": list(self.not_run),
            "kept": list(self.kept),
        }

    def rows(self) -> list[dict[str, Any]]:
        """One flat row per measured number."""
        return [
            {"check": check.name, "unit": check.unit, "sample": check.sample, **row.to_dict()}
            for check in self.checks
            for row in check.rows
        ]


def fidelity(
    names: str | Sequence[str] = (),
    *,
    anew: bool = False,
    told: Callable[[int, int], object] = lambda done, checks: None,
) -> Fidelity:
    """Hold predictions against everything that was measured, or against some of it.

    Parameters
    ----------
    names : str or sequence of str
        Keys of ``CHECKS``; all of them if empty.
    anew : bool
        Make every check now: all of them take ten minutes of one core. Else those that take long
        are told as they were kept, unless something that they rest on has changed since
        (:mod:`memsim.validation.kept`).
    told : callable, optional
        Of how many checks are done, and of how many there are.

    Returns
    -------
    Fidelity

    Raises
    ------
    InputError
        For an unknown check.

    Examples
    --------
    >>> from memsim.validation import CHECKS
    >>> list(CHECKS)[:3]
    ['gtx1080', 'titan_v', 'jetson_nano']
    >>> fidelity(["titan"])
    Traceback (most recent call last):
    memsim.errors.InputError: unknown check 'titan' (did you mean 'titan_v'?)
    """
    if isinstance(names, str):
        names = [names]
    asked = {name: CHECKS[name] for name in names or CHECKS}  # an unknown one is told before work
    told(0, len(asked))
    kept = {} if anew else still_true(asked)
    checks = []
    for name, check in asked.items():
        checks.append(kept[name] if name in kept else check())
        told(len(checks), len(asked))
    waiting = ", ".join(check.name for check in checks if not check.rows)
    empty = (f"{NO_ROWS}: {waiting}",) if waiting else ()
    shown = tuple(check for check in checks if check.rows)
    return Fidelity(shown, empty if names else (*NOT_RUN, *empty), tuple(kept))
