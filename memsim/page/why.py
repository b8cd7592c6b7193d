"""The section that tells why networks move what they move, and what to change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from memsim.explanations.explanation import Explanation
from memsim.readable import format_bytes_exact
from memsim.sheets.sheet import Grid

__all__ = ["why"]


def why(explanations: Sequence[Explanation], names: Sequence[str]) -> str:
    """The section as HTML; empty where nothing is explained.

    Parameters
    ----------
    explanations : sequence of Explanation
    names : sequence of str
        What the page calls their networks.
    """
    return "".join(_section(explanations, names)) if explanations else ""


def _section(explanations: Sequence[Explanation], names: Sequence[str]) -> Iterator[str]:
    own = format_bytes_exact(explanations[0].result.machine.cache_bytes)
    yield "<section aria-labelledby='h-why'>\n<h2 id='h-why'>Why, and what to change</h2>\n"
    yield f"<p class='hint'>At the machine’s own cache, {own}: the sliders do not change this "
    yield "section. Every figure is that of a run, whose command stands below.</p>\n"
    for name, explanation in zip(names, explanations, strict=True):
        sheet = explanation.sheet(None)
        if len(names) > 1:
            yield f"<h3 class='name'>{escape(name)}</h3>\n"
        yield f"<dl class='facts'>{_told(sheet.facts)}</dl>\n"
        for grid in sheet.grids:
            yield _table(grid)
        if sheet.more:
            yield "<details><summary>The commands</summary>"
            yield f"<dl class='facts'>{_told(sheet.more)}</dl></details>\n"
        yield f"<ul class='notes'>{''.join(f'<li>{escape(note)}</li>' for note in sheet.notes)}"
        yield "</ul>\n"
    yield "</section>\n"


def _told(facts: Sequence[tuple[str, str]]) -> str:
    """Facts as terms with what is said of them; one without a label goes on with the last one."""
    lines: list[str] = []
    for label, text in facts:
        command = text.startswith(("$ ", "memsim "))
        shown = f"<code>{escape(text.removeprefix('$ '))}</code>" if command else escape(text)
        if label or not lines:
            lines.append(f"<dt>{escape(label)}</dt><dd>{shown}")
        else:
            lines[-1] += f"<br>{shown}"
    return "".join(f"{line}</dd>" for line in lines)


def _table(grid: Grid) -> str:
    head = "".join(f"<th scope='col'>{escape(name)}</th>" for name in grid.columns)
    rows = "".join(
        f"<tr><th scope='row'>{escape(name)}</th>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
        for name, *cells in grid.rows
    )
    return (
        f"<div class='across'><table><caption>{escape(grid.title)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>\n"
    )
