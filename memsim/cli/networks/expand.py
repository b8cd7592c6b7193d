"""``memsim expand``."""

from __future__ import annotations

import click

from memsim.cli.options import Chosen, network_options
from memsim.cli.output import output_option, text_file


@click.command("expand")
@network_options
@output_option()
def command(
    network: Chosen,
    output: str | None,
) -> None:
    """Print the flat architecture file of NETWORK: every layer that a block stands for."""
    from memsim.files import write_text
    from memsim.formats import dump

    text_file(output, ".yaml", ".yml")
    text = dump(network.load())
    if output is None:
        click.echo(text, nl=False)
    else:
        write_text(output, text)
