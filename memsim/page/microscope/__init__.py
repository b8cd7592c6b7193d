"""The microscope as a page: a cache that is played task by task, in one small HTML file."""

from memsim.page.microscope.microscope_page import microscope_page

__all__ = ["microscope_page"]
