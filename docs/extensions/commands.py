"""``{commands}``: every command of memsim, in the order of ``memsim --help``.

A section for each: what it does, its examples, and its options as ``--help`` prints them.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from memsim.cli.main import COMMANDS, cli

WIDTH = 80

SECTION = """\
## {name}

{about}

{options}
"""

OPTIONS = """\
:::{{dropdown}} Usage and options
```text
{help}
```
:::
"""


class Commands(SphinxDirective):
    """The sections."""

    def run(self) -> list[nodes.Node]:
        with click.Context(cli, info_name="memsim") as above:
            text = "\n".join(section(above, name) for name in COMMANDS)
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def section(above: click.Context, name: str) -> str:
    """A command's section."""
    command = cli.get_command(above, name)
    assert command is not None
    with click.Context(command, parent=above, info_name=name, terminal_width=WIDTH) as context:
        told = command.get_help(context)
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    usage, _, options = told.partition("\nOptions:")
    return SECTION.format(
        name=name,
        about="\n\n".join(map(paragraph, paragraphs)),
        options=OPTIONS.format(help=f"{usage.splitlines()[0]}\n\nOptions:{options}".rstrip()),
    )


def paragraph(text: str) -> str:
    """Prose, with options as code; what click leaves as it stands as a block of text."""
    if not text.startswith("\b\n"):
        return re.sub(r"(?<![\w`-])--[a-z][a-z-]*", r"`\g<0>`", text)
    lines = text.removeprefix("\b\n")
    return f"```{'sh' if lines.startswith('memsim ') else 'text'}\n{lines}\n```"


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_directive("commands", Commands)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
