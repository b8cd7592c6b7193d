"""The paper's tables: the published columns beside ours."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, ClassVar

from memsim.files import read_table
from memsim.network.graph import Network
from memsim.network.metrics import Accounting, cio
from memsim.paper.figure import Figure
from memsim.registry import Registry
from memsim.sheets.facts import Facts

SCHEMA = "memsim.paper/1"

SOURCE = "arXiv:1909.00948"


@dataclass(frozen=True, slots=True)
class Column:
    """A printed column.

    Attributes
    ----------
    quantity : str
        ``params``, ``macs`` or ``cio``.
    name : str
        Its name in the data file.
    title, measure : str
        Its name in a report, and what one of it is.
    unit : Fraction
        What one of it stands for: parameters, MACs, elements.
    tolerance : Fraction
        How far ours may be off where rounding does not explain it.
    """

    quantity: str
    name: str
    title: str
    measure: str
    unit: Fraction
    tolerance: Fraction


@dataclass(frozen=True, slots=True)
class TableLayout:
    """A table of the paper: what it is called, and what its columns mean."""

    name: str
    title: str
    input_size: str
    columns: tuple[Column, Column, Column]


MILLION, GIGA = Fraction(10**6), Fraction(10**9)

TABLES: Registry[TableLayout] = Registry("table")
"""The tables by name; ``data/<name>.csv`` holds each."""

for _layout in (
    TableLayout(
        "imagenet",
        "Table 4, ImageNet classifiers",
        "3x224x224",
        (
            Column("params", "params_m", "params", "millions", MILLION, Fraction(2, 100)),
            # The paper does not say how it counts MACs; most rows are some per cent above ours.
            Column("macs", "macs_g", "MACs", "billions", GIGA, Fraction(3, 100)),
            Column("cio", "cio_m", "CIO", "millions of elements", MILLION, Fraction(75, 10_000)),
        ),
    ),
    TableLayout(
        "camvid",
        "Table 2, segmentation of CamVid",
        "3x352x480",
        (
            Column("params", "params_m", "params", "millions", MILLION, Fraction(2, 100)),
            Column(
                "macs", "gflops", "FLOP", "billions, two for each MAC", GIGA / 2, Fraction(3, 100)
            ),
            Column("cio", "cio_mb", "CIO", "MB of fp32", MILLION / 4, Fraction(1, 100)),
        ),
    ),
):
    TABLES.add(_layout.name, _layout)


@dataclass(frozen=True, slots=True)
class PaperRow:
    """A row of a table: a network, with the printed numbers beside ours.

    Attributes
    ----------
    network : str
        As the paper calls it.
    shipped, variant : str
        memsim's network and its variant; empty where there is none.
    accounting : Accounting
        What the CIO leaves out.
    figures : dict of str to Figure
        By quantity: ``params``, ``macs``, ``cio``.
    note : str
        What explains a deviation.
    """

    network: str
    shipped: str
    variant: str
    accounting: Accounting
    figures: dict[str, Figure]
    note: str

    @property
    def outside(self) -> tuple[str, ...]:
        """The quantities that agree neither by rounding nor within the tolerance."""
        return tuple(q for q, figure in self.figures.items() if figure.verdict == "outside")

    def to_dict(self) -> dict[str, Any]:
        """Plain values; parameters, MACs and CIO in single units, deviations as fractions."""
        row: dict[str, Any] = {
            "network": self.network,
            "shipped": self.shipped or None,
            "variant": self.variant or None,
        }
        for quantity in ("cio", "params", "macs"):
            figure = self.figures[quantity]
            row[quantity] = figure.ours
            row[f"{quantity}_paper"] = figure.paper
            row[f"{quantity}_deviation"] = figure.deviation
        return {
            **row,
            "outside": list(self.outside),
            "accounting": str(self.accounting),
            "note": self.note,
        }


@dataclass(frozen=True)
class PaperTable(Facts):
    """A table of the paper with our numbers.

    Examples
    --------
    >>> facts = paper_table("imagenet").to_dict()
    >>> row = next(row for row in facts["rows"] if row["network"] == "hardnet68")
    >>> row["cio"], row["cio_paper"], round(row["cio_deviation"], 4)
    (11468940, 11500000.0, -0.0027)
    """

    laid_out_by: ClassVar[str] = "memsim.paper.sheet:paper_sheet"

    layout: TableLayout
    entries: tuple[PaperRow, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.paper/1"``."""
        return {
            "schema": SCHEMA,
            "table": self.layout.name,
            "title": self.layout.title,
            "source": SOURCE,
            "input": self.layout.input_size,
            "tolerances": {c.quantity: float(c.tolerance) for c in self.layout.columns},
            "rows": [row.to_dict() for row in self.entries],
        }

    def rows(self) -> list[dict[str, Any]]:
        """One flat row per network."""
        flat = [row.to_dict() for row in self.entries]
        return [{**row, "outside": " ".join(row["outside"])} for row in flat]

    @cached_property
    def by_name(self) -> dict[str, PaperRow]:
        """The rows by network, as the paper calls it."""
        return {row.network: row for row in self.entries}


def paper_table(name: str) -> PaperTable:
    """Count every network of a table of the paper.

    Parameters
    ----------
    name : str
        A key of :data:`TABLES`: ``imagenet`` or ``camvid``.

    Raises
    ------
    InputError
        For an unknown table.

    Examples
    --------
    >>> [row.network for row in paper_table("imagenet").entries if row.outside]
    ['mobilenetv2', 'mobilenetv2_1.4', 'squeezenet1_0', 'resnet50']
    """
    layout = TABLES[name]
    lines = read_table("memsim.paper", name)
    return PaperTable(layout, tuple(_row(layout, line) for line in lines))


def _row(layout: TableLayout, line: dict[str, str]) -> PaperRow:
    from memsim.formats import load

    accounting = Accounting.parse(line["accounting"])
    counted: dict[str, int] = {}
    if line["shipped"]:
        network: Network = load(line["shipped"], variant=line["variant"] or None)
        counted = {
            "params": network.params, "macs": network.macs, "cio": cio(network, accounting)
        }  # fmt: skip
    figures = {
        column.quantity: Figure(
            line[column.name], column.unit, column.tolerance, counted.get(column.quantity)
        )
        for column in layout.columns
    }
    return PaperRow(
        line["network"], line["shipped"], line["variant"], accounting, figures, line["note"]
    )
