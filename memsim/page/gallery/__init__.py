"""The gallery: a folder with a report page of each network and a front page that compares them."""

from memsim.page.gallery.write import write_gallery

__all__ = ["write_gallery"]
