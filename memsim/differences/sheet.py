"""What is said of a difference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from memsim.differences.difference import (
    CHANGED,
    ONLY_A,
    ONLY_B,
    RENAMED,
    SAME,
    Difference,
    Row,
)
from memsim.differences.side import Amounts
from memsim.program.parts import Part
from memsim.readable import format_bytes, format_bytes_exact, format_count, format_rate, format_time
from memsim.sheets.sheet import Grid, Sheet

__all__ = ["difference_sheet"]

MOST_NAMED = 8
"""Entries of the configuration that are told; JSON holds all."""

Tell = Callable[[int], str]

QUANTITIES: tuple[tuple[str, str, Tell], ...] = (
    ("DRAM traffic", "dram_bytes", format_bytes),
    ("weights", "dram_weight_bytes", format_bytes),
    ("feature maps", "dram_feature_map_bytes", format_bytes),
    ("read", "dram_read_bytes", format_bytes),
    ("written", "dram_write_bytes", format_bytes),
    ("time", "time_ps", format_time),
    ("MACs", "macs", format_count),
    ("parameters", "params", format_count),
)

COLUMNS: tuple[tuple[str, str, Tell], ...] = (
    ("weights", "dram_weight_bytes", format_bytes),
    ("maps read", "map_read_bytes", format_bytes),
    ("written", "dram_write_bytes", format_bytes),
    ("MACs", "macs", format_count),
    ("parameters", "params", format_count),
    ("time", "time_ps", format_time),
)

NARROW = {"parameters": "params"}
"""Words of columns for which there is less room."""

MARKS = {ONLY_A: "- ", ONLY_B: "+ "}


def difference_sheet(difference: Difference, layers: int | None = 10) -> Sheet:
    """Lay out a difference.

    Parameters
    ----------
    layers : int or None
        How many rows the table of layers has, those first that differ most; None: all.
    """
    a, b = difference.a, difference.b
    changed = [row for row in difference.layers if row.change != SAME]
    return Sheet(
        title=f"from {a.label} (A) to {b.label} (B)",
        facts=(*_settings(difference), ("layers", _counts(difference))),
        grids=(_totals(difference), *([_layers(difference, changed, layers)] if changed else [])),
        notes=_notes(changed),
    )


def _settings(difference: Difference) -> Iterator[tuple[str, str]]:
    """What of machine and program is the same, and what is not."""
    a, b = difference.a, difference.b
    if a.config.get("machine") == b.config.get("machine"):
        yield "machine", str(a.config.get("machine", "-"))
    told = [
        f"{_word(name)} {_value(name, pair[0])} -> {_value(name, pair[1])}"
        for name, pair in difference.config.items()
    ]
    rest = len(told) - MOST_NAMED
    if rest > 1:
        told = [*told[:MOST_NAMED], f"{rest} others"]
    yield "options", "; ".join(told) or "the same"


def _word(name: str) -> str:
    for end in ("_bytes_per_s", "_bytes", "_ps", "_per_s"):
        name = name.removesuffix(end)
    return name.replace("_", " ")


def _value(name: str, value: Any) -> str:
    """A value of a configuration, with its unit."""
    if value is None:
        return "none"
    if name == "input_shapes":
        return ", ".join("x".join(map(str, shape)) for shape in value)
    if isinstance(value, dict):
        return f"{len(value)} entries"
    if isinstance(value, int) and not isinstance(value, bool):
        if name.endswith("bytes_per_s"):
            return format_rate(value)
        if name.endswith("_bytes"):
            return format_bytes_exact(value)
        if name.endswith("_ps"):
            return format_time(value)
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _counts(difference: Difference) -> str:
    words = {
        SAME: "the same", RENAMED: "renamed", CHANGED: "changed", ONLY_A: ONLY_A, ONLY_B: ONLY_B,
    }  # fmt: skip
    return ", ".join(f"{count} {words[name]}" for name, count in difference.counts.items() if count)


def _part(difference: Difference) -> Part | None:
    """The part of the traffic that is told; None: all."""
    return next((part for part in Part if difference.a.config.get("only") == part.value), None)


def _totals(difference: Difference) -> Grid:
    part = _part(difference)
    hidden = {
        None: (),
        Part.WEIGHTS: ("DRAM traffic", "feature maps", "written"),
        Part.FEATURE_MAPS: ("DRAM traffic", "weights"),
    }[part]
    a, b, more = difference.a.total, difference.b.total, difference.total
    rows = tuple(
        (name, tell(getattr(a, key)), tell(getattr(b, key)), _signed(getattr(more, key), tell),
         _share(getattr(a, key), getattr(more, key)))
        for name, key, tell in QUANTITIES
        if name not in hidden
    )  # fmt: skip
    return Grid("totals", ("", "A", "B", "B - A", ""), rows)


def _share(whole: int, more: int) -> str:
    """A difference as a part of what it was."""
    if not more:
        return "-"
    return f"{100 * more / whole:+.1f} %" if whole else "new"


def _signed(value: int, tell: Tell) -> str:
    if not value:
        return "-"
    return f"+{tell(value)}" if value > 0 else tell(value)


def _layers(difference: Difference, changed: list[Row], count: int | None) -> Grid:
    def weight(row: Row) -> tuple[int, ...]:
        more = row.difference
        return -abs(more.dram_bytes), -abs(more.time_ps), -abs(more.params), -abs(more.macs)

    listed = sorted(changed, key=weight)
    shown = listed if count is None else listed[:count]
    rest = listed[len(shown) :]
    columns = [each for each in COLUMNS if any(getattr(row.difference, each[1]) for row in changed)]
    rows = [(_name(row), *_cells(row.difference, columns)) for row in shown]
    title = "layers that differ, B - A"
    if rest:
        title = f"the {len(shown)} of {len(listed)} layers that differ most, B - A"
        others = Amounts.sum(row.difference for row in rest)
        rows.append((f"{len(rest)} others", *_cells(others, columns)))
    rows.append(("total", *_cells(difference.total, columns)))
    words = [name if len(columns) < len(COLUMNS) else NARROW.get(name, name)
             for name, _, _ in columns]  # fmt: skip
    return Grid(title, ("layer", *words), tuple(rows), total=2 if rest else 1)


def _cells(more: Amounts, columns: Iterable[tuple[str, str, Tell]]) -> tuple[str, ...]:
    return tuple(_signed(getattr(more, key), tell) for _, key, tell in columns)


def _name(row: Row) -> str:
    """The name of a row's first kernel, as it was and as it is."""
    first, second = row.names
    if row.change in MARKS:
        return MARKS[row.change] + (first or second)
    return first if first == second else f"{first} -> {second}"


def _notes(changed: list[Row]) -> tuple[str, ...]:
    said = []
    if not changed:
        said.append("Every layer is as it was.")
    marks = [MARKS[change].strip() for change in MARKS if any(r.change == change for r in changed)]
    if marks:
        told = {"-": "in A alone", "+": "in B alone"}
        said.append(", ".join(f"{mark} {told[mark]}" for mark in marks) + ".")
    if any(len(row.a) > 1 or len(row.b) > 1 for row in changed):
        said.append("Kernels that run the same layers are one row, under the first one's name.")
    if any(row.change in (RENAMED, CHANGED) and row.names[0] != row.names[1] for row in changed):
        said.append("Layers match by operator, shape, MACs and neighbours, and by name.")
    return (" ".join(said),) if said else ()
