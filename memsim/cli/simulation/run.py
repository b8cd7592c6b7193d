"""``memsim run``."""

from __future__ import annotations

from typing import Any

import click

from memsim.cli.options import (
    Chosen,
    Delivery,
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
    network: Chosen,
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
    loaded = network.load()
    from memsim.simulate import run

    delivery.send(run(loaded, **options), rows)
