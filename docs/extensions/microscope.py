"""The cache microscope of a harmonic block, as ``memsim microscope`` writes it, beside the pages.

``{microscope}`` is a link to it, with the state after ``#`` that it opens in:

    ```{microscope} step=8
    At layer 8
    ```
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from made import LinkToMade, beside
from sphinx.application import Sphinx

import memsim
from memsim.page.microscope import microscope_page

FILE = "microscope.html"


class Microscope(LinkToMade):
    """A link to the microscope."""

    target = FILE


def write(app: Sphinx, error: Exception | None) -> None:
    """Write the page beside those that were built: the block of the film in its how-to."""
    if error is None and app.builder.format == "html":
        seen = memsim.microscope(
            "patterns/harmonic", cache="768KiB", machine="textbook", lowering="concat_free",
            tile="whole",
        )  # fmt: skip
        Path(app.outdir, FILE).write_text(microscope_page(seen, beside(FILE)), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_directive("microscope", Microscope)
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
