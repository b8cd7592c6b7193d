"""``memsim expand``."""

from __future__ import annotations

import click

from memsim.cli.once import once
from memsim.cli.options import Chosen, network_options


@click.command("expand")
@network_options
@once("-o", "--output", metavar="FILE", help="Write to a file, not to the terminal.")
def command(
    network: Chosen,
    output: str | None,
) -> None:
    """Print the flat architecture file of NETWORK: every layer that a block stands for."""
    from memsim.files import write_text
    from memsim.formats import dump

    text = dump(network.load())
    if output is None:
        click.echo(text, nl=False)
    else:
        write_text(output, text)
