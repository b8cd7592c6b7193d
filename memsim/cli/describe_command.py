"""``memsim describe``."""

from __future__ import annotations

import click

from memsim.cli.options import (
    Delivery,
    load_network,
    network_options,
    parse_layers,
    report_options,
)


@click.command("describe")
@network_options
@click.option("--layers", default="all", show_default=True, metavar="N|all", help="Rows.")
@report_options
def command(
    network: str,
    input_: str | None,
    batch: int | None,
    dtype: str | None,
    variant: str | None,
    settings: tuple[str, ...],
    layers: str,
    format_: str | None,
    output: str | None,
) -> None:
    """Static facts of NETWORK: shapes, parameters, MACs, CIO and MoC of every layer."""
    rows, delivery = parse_layers(layers), Delivery(format_, output)
    loaded = load_network(network, input_, batch, dtype, variant, settings)
    from memsim.describe import Description

    delivery.send(Description(loaded), rows)
