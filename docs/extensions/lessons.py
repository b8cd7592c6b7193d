"""The lessons of ``notebooks/`` as pages: copied beside the others, run when they are read.

A lesson's links to ``../docs/`` are made to fit, and under its title the notebook is offered.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

FOLDER = "lessons"

OFFER = (
    "*Every output on this page was computed when the page was built. To run and change it "
    "yourself, take {{download}}`{name}.ipynb`.*"
)


INSTALL = "```{code-cell} ipython3\n"
"""How the first cell begins, which installs memsim where a notebook has none."""

HIDDEN = ":tags: [remove-cell]\n\n"


def copy(app: Sphinx) -> None:
    """Copy what is new or changed, so that Sphinx runs those lessons again and no others."""
    notebooks, here = Path(app.srcdir).parent / "notebooks", Path(app.srcdir) / FOLDER
    here.mkdir(exist_ok=True)
    wanted = {path.name: path for path in sorted(notebooks.glob("[0-9]*")) if path.is_file()}
    for old in here.iterdir():
        if old.name not in wanted:
            old.unlink()
    for name, path in wanted.items():
        ours = here / name
        if not ours.exists() or ours.read_bytes() != path.read_bytes():
            shutil.copyfile(path, ours)


def adapt(app: Sphinx, page: str, source: list[str]) -> None:
    """Make a lesson a page."""
    folder, _, name = page.rpartition("/")
    if folder != FOLDER:
        return
    text = source[0].replace("](../docs/", "](../").replace(INSTALL, f"{INSTALL}{HIDDEN}", 1)
    text = re.sub(r"\]\((\d\w*)\.ipynb\)", r"](\1.md)", text)
    source[0] = re.sub(
        r"^(# .+)$",
        lambda title: f"{title[1]}\n\n{OFFER.format(name=name)}",
        text,
        count=1,
        flags=re.MULTILINE,
    )


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("builder-inited", copy)
    app.connect("source-read", adapt)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
