"""What memsim writes beside the built pages, and links to it."""

from __future__ import annotations

from html import escape
from typing import ClassVar

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

PAGES = {
    "Documentation": "index.html",
    "All networks": "gallery/index.html",
    "Block playground": "playground.html",
    "Cache microscope": "microscope.html",
}
"""The pages, and what is written beside them: what each is called, and where it is."""


def beside(own: str) -> dict[str, str]:
    """Links from one of :data:`PAGES` to the others: addresses by what they are called."""
    above = "../" * own.count("/")
    return {name: above + page for name, page in PAGES.items() if page != own}


class LinkToMade(SphinxDirective):
    """A link to what is written beside the pages, with the state after ``#`` that it opens in.

    Attributes
    ----------
    target : str
        Where it is, from the folder of all pages.
    """

    optional_arguments = 1
    has_content = True
    target: ClassVar[str]

    def run(self) -> list[nodes.Node]:
        above = "../" * self.env.docname.count("/")
        state = f"#{self.arguments[0]}" if self.arguments else ""
        text = escape(" ".join(self.content))
        link = f'<p><a href="{above}{self.target}{escape(state)}">{text}</a></p>'
        return [nodes.raw("", link, format="html")]
