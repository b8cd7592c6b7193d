"""``memsim expand``."""

from __future__ import annotations

import click

from memsim.cli.options import load_network, network_options


@click.command("expand")
@network_options
@click.option("-o", "--output", metavar="FILE", help="Write to a file, not to the terminal.")
def command(
    network: str,
    input_: str | None,
    batch: int | None,
    dtype: str | None,
    variant: str | None,
    settings: tuple[str, ...],
    output: str | None,
) -> None:
    """Print the flat architecture file of NETWORK: every layer that a block stands for."""
    from memsim.formats import dump
    from memsim.report.write import write_text

    text = dump(load_network(network, input_, batch, dtype, variant, settings))
    if output is None:
        click.echo(text, nl=False)
    else:
        write_text(output, text)
