"""``memsim run``."""

from __future__ import annotations

from typing import Any

import click

from memsim.cli.options import (
    Delivery,
    load_network,
    network_options,
    parse_layers,
    report_options,
    simulation_options,
)


@click.command("run")
@network_options
@simulation_options
@click.option(
    "--layers",
    default="10",
    show_default=True,
    metavar="N|all",
    help="Rows of the table of layers.",
)
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
    **options: Any,
) -> None:
    """DRAM traffic and time of one inference of NETWORK, a file or a shipped name.

    \b
    memsim run hardnet68 --cache 2MB
    memsim run my.yaml --machine jetson_nano --input 3x512x512 --format json -o out.json
    """
    rows, delivery = parse_layers(layers), Delivery(format_, output)
    loaded = load_network(network, input_, batch, dtype, variant, settings)
    from memsim.simulate import run

    delivery.send(run(loaded, **options), rows)
