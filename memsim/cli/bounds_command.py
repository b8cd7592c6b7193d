"""``memsim bounds``."""

from __future__ import annotations

from typing import Any

import click

from memsim.cli.options import (
    Delivery,
    load_network,
    machine_options,
    network_options,
    parse_layers,
    report_options,
)
from memsim.errors import InputError


@click.command("bounds")
@network_options
@click.option("--cache", metavar="SIZE", help="Cache, such as 2MB, 2MiB, 0.")
@machine_options
@click.option("--layers", default="10", show_default=True, metavar="N|all", help="Rows.")
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
    """How far from optimal: policies beside what no policy can go below.

    \b
    memsim bounds hardnet68 --cache 500kB
    """
    rows, delivery = parse_layers(layers), Delivery(format_, output)
    if options["management"] not in (None, "scratchpad"):
        raise InputError("bounds are for a scratchpad, which knows what is still needed")
    loaded = load_network(network, input_, batch, dtype, variant, settings)
    from memsim.optimality import Optimality
    from memsim.simulate import prepare

    program, machine = prepare(loaded, options)  # type: ignore[arg-type]  # its names are those
    delivery.send(Optimality(program, machine), rows)
