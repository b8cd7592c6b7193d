"""What is said of a search."""

from __future__ import annotations

from collections import Counter
from typing import Any

from memsim.readable import format_count
from memsim.searches.result import SearchResult, Trial
from memsim.sheets.sheet import Grid, Sheet

__all__ = ["search_sheet"]


def search_sheet(found: SearchResult, layers: int | None = 10) -> Sheet:
    """The best trials first; ``layers`` of them."""
    best = found.best
    shown = best if layers is None else best[:layers]
    kept = [trial for trial in found.trials if trial.feasible]
    failed = Counter(trial.error for trial in found.trials if trial.error)
    facts = [
        *zip(found.directions, found.objectives, strict=True),
        *(("subject to", text) for text in found.conditions),
        ("trials", _trials(found, len(kept))),
    ]
    notes = [f"{count} failed: {error}" for error, count in failed.most_common(3)]
    if not best:
        notes.append("No trial keeps to all conditions." if found.conditions else "No trial ran.")
    several = len(found.objectives) > 1
    told = [
        f"objective {n}" if several else "objective" for n in range(1, len(found.objectives) + 1)
    ]
    columns = ("parameters of the file", "trial", *told, "MACs", "learned")
    rows = tuple(_row(trial) for trial in shown)
    title = "the best" if len(found.objectives) == 1 else "the front"
    grids = (Grid(title, columns, rows),) if rows else ()
    return Sheet(f"search of {found.network}", tuple(facts), grids, tuple(notes))


def _trials(found: SearchResult, kept: int) -> str:
    told = f"{len(found.trials):,} by {found.facts.get('sampler', '?')}"
    points = found.facts.get("space")
    told += f" of {points:,} points" if points else ""
    return f"{told}, {kept:,} keep to all conditions" if found.conditions else told


def _row(trial: Trial) -> tuple[str, ...]:
    parameters = ", ".join(f"{name} {_number(each)}" for name, each in trial.parameters.items())
    return (
        parameters, str(trial.number), *map(_number, trial.values), format_count(trial.macs),
        format_count(trial.params),
    )  # fmt: skip


def _number(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return f"{int(value):,}"
    return f"{value:,.6g}" if isinstance(value, float) else str(value)
