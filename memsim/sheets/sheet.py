"""A sheet: what a report says, before anybody decides how it looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


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
    """Facts that come after the leading tables."""
    leading: int = 1
    """How many tables lead."""
    parts: tuple[Sheet, ...] = ()
    """Sheets of their own that come below."""


class Printable(Protocol):
    """What can be told in every format; :class:`memsim.sheets.facts.Facts` is its base."""

    @property
    def columns(self) -> list[str]:
        """The names of the rows' columns."""

    @property
    def csv_facts(self) -> Mapping[str, str]:
        """What is true of all rows."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""

    def rows(self) -> list[dict[str, Any]]:
        """Flat rows."""

    def sheet(self, layers: int | None) -> Sheet:
        """What is said, laid out."""
