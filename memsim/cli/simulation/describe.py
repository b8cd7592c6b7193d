"""``memsim describe``."""

from __future__ import annotations

import click

from memsim.cli.options import Chosen, layers_option, network_options
from memsim.cli.output import Delivery, report_options


@click.command("describe")
@network_options
@layers_option("all")
@report_options
def command(network: Chosen, layers: int | None, delivery: Delivery) -> None:
    """Static facts of NETWORK: shapes, parameters, MACs, CIO and MoC of every layer."""
    loaded = network.load()
    from memsim.simulate import describe

    delivery.send(describe(loaded), layers)
