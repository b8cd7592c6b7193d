"""The formats of a report, by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from memsim.facts import Facts
from memsim.registry import Registry

if TYPE_CHECKING:
    from memsim.report.sheet import Sheet


Format = Callable[[Facts, "int | None"], str]

FORMATS: Registry[Format] = Registry("format")
"""Formats: (facts, rows of the layer table or None for all) -> text."""


def render(facts: Facts, format: str = "table", layers: int | None = 10) -> str:
    """Facts as text in one of :data:`FORMATS`, ending in a newline.

    Parameters
    ----------
    facts : Facts
    format : str
        ``table``, ``json``, ``csv``, ``md`` or ``html``.
    layers : int or None
        Rows of the table of layers; None: all. JSON and CSV always hold all.
    """
    return FORMATS[format](facts, layers)


ENDINGS = {".json": "json", ".csv": "csv", ".md": "md", ".html": "html"}
"""The format that a file's ending stands for; others hold the table."""


def format_of(path: str | os.PathLike[str]) -> str:
    """The format of a file, by its ending.

    Examples
    --------
    >>> format_of("out.JSON"), format_of("out.txt")
    ('json', 'table')
    """
    return ENDINGS.get(os.path.splitext(os.fspath(path))[1].lower(), "table")


SHEETS = {
    "Calibration": "calibration_sheet",
    "Comparison": "comparison_sheet",
    "CurveResult": "curve_sheet",
    "Description": "description_sheet",
    "Fidelity": "fidelity_sheet",
    "Measurement": "measurement_sheet",
    "Memory": "memory_sheet",
    "Optimality": "optimality_sheet",
    "PaperTable": "paper_sheet",
    "Probe": "probe_sheet",
    "Result": "result_sheet",
    "SimulatedCache": "simulated_cache_sheet",
}
"""What lays out each kind of facts: a module of this package and the function of its name."""


def sheet_of(facts: Facts, layers: int | None) -> Sheet:
    """The sheet that says these facts."""
    name = SHEETS[type(facts).__name__]
    sheet: Sheet = getattr(import_module(f"memsim.report.{name}"), name)(facts, layers)
    return sheet


@FORMATS.register("table")
def _table(facts: Facts, layers: int | None) -> str:
    from memsim.report.text import as_text

    return as_text(sheet_of(facts, layers))


@FORMATS.register("json")
def _json(facts: Facts, layers: int | None) -> str:
    import json

    return json.dumps(facts.to_dict(), indent=2, ensure_ascii=False) + "\n"


@FORMATS.register("csv")
def _csv(facts: Facts, layers: int | None) -> str:
    import csv
    from io import StringIO

    rows, out = facts.rows(), StringIO()
    for key, value in facts.csv_facts.items():
        out.write(f"# {key}: {value}\n")  # what is true of all rows, as a file of runs has it
    writer = csv.DictWriter(out, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


@FORMATS.register("md")
def _markdown(facts: Facts, layers: int | None) -> str:
    from memsim.report.markup import as_markdown

    return as_markdown(sheet_of(facts, layers))


@FORMATS.register("html")
def _html(facts: Facts, layers: int | None) -> str:
    from memsim.report.markup import as_html

    return as_html(sheet_of(facts, layers))
