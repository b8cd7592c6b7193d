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
)


@click.command("run")
@network_options
@click.option("--machine", default="edge", show_default=True, help="A preset or a machine file.")
@click.option("--cache", metavar="SIZE", help="Cache, such as 2MB, 2MiB, 0.")
@click.option("--bandwidth", metavar="RATE", help="Peak DRAM bandwidth, such as 25.6GB/s.")
@click.option("--macs", metavar="RATE", help="Compute rate, such as 0.5TMAC/s.")
@click.option("--buffer", metavar="SIZE", help="Streaming buffers beside the cache.")
@click.option(
    "--lowering",
    default="fused",
    show_default=True,
    help="eager, fused or concat_free: how layers become kernels.",
)
@click.option("--schedule", default="layer_by_layer", show_default=True, help="Order of tasks.")
@click.option(
    "--order",
    default="rows_outer",
    show_default=True,
    help="Order inside a kernel: rows_outer or weights_outer.",
)
@click.option(
    "--tile", default="auto", show_default=True, help="auto, or whole for one task per kernel."
)
@click.option("--policy", help="Replacement policy of the cache.")
@click.option("--management", help="Management of on-chip memory.")
@click.option(
    "--clock",
    default="replay",
    show_default=True,
    help="replay (event by event) or recurrence (the same in closed form).",
)
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
