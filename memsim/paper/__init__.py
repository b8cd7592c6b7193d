"""The tables of the HarDNet paper (arXiv:1909.00948): what is printed, and what memsim counts."""

from memsim.paper.table import TABLES, PaperRow, PaperTable, paper_table

__all__ = ["TABLES", "PaperTable", "PaperRow", "paper_table"]
