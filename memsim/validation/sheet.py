"""What is said of fidelity."""

from __future__ import annotations

from collections.abc import Iterator

from memsim.calibration.sheet import SCORES, score_cells
from memsim.sheets.sheet import Grid, Sheet
from memsim.validation.check import Check
from memsim.validation.record import Fidelity


def fidelity_sheet(facts: Fidelity, layers: int | None = None) -> Sheet:
    """Lay out a report of fidelity; ``layers`` does not apply, all rows are shown."""
    summary = Grid(
        "errors of predictions that had not seen their row",
        ("", "rows", "fitted", *SCORES),
        tuple(
            (check.name, str(len(check.rows)), str(check.parameters), *score_cells(check.score))
            for check in facts.checks
        ),
    )
    return Sheet(
        title="How far memsim is from what was measured",
        facts=(
            ("rows", "measured numbers; of a fit each is predicted by a fit without its network"),
            ("fitted", "parameters that the fit has"),
            ("MAPE, WAPE", "mean of the relative errors; all errors over all measured"),
            *(("not run", text) for text in facts.not_run),
        ),
        grids=(summary, *(grid for check in facts.checks for grid in _grids(check))),
        more=tuple(fact for check in facts.checks for fact in _facts(check)),
    )


def _facts(check: Check) -> Iterator[tuple[str, str]]:
    for label, text in (*check.facts, *(("note", note) for note in check.notes)):
        yield check.name, f"{label}: {text}"


def _grids(check: Check) -> Iterator[Grid]:
    yield Grid(
        f"{check.title}, {check.unit}",
        ("", "measured", "predicted", "%", "seen", "%"),
        tuple(
            (
                row.name, _number(row.measured), _number(row.predicted), f"{100 * row.error:+.1f}",
                *(("-", "-") if row.fitted is None else
                  (_number(row.fitted), f"{100 * (row.fitted / row.measured - 1):+.1f}")),
            )
            for row in check.rows
        ),
    )  # fmt: skip
    if check.claims:
        yield Grid(
            f"{check.name}: goals and claims",
            ("", "measured", "predicted", ""),
            tuple(
                (
                    claim.text, claim.measured or "-", claim.predicted,
                    "yes" if claim.holds else "NO",
                )
                for claim in check.claims
            ),
        )  # fmt: skip


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 1000 else f"{value:,.0f}"
