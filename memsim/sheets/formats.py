"""The formats of a report, by name."""

from __future__ import annotations

import os
from collections.abc import Callable

from memsim.files import ending_of, shown_as_text
from memsim.progress import stage
from memsim.registry import Registry
from memsim.sheets.sheet import Printable

Format = Callable[[Printable, int | None], str]

FORMATS: Registry[Format] = Registry("format")
"""Formats: (facts, rows of the layer table or None for all) -> text."""


def render(facts: Printable, format: str = "table", layers: int | None = 10) -> str:
    """Printable as text in one of :data:`FORMATS`, ending in a newline.

    Parameters
    ----------
    facts : Printable
    format : str
        ``table``, ``json``, ``csv``, ``md`` or ``html``.
    layers : int or None
        Rows of the table of layers; None: all. JSON and CSV always hold all.
    """
    with stage("answer"):
        return FORMATS[format](facts, layers)


WHOLE = ("json", "csv")
"""Formats that always hold all rows."""


ENDINGS = {".txt": "table", ".json": "json", ".csv": "csv", ".md": "md", ".html": "html"}
"""The format that a file's ending stands for; a file without one holds the table."""


def format_of(path: str | os.PathLike[str]) -> str:
    """The format of a file, by its ending.

    Raises
    ------
    InputError
        For an ending that stands for none.

    Examples
    --------
    >>> format_of("out.JSON"), format_of("out.txt"), format_of("/dev/stdout")
    ('json', 'table', 'table')
    >>> format_of("out.jsn")
    Traceback (most recent call last):
    memsim.errors.InputError: out.jsn: no format has the ending '.jsn' (did you mean '.json'?)
    """
    name = os.fspath(path)
    ending = ending_of(name, ENDINGS, "no format has the ending")
    return ENDINGS[ending] if ending else "table"


@FORMATS.register("table")
def _table(facts: Printable, layers: int | None) -> str:
    from memsim.sheets.text import as_text

    return as_text(facts.sheet(layers))


@FORMATS.register("json")
def _json(facts: Printable, layers: int | None) -> str:
    import json

    return json.dumps(facts.to_dict(), indent=2, ensure_ascii=False) + "\n"


@FORMATS.register("csv")
def _csv(facts: Printable, layers: int | None) -> str:
    import csv
    from io import StringIO

    rows, out = facts.rows(), StringIO()
    for key, value in facts.csv_facts.items():
        out.write(f"# {key}: {value}\n")  # what is true of all rows, as a file of runs has it
    if columns := facts.columns:
        writer = csv.DictWriter(out, fieldnames=columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: shown_as_text(cell) for name, cell in row.items()} for row in rows)
    return out.getvalue()


@FORMATS.register("md")
def _markdown(facts: Printable, layers: int | None) -> str:
    from memsim.sheets.markup import as_markdown

    return as_markdown(facts.sheet(layers))


@FORMATS.register("html")
def _html(facts: Printable, layers: int | None) -> str:
    from memsim.sheets.markup import as_html

    return as_html(facts.sheet(layers))
