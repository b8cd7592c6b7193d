"""``memsim memory``."""

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


@click.command("memory")
@network_options
@machine_options
@click.option("--layers", default="20", show_default=True, metavar="N|all", help="Rows.")
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
    """The memory plan of NETWORK: peak bytes, and the offset of every feature map.

    \b
    memsim memory hardnet68 --allocator arena
    memsim memory densenet121 --lowering eager --allocator caching --format json
    """
    rows, delivery = parse_layers(layers), Delivery(format_, output)
    loaded = load_network(network, input_, batch, dtype, variant, settings)
    from memsim.memory import Memory
    from memsim.simulate import prepare

    program, _ = prepare(loaded, options)  # type: ignore[arg-type]  # the options' names are those
    delivery.send(Memory(program), rows)
