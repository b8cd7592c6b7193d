"""What is said of fidelity."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from memsim.calibration.score import Score
from memsim.sheets.sheet import Grid, Sheet
from memsim.validation.check import FURTHEST, LARGE, Check, CheckRow, Kernels, Sample
from memsim.validation.record import Fidelity

TABLES: dict[Sample, str] = {
    "unseen": "UNSEEN: nothing was fitted to these rows or chosen by them",
    "left out": "LEFT OUT: fitted without the row's network, or its family",
    "in": "IN SAMPLE: the model was made by looking at these rows",
}
"""The summaries, from the hardest test to the easiest; numbers of one are none of another."""

FACTS = (
    ("rows", "measured numbers"),
    ("fitted", "parameters that were fitted to them"),
    ("read", "numbers that no fit found but that were read off measured runs; of unseen rows off "
             "others"),
    ("chosen", "what else was chosen by looking at measurements, such as a form, and each check "
               "names it; leaving a row out of a fit does not undo that; of unseen rows at others"),
    ("MAPE, WAPE", "mean of the relative errors; all errors over all measured"),
    ("family", "the errors of fits without the row's whole family of networks"),
)  # fmt: skip


def fidelity_sheet(facts: Fidelity, layers: int | None = None) -> Sheet:
    """Lay out a report of fidelity; ``layers`` does not apply, all rows are shown."""
    summaries = tuple(_summaries(facts))
    return Sheet(
        title="How far memsim is from what was measured",
        facts=(*FACTS, *(("not run", text) for text in facts.not_run)),
        grids=(*summaries, *(grid for check in facts.checks for grid in _grids(check))),
        more=tuple(fact for check in facts.checks for fact in _facts(check)),
        leading=len(summaries),
    )


def _summaries(facts: Fidelity) -> Iterator[Grid]:
    """A table of errors for each kind of sample that the report has."""
    for sample, title in TABLES.items():
        checks = [check for check in facts.checks if check.sample == sample]
        if not checks:
            continue
        families = sample == "left out"
        columns = ("", "rows", "fitted", "read", "chosen", "MAPE", "WAPE", "worst")
        yield Grid(
            title,
            (*columns, "family", "worst") if families else columns,
            tuple(_summary(check, families) for check in checks),
        )


def _summary(check: Check, families: bool) -> tuple[str, ...]:
    counts = (len(check.rows), check.parameters, check.read_off, len(check.chosen))
    family = check.family_score
    return (
        check.name,
        *map(str, counts),
        *_errors(check.score),
        *((("-", "-") if family is None else (_error(family.mape), _error(family.worst)))
          if families else ()),
    )  # fmt: skip


def _errors(score: Score) -> tuple[str, str, str]:
    return _error(score.mape), _error(score.wape), _error(score.worst)


def _error(value: float) -> str:
    return f"{value:.1%}"


def _facts(check: Check) -> Iterator[tuple[str, str]]:
    chosen = (("chosen by looking", "; ".join(check.chosen)),) if check.chosen else ()
    omitted = (("rows left out", ", ".join(check.omitted)),) if check.omitted else ()
    kernels = (("kernels", _told(check.kernels)),) if check.kernels is not None else ()
    notes = (("note", note) for note in check.notes)
    for label, text in (*check.facts, *kernels, *chosen, *omitted, *notes):
        yield check.name, f"{label}: {text}"


def _told(kernels: Kernels) -> str:
    where = kernels.where and f" at {kernels.where}"
    return (
        f"{kernels.count} measured one by one{where}, WAPE {_error(kernels.wape)}; of the "
        f"{len(kernels.rows)} with {100 * LARGE:g} % of their network or more MAPE "
        f"{_error(kernels.mape)}, worst {_error(kernels.worst)}"
    )


def _grids(check: Check) -> Iterator[Grid]:
    more = _more(check)
    yield Grid(
        f"{check.title}, {check.unit} ({check.sample})",
        # A band takes the room of long words: eighty columns have to do.
        (
            "",
            *(("real", "model") if "low" in dict(more) else ("measured", "predicted")),
            "%",
            *(name for name, _ in more),
        ),
        tuple((*_cells(row), *(cell(row) for _, cell in more)) for row in check.rows),
    )
    if check.kernels is not None:
        yield _furthest(check, check.kernels)
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


def _cells(row: CheckRow) -> tuple[str, ...]:
    return row.name, _number(row.measured), _number(row.predicted), _off(row.error)


def _more(check: Check) -> tuple[tuple[str, Callable[[CheckRow], str]], ...]:
    """The columns that only some checks have."""
    columns: list[tuple[str, Callable[[CheckRow], str]]] = []
    if any(row.family is not None for row in check.rows):
        columns += [
            ("family", lambda row: _maybe(row.family)),
            ("%", lambda row: _gap(row, row.family)),
        ]
    if any(row.fitted is not None for row in check.rows):
        columns += [
            ("seen", lambda row: _maybe(row.fitted)),
            ("%", lambda row: _gap(row, row.fitted)),
        ]
    if any(row.inside is not None for row in check.rows):
        columns += [
            ("low", lambda row: _maybe(row.low)),
            ("high", lambda row: _maybe(row.high)),
            ("in", lambda row: {None: "-", True: "yes", False: "NO"}[row.inside]),
        ]
    return tuple(columns)


def _furthest(check: Check, kernels: Kernels) -> Grid:
    """The kernels that are furthest off, of those that weigh something."""
    return Grid(
        f"{check.name}: the kernels furthest off, {check.unit}",
        ("", "measured", "predicted", "%"),
        tuple(_cells(row) for row in kernels.rows[:FURTHEST]),
    )


def _gap(row: CheckRow, value: float | None) -> str:
    return "-" if value is None else _off(value / row.measured - 1)


def _maybe(value: float | None) -> str:
    return "-" if value is None else _number(value)


def _off(error: float) -> str:
    return f"{100 * error:+.1f}"


def _number(value: float) -> str:
    """About four digits."""
    return f"{value:.2f}" if value < 100 else f"{value:.1f}" if value < 1000 else f"{value:,.0f}"
