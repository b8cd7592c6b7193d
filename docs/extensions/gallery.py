"""The gallery of all networks, as ``memsim report --gallery`` writes it, beside the pages.

``{gallery}`` is a link to it, with the state after ``#`` that it opens in:

    ```{gallery} cache=2+MiB&sort=traffic
    All networks at 2 MiB
    ```
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from made import LinkToMade, beside
from sphinx.application import Sphinx

import memsim
from memsim.formats.shipped import names
from memsim.page.gallery import write_gallery

FOLDER = "gallery"

MACHINE = "edge"

FILE = f"{FOLDER}/index.html"


class Gallery(LinkToMade):
    """A link to the gallery."""

    target = FILE


def write(app: Sphinx, error: Exception | None) -> None:
    """Write the folder beside the pages that were built: all networks at their input sizes."""
    if error is None and app.builder.format == "html":
        results = (memsim.curve(each.name, machine=MACHINE) for each in names())
        write_gallery(Path(app.outdir, FOLDER), results, beside(FILE))


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_directive("gallery", Gallery)
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
