"""Reports: results as text, JSON, CSV, Markdown and HTML. Facts live elsewhere."""

from memsim.report.formats import FORMATS, render
from memsim.report.write import write_text

__all__ = ["FORMATS", "render", "write_text"]
