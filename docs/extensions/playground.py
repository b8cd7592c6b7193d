"""The block playground, as ``memsim playground`` writes it, beside the pages.

``{playground}`` is a link to it, with the state after ``#`` that it opens in:

    ```{playground} p=dense&n=16&k=20
    A dense block
    ```
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from memsim.playground import playground

FILE = "playground.html"


class Playground(SphinxDirective):
    """A link to the playground."""

    optional_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        above = "../" * self.env.docname.count("/")
        state = f"#{self.arguments[0]}" if self.arguments else ""
        text = escape(" ".join(self.content))
        link = f'<p><a href="{above}{FILE}{escape(state)}">{text}</a></p>'
        return [nodes.raw("", link, format="html")]


def write(app: Sphinx, error: Exception | None) -> None:
    """Write the page beside those that were built."""
    if error is None and app.builder.format == "html":
        Path(app.outdir, FILE).write_text(playground(), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_directive("playground", Playground)
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
