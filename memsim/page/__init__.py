"""The report page: one HTML file that answers for every cache size, without a server."""

from memsim.page.html_page import page
from memsim.page.plotly_js import plotly_js
from memsim.page.sweep_page import sweep_page

__all__ = ["page", "plotly_js", "sweep_page"]
