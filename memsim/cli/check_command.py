"""``memsim check``."""

from __future__ import annotations

import click

from memsim.errors import MemsimError


@click.command("check")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
def command(files: tuple[str, ...]) -> int:
    """Validate architecture files; tell every error of every file."""
    from memsim.formats import load

    worst = 0
    for file in files:
        try:
            network = load(file)
        except MemsimError as error:
            for problem in error.problems:
                click.echo(f"memsim: {problem}", err=True)
            worst = max(worst, error.exit_code)
        else:
            click.echo(f"{file}: {network.name}, {len(network)} layers, ok")
    return worst
