"""``memsim schema``."""

from __future__ import annotations

import json

import click

from memsim.cli.output import output_option, text_file


@click.command("schema")
@output_option()
def command(output: str | None) -> None:
    """Print the JSON Schema of architecture files, for editors."""
    from memsim.files import write_text
    from memsim.formats import json_schema

    text_file(output, ".json")
    text = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        write_text(output, text)
