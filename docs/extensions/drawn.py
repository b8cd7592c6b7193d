"""``{drawn}``: a command that draws a figure, and the figure that it draws.

The command is run when the page is read, so a picture is always what the command draws today:

    ```{drawn} curve hardnet68 densenet121
    :alt: Traffic against cache size for two networks
    What the picture shows.
    ```
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from memsim.cli.main import cli

FOLDER = "drawn"


class Drawn(SphinxDirective):
    """``memsim plot`` with the given arguments."""

    required_arguments = 1
    final_argument_whitespace = True
    option_spec = {"alt": directives.unchanged_required, "file": directives.unchanged_required}  # noqa: RUF012
    has_content = True

    def run(self) -> list[nodes.Node]:
        words = shlex.split(self.arguments[0])
        file = self.options.get("file", words[0]) + ".png"
        folder = Path(self.env.srcdir) / FOLDER
        folder.mkdir(exist_ok=True)
        drawn = ["plot", *words, "-o", str(folder / file)]
        cli.main(drawn, prog_name="memsim", standalone_mode=False)

        command = f"memsim plot {' '.join(words)} -o {file}"
        figure = nodes.figure("", nodes.image(uri=f"/{FOLDER}/{file}", alt=self.options.get("alt")))
        figure["classes"].append("drawn")
        caption = nodes.caption("", "")
        text, messages = self.parse_inline(" ".join(self.content), lineno=self.content_offset + 1)
        caption += text
        figure += caption
        return [nodes.literal_block(command, command, language="sh"), figure, *messages]


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_directive("drawn", Drawn)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
