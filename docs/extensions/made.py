"""What memsim writes beside the built pages, and links to it."""

from __future__ import annotations

from html import escape
from typing import ClassVar

from docutils import nodes
from sphinx.util.docutils import SphinxDirective


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
