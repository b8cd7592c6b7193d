"""``memsim expand``."""

from __future__ import annotations

import click

from memsim.cli.formats import ARCHITECTURES, Kinds, send
from memsim.cli.options import Chosen, network_options
from memsim.cli.output import output_option

WRITTEN = Kinds("an architecture", ARCHITECTURES, "flat.yaml", usual="yaml", printed=True)


@click.command("expand")
@network_options
@WRITTEN.option()
@output_option()
def command(network: Chosen, format_: str | None, output: str | None) -> None:
    """Print the flat architecture file of NETWORK: every layer that a block stands for.

    In YAML or in JSON; memsim reads both.
    """
    from memsim.formats import dump

    format_ = WRITTEN.chosen(format_, output)
    send(dump(network.load(), format_), output)
