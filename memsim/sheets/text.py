"""Sheets as text for a terminal, 80 columns wide unless told otherwise."""

from __future__ import annotations

from io import StringIO
from typing import Literal, TextIO

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from memsim.sheets.aligned import Aligned, aligned
from memsim.sheets.sheet import Grid, Sheet

WIDTH = 80

LEAST_NAME = 12
"""Columns of the terminal that names in a table have at least."""


def print_sheet(sheet: Sheet, console: Console) -> None:
    """Print a sheet on a console."""
    console.print(Text(sheet.title, style="bold"))
    if sheet.facts:
        console.print()
        console.print(_facts(sheet.facts))
    first, others = sheet.grids[: sheet.leading], sheet.grids[sheet.leading :]
    for grid in first:
        _print_grid(grid, console)
    if sheet.more:
        console.print()
        console.print(_facts(sheet.more))
    for grid in others:
        _print_grid(grid, console)
    for note in sheet.notes:
        console.print()
        console.print(Text(note, style="dim"))
    for part in sheet.parts:
        console.print("\n")
        print_sheet(part, console)


def terminal(stream: TextIO, widest: int, colours: bool) -> Console:
    """A console that prints on a stream, with its width where it is a terminal's.

    Parameters
    ----------
    stream : text file
    widest : int
        Columns that are taken of a wide one.
    colours : bool
        Whether there are any, whatever the stream is.
    """
    forced = colours and not stream.isatty()
    system: Literal["auto", "standard"] = "standard" if forced else "auto"
    console = Console(
        file=stream,
        highlight=False,
        no_color=False,  # what the environment says was asked before
        color_system=system if colours else None,
        force_terminal=True if forced else None,
        width=WIDTH if forced else None,
    )
    console.width = min(console.width, widest)
    return console


def as_text(sheet: Sheet, width: int = WIDTH) -> str:
    """A sheet as plain text."""
    out = StringIO()
    print_sheet(sheet, Console(file=out, width=width, color_system=None, legacy_windows=False))
    lines = out.getvalue().splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _facts(facts: tuple[tuple[str, str], ...]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in facts:
        table.add_row(label, Text(text))
    return table


def _print_grid(grid: Grid, console: Console) -> None:
    console.print()
    lines = None if console.options.ascii_only else aligned(grid, console.width, LEAST_NAME)
    if lines is None:
        console.print(_grid(grid, console.width))
    else:
        console.print(_Lines(lines), crop=False)


class _Lines:
    """Lines as rich prints them, a piece each for what is bold and what is not."""

    def __init__(self, lines: Aligned) -> None:
        self.lines = lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        bold = Style(bold=True)
        for text, style in (
            (self.lines.head, bold), (self.lines.rule, None),
            (self.lines.body, None), (self.lines.sums, bold),
        ):  # fmt: skip
            if text:
                yield Segment("\n".join(text), style)
                yield Segment.line()


def _grid(grid: Grid, width: int) -> Table:
    table = Table(
        title=Text(grid.title, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    widest = [max(map(len, cells)) for cells in zip(grid.columns, *grid.rows, strict=True)]
    # Names give way, numbers do not, as long as there is room for a name at all.
    room = width - sum(2 + column for column in widest[1:])
    fits = room >= LEAST_NAME
    for position, name in enumerate(grid.columns):
        if position:
            least = widest[position] if fits else None
            table.add_column(name, justify="right", no_wrap=True, min_width=least)
        else:
            most = max(LEAST_NAME, min(room, widest[0])) if fits else None
            table.add_column(
                name, overflow="ellipsis", no_wrap=True, min_width=LEAST_NAME, max_width=most
            )
    sums = len(grid.rows) - grid.total
    for number, row in enumerate(grid.rows):
        style = "bold" if number >= sums else ""
        table.add_row(*(Text(cell) for cell in row), style=style, end_section=number == sums - 1)
    return table
