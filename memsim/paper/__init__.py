"""The tables of the HarDNet paper (arXiv:1909.00948): what is printed, and what memsim counts."""

from collections.abc import Callable
from functools import partial

from memsim.paper.table import TABLES, PaperRow, PaperTable, paper_table
from memsim.paper.traffic import PaperTraffic, paper_traffic
from memsim.registry import Registry
from memsim.sheets.facts import Facts

REPORTS: Registry[Callable[[], Facts]] = Registry("table")
"""Everything that ``memsim paper`` tells, by name."""

for _name in TABLES:
    REPORTS.add(_name, partial(paper_table, _name))
REPORTS.add("traffic", paper_traffic)

__all__ = [
    "REPORTS",
    "TABLES",
    "PaperRow",
    "PaperTable",
    "PaperTraffic",
    "paper_table",
    "paper_traffic",
]
