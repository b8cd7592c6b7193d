"""Facts: how every kind of result prints, shows in a notebook, becomes a table and a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from memsim.files import write_text
from memsim.installation import install
from memsim.sheets.formats import format_of, render
from memsim.sheets.sheet import Sheet

if TYPE_CHECKING:
    import pandas


class Facts:
    """Base of what memsim finds out: it holds facts, and names what lays them out.

    Attributes
    ----------
    laid_out_by : str
        ``module:function``, the function ``(facts, layers) -> Sheet`` that lays the facts out.
        It is a name, and imported when it is needed, so that facts depend on no formatting. A
        subclass inherits it.
    """

    laid_out_by: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        raise NotImplementedError

    def rows(self) -> list[dict[str, Any]]:
        """Flat rows: what CSV and data frames hold."""
        raise NotImplementedError

    def sheet(self, layers: int | None = 10) -> Sheet:
        """What is said of the facts, laid out; ``layers`` rows of long tables, None: all."""
        module, _, function = self.laid_out_by.partition(":")
        sheet: Sheet = getattr(import_module(module), function)(self, layers)
        return sheet

    @property
    def columns(self) -> list[str]:
        """The names of the rows' columns, which a table without rows has as well."""
        rows = self.rows()
        return list(rows[0]) if rows else []

    @property
    def csv_facts(self) -> Mapping[str, str]:
        """What is true of all rows and stands before them in CSV, one ``# key: value`` a line."""
        return {}

    def to_dataframe(self) -> pandas.DataFrame:
        """The rows as a pandas table (needs the extra ``data``).

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError(f"to_dataframe needs pandas: {install('data')}") from error
        return pandas.DataFrame(self.rows(), columns=self.columns)

    def save(self, path: str | os.PathLike[str], format: str | None = None) -> None:
        """Write a file: ``table``, ``json``, ``csv``, ``md`` or ``html``, by its ending.

        Nothing half-written is left: the text goes to a temporary file beside it first.
        """
        from memsim.sheets.formats import render

        write_text(path, render(self, format or format_of(path)))

    def __str__(self) -> str:
        return render(self, "table")

    def _repr_html_(self) -> str:
        return render(self, "html")
