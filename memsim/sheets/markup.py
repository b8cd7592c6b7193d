"""Sheets as Markdown and as HTML fragments."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from memsim.sheets.sheet import Grid, Sheet


def as_markdown(sheet: Sheet) -> str:
    """A sheet as GitHub-flavoured Markdown."""
    return "\n".join(_markdown(sheet)) + "\n"


def _markdown(sheet: Sheet) -> Iterator[str]:
    yield f"# {_cell(sheet.title)}"
    first, others = sheet.grids[: sheet.leading], sheet.grids[sheet.leading :]
    for facts, grids in ((sheet.facts, first), (sheet.more, others)):
        if facts:
            yield ""
            yield from (f"- **{_cell(label)}**: {_cell(text)}" for label, text in facts)
        for grid in grids:
            yield ""
            yield f"## {_cell(grid.title)}"
            yield ""
            yield from _markdown_grid(grid)
    for note in sheet.notes:
        yield ""
        yield _cell(note)
    for part in sheet.parts:
        yield ""
        yield from _markdown(part)


def _markdown_grid(grid: Grid) -> Iterator[str]:
    yield f"| {' | '.join(map(_cell, grid.columns))} |"
    yield f"| :-- |{' --: |' * (len(grid.columns) - 1)}"
    for row in grid.rows:
        yield f"| {' | '.join(map(_cell, row))} |"


def _cell(text: str) -> str:
    """Text that Markdown shows as it is: names come from files."""
    for mark in "\\`*_|<>[]":
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\n", " ")


def as_html(sheet: Sheet) -> str:
    """A sheet as an HTML fragment for notebooks; names are escaped."""
    return "".join(_html(sheet))


def _html(sheet: Sheet) -> Iterator[str]:
    yield f"<div class='memsim'><h4>{escape(sheet.title)}</h4>"
    first, others = sheet.grids[: sheet.leading], sheet.grids[sheet.leading :]
    for facts, grids in ((sheet.facts, first), (sheet.more, others)):
        if facts:
            yield "<table>"
            for label, text in facts:
                yield f"<tr><th style='text-align:left'>{escape(label)}</th>"
                yield f"<td style='text-align:left'>{escape(text)}</td></tr>"
            yield "</table>"
        for grid in grids:
            yield from _html_grid(grid)
    for note in sheet.notes:
        yield f"<p><small>{escape(note)}</small></p>"
    for part in sheet.parts:
        yield from _html(part)
    yield "</div>"


def _html_grid(grid: Grid) -> Iterator[str]:
    yield f"<table><caption style='text-align:left'>{escape(grid.title)}</caption><thead><tr>"
    yield from (f"<th scope='col'>{escape(name)}</th>" for name in grid.columns)
    yield "</tr></thead><tbody>"
    for row in grid.rows:
        yield f"<tr><th scope='row' style='text-align:left'>{escape(row[0])}</th>"
        yield from (f"<td style='text-align:right'>{escape(cell)}</td>" for cell in row[1:])
        yield "</tr>"
    yield "</tbody></table>"
