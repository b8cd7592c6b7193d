"""The block playground, as ``memsim playground`` writes it, beside the pages.

``{playground}`` is a link to it, with the state after ``#`` that it opens in:

    ```{playground} p=dense&n=16&k=20
    A dense block
    ```
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from made import LinkToMade, beside
from sphinx.application import Sphinx

from memsim.playground import playground

FILE = "playground.html"


class Playground(LinkToMade):
    """A link to the playground."""

    target = FILE


def write(app: Sphinx, error: Exception | None) -> None:
    """Write the page beside those that were built."""
    if error is None and app.builder.format == "html":
        Path(app.outdir, FILE).write_text(playground(beside(FILE)), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_directive("playground", Playground)
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
