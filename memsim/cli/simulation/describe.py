"""``memsim describe``."""

from __future__ import annotations

import click

from memsim.cli.options import (
    Chosen,
    Delivery,
    network_options,
    parse_layers,
    report_options,
)


@click.command("describe")
@network_options
@click.option("--layers", default="all", show_default=True, metavar="N|all", help="Rows.")
@report_options
def command(
    network: Chosen,
    layers: str,
    format_: str | None,
    output: str | None,
) -> None:
    """Static facts of NETWORK: shapes, parameters, MACs, CIO and MoC of every layer."""
    rows, delivery = parse_layers(layers), Delivery(format_, output)
    loaded = network.load()
    from memsim.results.description import Description

    delivery.send(Description(loaded), rows)
