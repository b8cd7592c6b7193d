"""``memsim bounds``."""

from __future__ import annotations

from typing import Any

import click

from memsim.cli.options import (
    Chosen,
    Delivery,
    machine_options,
    network_options,
    parse_layers,
    report_options,
)


@click.command("bounds")
@network_options
@click.option("--cache", metavar="SIZE", help="Cache, such as 2MB, 2MiB, 0.")
@machine_options
@click.option("--layers", default="10", show_default=True, metavar="N|all", help="Rows.")
@report_options
def command(
    network: Chosen,
    layers: str,
    format_: str | None,
    output: str | None,
    **options: Any,
) -> None:
    """How far from optimal: policies beside what no policy can go below.

    \b
    memsim bounds hardnet68 --cache 500kB
    """
    rows, delivery = parse_layers(layers), Delivery(format_, output)
    loaded = network.load()
    from memsim.results.optimality import Optimality
    from memsim.simulate import prepare

    program, machine = prepare(loaded, **options)
    delivery.send(Optimality(program, machine), rows)
