"""``memsim check``."""

from __future__ import annotations

import click

from memsim.errors import InputError


@click.command("check")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
def command(files: tuple[str, ...]) -> int:
    """Validate architecture files; tell every error of every file."""
    from memsim.formats import check, load

    worst = 0
    for file in files:
        problems = check(file)
        for problem in problems:
            click.echo(f"memsim: {problem}", err=True)
        if problems:
            worst = InputError.exit_code
        else:
            network = load(file)
            click.echo(f"{file}: {network.name}, {len(network)} layers, ok")
    return worst
