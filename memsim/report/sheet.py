"""A sheet: what a report says, before anybody decides how it looks."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: the first column is text, the others are numbers or short words.

    Attributes
    ----------
    title : str
    columns : tuple of str
    rows : tuple of tuple of str
    total : int
        How many rows at the end are sums.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int = 0


@dataclass(frozen=True, slots=True)
class Sheet:
    """A title, facts as label and text, tables, and closing notes."""

    title: str
    facts: tuple[tuple[str, str], ...] = ()
    grids: tuple[Grid, ...] = ()
    notes: tuple[str, ...] = ()
    more: tuple[tuple[str, str], ...] = field(default=())
    """Facts that come after the first table."""
