"""The formats of a report, by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from memsim.registry import Registry

if TYPE_CHECKING:
    from memsim.report.sheet import Sheet


class Reportable(Protocol):
    """Facts that can be reported."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""

    def rows(self) -> list[dict[str, Any]]:
        """One flat row per layer."""


Format = Callable[[Reportable, "int | None"], str]

FORMATS: Registry[Format] = Registry("format")
"""Formats: (facts, rows of the layer table or None for all) -> text."""


def render(facts: Reportable, format: str = "table", layers: int | None = 10) -> str:
    """Facts as text in one of :data:`FORMATS`, ending in a newline.

    Parameters
    ----------
    facts : Result or Description
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


def sheet_of(facts: Reportable, layers: int | None) -> Sheet:
    """The sheet that says these facts."""
    from memsim.describe import Description
    from memsim.report.description_sheet import description_sheet
    from memsim.report.result_sheet import result_sheet
    from memsim.results import Result

    if isinstance(facts, Result):
        return result_sheet(facts, layers)
    if isinstance(facts, Description):
        return description_sheet(facts, layers)
    raise TypeError(f"no sheet for {type(facts).__name__}")


@FORMATS.register("table")
def _table(facts: Reportable, layers: int | None) -> str:
    from memsim.report.text import as_text

    return as_text(sheet_of(facts, layers))


@FORMATS.register("json")
def _json(facts: Reportable, layers: int | None) -> str:
    import json

    return json.dumps(facts.to_dict(), indent=2, ensure_ascii=False) + "\n"


@FORMATS.register("csv")
def _csv(facts: Reportable, layers: int | None) -> str:
    import csv
    from io import StringIO

    rows, out = facts.rows(), StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


@FORMATS.register("md")
def _markdown(facts: Reportable, layers: int | None) -> str:
    from memsim.report.markup import as_markdown

    return as_markdown(sheet_of(facts, layers))


@FORMATS.register("html")
def _html(facts: Reportable, layers: int | None) -> str:
    from memsim.report.markup import as_html

    return as_html(sheet_of(facts, layers))
