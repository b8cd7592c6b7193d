"""The report page: one HTML file that answers for every cache size, without a server."""

from memsim.page.html_page import page
from memsim.page.sweep_page import sweep_page

__all__ = ["page", "sweep_page"]
