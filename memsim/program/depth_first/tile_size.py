"""Sizes of strips: so many rows of a group's last map, and of tiles so many columns."""

from __future__ import annotations

import re
from typing import NamedTuple

from memsim.errors import InputError, Problem

__all__ = ["Strip", "TileSize"]

Strip = int | str
"""How a strip is said: rows, or ``ROWSxCOLUMNS`` such as ``8x32``."""

MOST = 1 << 24
"""Rows or columns; far beyond any map."""


class TileSize(NamedTuple):
    """How large the strips of a group are.

    Attributes
    ----------
    rows : int or None
        None: as many as the buffers hold in one tile.
    columns : int or None
        None: strips are whole rows.
    """

    rows: int | None = None
    columns: int | None = None

    @classmethod
    def of(cls, told: object) -> TileSize:
        """Read what is said of a strip.

        Raises
        ------
        InputError
            If it is no size.

        Examples
        --------
        >>> TileSize.of(4), TileSize.of("8x32")
        (TileSize(rows=4, columns=None), TileSize(rows=8, columns=32))
        >>> TileSize.of("8x")
        Traceback (most recent call last):
        memsim.errors.InputError: strip: '8x' is no height (1 row or more, or a tile such as 8x32)
        """
        if told is None:
            return cls()
        if isinstance(told, int) and not isinstance(told, bool) and 1 <= told <= MOST:
            return cls(told)
        if isinstance(told, str) and re.fullmatch(r"0*[1-9][0-9]{0,7}(x0*[1-9][0-9]{0,7})?", told):
            return cls(*map(int, told.split("x")))
        hint = "1 row or more, or a tile such as 8x32"
        raise InputError(Problem(f"{told!r} is no height", path="strip", hint=hint))

    def __str__(self) -> str:
        return "auto" if self.rows is None else "x".join(str(each) for each in self if each)
