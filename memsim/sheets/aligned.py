"""Tables whose columns all fit, as aligned lines.

What a library for terminals does for a cell of any width, colour and script takes 0.5 ms a row.
Plain cells that need no wrapping are put side by side here, to the same characters.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from memsim.sheets.sheet import Grid

BETWEEN = "  "


@dataclass(frozen=True, slots=True)
class Aligned:
    """A table as lines: title and heads of columns, the rule below them, rows, and sums."""

    head: list[str]
    rule: list[str]
    body: list[str]
    sums: list[str]


def aligned(grid: Grid, width: int, least: int) -> Aligned | None:
    """A grid as lines, the first column to the left and the others to the right.

    Parameters
    ----------
    grid : Grid
    width : int
        Columns of the terminal.
    least : int
        Columns that the first column has at least; where it has no room for its cells, they end in
        an ellipsis.

    Returns
    -------
    Aligned or None
        None where something has to give way or is not as wide as its number of characters.

    Examples
    --------
    >>> lines = aligned(Grid("", ("layer", "MACs"), (("conv1", "12"), ("pool", "3"))), 80, 12)
    >>> for line in (*lines.head, *lines.rule, *lines.body):
    ...     print(line)
    layer         MACs
    ──────────────────
    conv1           12
    pool             3
    """
    if not grid.rows or not grid.columns or not _plain(grid):
        return None
    columns = list(zip(grid.columns, *grid.rows, strict=True))
    widths = [max(map(len, cells)) for cells in columns]
    room = width - sum(len(BETWEEN) + each for each in widths[1:])
    if room < least or min(widths[1:], default=1) == 0:
        return None
    first = widths[0] = max(least, min(room, widths[0]))
    whole = sum(widths) + len(BETWEEN) * (len(widths) - 1)
    if len(grid.title) > whole:
        return None
    if max(map(len, columns[0])) > first:
        columns[0] = tuple(
            [name if len(name) <= first else f"{name[: first - 1]}…" for name in columns[0]]
        )
    cells = [[name.ljust(first) for name in columns[0]]]
    cells += [
        [cell.rjust(each) for cell in texts]
        for texts, each in zip(columns[1:], widths[1:], strict=True)
    ]
    heads, *lines = map(BETWEEN.join, zip(*cells, strict=True))
    split = len(lines) - grid.total
    title = [grid.title] if grid.title else []
    body, sums = lines[:split], lines[split:]
    if body and sums:
        body.append("")
    return Aligned([*title, heads], ["─" * whole], body, sums)


def _plain(grid: Grid) -> bool:
    """Whether each character takes one column and means nothing, and no cell ends in spaces."""
    cells = list(chain([grid.title], grid.columns, *grid.rows))
    everything = "".join(cells)
    return (
        everything.isascii()
        and everything.isprintable()
        and list(map(str.strip, cells)) == cells
        and not {"[", ":"} & set("".join(grid.columns))
    )
