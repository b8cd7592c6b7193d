"""``memsim memory``."""

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


@click.command("memory")
@network_options
@machine_options
@click.option("--layers", default="20", show_default=True, metavar="N|all", help="Rows.")
@report_options
def command(
    network: Chosen,
    layers: str,
    format_: str | None,
    output: str | None,
    **options: Any,
) -> None:
    """The memory plan of NETWORK: peak bytes, and the offset of every feature map.

    \b
    memsim memory hardnet68 --allocator arena
    memsim memory densenet121 --lowering eager --allocator caching --format json
    """
    rows, delivery = parse_layers(layers), Delivery(format_, output)
    loaded = network.load()
    from memsim.results.memory import Memory
    from memsim.simulate import prepare

    program, machine = prepare(loaded, **options)
    delivery.send(Memory(program, machine), rows)
