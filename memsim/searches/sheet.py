"""What is said of a search."""

from __future__ import annotations

from collections import Counter
from typing import Any

from memsim.readable import format_bytes, format_count, format_time
from memsim.searches.result import SearchResult, Trial
from memsim.sheets.sheet import Grid, Sheet
from memsim.units import PICOSECONDS

__all__ = ["search_sheet"]

SIDE_BY_SIDE = 4
"""Trials of a table."""


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
    title = "the best" if len(found.objectives) == 1 else "the front"
    grids = [_columns(found, title, shown[n : n + SIDE_BY_SIDE])
             for n in range(0, len(shown), SIDE_BY_SIDE)]  # fmt: skip
    return Sheet(f"search of {found.network}", tuple(facts), tuple(grids), tuple(notes))


def _trials(found: SearchResult, kept: int) -> str:
    told = f"{len(found.trials):,} by {found.facts.get('sampler', '?')}"
    points = found.facts.get("space")
    told += f" of {points:,} points" if points else ""
    return f"{told}, {kept:,} keep to all conditions" if found.conditions else told


def _columns(found: SearchResult, title: str, trials: tuple[Trial, ...]) -> Grid:
    """Some trials side by side: their parameters, their objectives, and what they are."""
    rows = [
        (name, *(_number(trial.parameters[name]) for trial in trials))
        for name in trials[0].parameters
    ]
    for place, (text, unit) in enumerate(zip(found.objectives, found.units, strict=True)):
        rows.append((text, *(_value(trial.values[place], unit) for trial in trials)))
    rows.append(("MACs", *(format_count(trial.macs) for trial in trials)))
    rows.append(("parameters", *(format_count(trial.params) for trial in trials)))
    return Grid(title, ("trial", *(str(trial.number) for trial in trials)), tuple(rows))


def _value(value: float, unit: str) -> str:
    if unit == "B":
        return format_bytes(int(value))
    return format_time(round(value * PICOSECONDS)) if unit == "s" else _number(value)


def _number(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return f"{int(value):,}"
    return f"{value:,.6g}" if isinstance(value, float) else str(value)
