"""``memsim schema``."""

from __future__ import annotations

import json

import click

from memsim.cli.formats import Kinds, send
from memsim.cli.output import output_option

WRITTEN = Kinds("a schema", {".json": "json"}, "schema.json", usual="json", printed=True)


@click.command("schema")
@WRITTEN.option()
@output_option()
def command(format_: str | None, output: str | None) -> None:
    """Print the JSON Schema of architecture files, for editors."""
    from memsim.formats import json_schema

    WRITTEN.chosen(format_, output)
    send(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n", output)
