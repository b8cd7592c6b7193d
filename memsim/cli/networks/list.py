"""``memsim list``."""

from __future__ import annotations

import click


@click.command("list")
def command() -> None:
    """List the networks that ship with memsim."""
    from memsim.formats import names

    rows = names()
    width = max(len(row.name) for row in rows)
    for row in rows:
        click.echo(f"{row.name:<{width}}  {row.description}")
