"""What is said of a table of the paper."""

from __future__ import annotations

from memsim.paper.figure import Figure
from memsim.paper.table import Column, PaperRow, PaperTable
from memsim.sheets.sheet import Grid, Sheet


def paper_sheet(table: PaperTable, layers: int | None = None) -> Sheet:
    """Lay out a table of the paper; ``layers`` does not apply, all rows are shown."""
    columns = table.layout.columns
    heads = [head for column in columns for head in (column.title, "paper", "%")]
    rows = tuple(
        (row.network, *(cell for c in columns for cell in _cells(c, row.figures[c.quantity])))
        for row in table.entries
    )
    limits = ", ".join(f"{float(100 * c.tolerance):g} % ({c.title})" for c in columns)
    return Sheet(
        title=f"HarDNet (arXiv:1909.00948), {table.layout.title}, {table.layout.input_size}",
        facts=(
            ("units", "; ".join(f"{column.title} in {column.measure}" for column in columns)),
            ("*", f"off by more than rounding to the printed digit and by more than {limits}"),
        ),
        grids=(Grid("ours, the paper's, the deviation in %", ("network", *heads), rows),),
        more=(*_accountings(table), *_notes(table.entries)),
    )


def _cells(column: Column, figure: Figure) -> tuple[str, str, str]:
    if figure.ours is None or figure.deviation is None:
        return ("-", figure.printed, "-")
    ours = float(figure.ours / column.unit)
    digits = 0 if ours >= 1000 else 3 - len(str(int(ours)))
    percent = 100 * figure.deviation
    told = f"{percent:+.1f}" if abs(percent) < 9.95 else f"{percent:+.0f}"
    mark = "*" if figure.verdict == "outside" else ""
    return (f"{ours:.{max(digits, 0)}f}", figure.printed, told + mark)


def _accountings(table: PaperTable) -> tuple[tuple[str, str], ...]:
    """The options of the CIO that differ from eq. 1, each with the networks it is used for."""
    used: dict[str, list[str]] = {}
    for row in table.entries:
        if row.shipped and str(row.accounting) != "eq. 1":
            used.setdefault(str(row.accounting), []).append(row.network)
    return tuple(("CIO", f"{option} for {', '.join(names)}") for option, names in used.items())


def _notes(rows: tuple[PaperRow, ...]) -> tuple[tuple[str, str], ...]:
    """Each note once, with the networks it is about."""
    about: dict[str, list[str]] = {}
    for row in rows:
        if row.note:
            about.setdefault(row.note, []).append(row.network)
    return tuple(
        (names[0], note) if len(names) == 1 else ("several", f"{', '.join(names)}: {note}")
        for note, names in about.items()
    )
