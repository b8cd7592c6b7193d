"""A report of fidelity in short: a line per check, and the goals that are not reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from memsim.sheets.facts import Facts
from memsim.sheets.sheet import Grid, Sheet
from memsim.validation.check import Check

SCHEMA = "memsim.verdicts/1"


@dataclass(frozen=True)
class Verdicts(Facts):
    """What a report comes to.

    Attributes
    ----------
    checks : tuple of Check

    Examples
    --------
    >>> Verdicts(()).to_dict()
    {'schema': 'memsim.verdicts/1', 'checks': []}
    """

    laid_out_by: ClassVar[str] = "memsim.validation.verdicts:verdict_sheet"

    checks: tuple[Check, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.verdicts/1"``; errors as fractions."""
        missed = [{"missed": _missed(check)} for check in self.checks]
        rows = [{**row, **more} for row, more in zip(self.rows(), missed, strict=True)]
        return {"schema": SCHEMA, "checks": rows}

    def rows(self) -> list[dict[str, Any]]:
        """One flat row per check."""
        return [
            {
                "check": check.name,
                "sample": check.sample,
                "rows": len(check.rows),
                "mape": check.score.mape,
                "worst": check.score.worst,
                "claims": len(check.claims),
                "held": len(check.claims) - len(_missed(check)),
            }
            for check in self.checks
        ]


def _missed(check: Check) -> list[str]:
    """Goals that are not reached, and claims that do not hold."""
    return [claim.text for claim in check.claims if not claim.holds]


def verdict_sheet(facts: Verdicts, layers: int | None = None) -> Sheet:
    """Lay out verdicts; ``layers`` does not apply, all checks are shown."""
    missed = [
        (f"{check.name}: {claim.text}", claim.predicted)
        for check in facts.checks
        for claim in check.claims
        if not claim.holds
    ]
    claims = sum(len(check.claims) for check in facts.checks)
    checks = "1 check" if len(facts.checks) == 1 else f"{len(facts.checks)} checks"
    grids = [Grid("Checks", ("", "sample", "rows", "MAPE", "worst", "goals", ""), _lines(facts))]
    if missed:
        grids.append(Grid("Not reached", ("", "is"), tuple(missed)))
    return Sheet(
        title="How far memsim is from what was measured, in short",
        facts=(
            ("goals", f"{claims - len(missed)} of {claims} goals and claims hold in {checks}"),
            ("sample", "unseen: nothing was fitted to the rows or chosen by them; left out: fitted "
                       "without the row's network; in: the model was made by looking at them"),
        ),
        grids=tuple(grids),
        leading=len(grids),
    )  # fmt: skip


def _lines(facts: Verdicts) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (
            row["check"],
            row["sample"],
            f"{row['rows']}",
            f"{row['mape']:.1%}",
            f"{row['worst']:.1%}",
            f"{row['held']} of {row['claims']}" if row["claims"] else "-",
            _verdict(row["held"], row["claims"]),
        )
        for row in facts.rows()
    )


def _verdict(held: int, claims: int) -> str:
    """In a word; a check without goals is told for what it shows."""
    if not claims:
        return "-"
    return "yes" if held == claims else "NO"
