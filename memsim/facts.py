"""Facts: how every kind of result prints, shows in a notebook, becomes a table and a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas


class Facts:
    """Base of what memsim finds out: it holds facts, :mod:`memsim.report` lays them out."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        raise NotImplementedError

    def rows(self) -> list[dict[str, Any]]:
        """Flat rows: what CSV and data frames hold."""
        raise NotImplementedError

    @property
    def csv_facts(self) -> Mapping[str, str]:
        """What is true of all rows and stands before them in CSV, one ``# key: value`` a line."""
        return {}

    def to_dataframe(self) -> pandas.DataFrame:
        """The rows as a pandas table (needs ``memsim[data]``).

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError("to_dataframe needs pandas: pip install 'memsim[data]'") from error
        return pandas.DataFrame(self.rows())

    def save(self, path: str | os.PathLike[str], format: str | None = None) -> None:
        """Write a file: ``table``, ``json``, ``csv``, ``md`` or ``html``, by its ending.

        Nothing half-written is left: the text goes to a temporary file beside it first.
        """
        from memsim.report import render, write_text
        from memsim.report.formats import format_of

        write_text(path, render(self, format or format_of(path)))

    def __str__(self) -> str:
        from memsim.report import render

        return render(self, "table")

    def _repr_html_(self) -> str:
        from memsim.report import render

        return render(self, "html")
