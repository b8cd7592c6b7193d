"""``memsim curve``."""

from __future__ import annotations

from typing import Unpack

import click

from memsim.cli.options import (
    Chosen,
    Delivery,
    machine_options,
    network_options,
    only_option,
    parse_sizes,
    report_options,
)
from memsim.simulate.options import Options


@click.command("curve")
@network_options
@click.option("--cache", "sizes", default="", metavar="SIZE,...",
              help="Sizes to look at, such as 512KiB,2MiB.")  # fmt: skip
@click.option("--by-layer", is_flag=True, help="JSON: step functions per layer, role and cause.")
@only_option
@machine_options
@report_options
def command(
    network: Chosen,
    sizes: str,
    by_layer: bool,
    delivery: Delivery,
    **options: Unpack[Options],
) -> None:
    """DRAM traffic of NETWORK at every cache size, exactly, in one pass.

    Tells the knees, the sizes at which traffic drops most, and what is responsible. JSON and
    CSV hold the exact step function.

    \b
    memsim curve hardnet68 --cache 512KiB,2MiB
    memsim curve hardnet68 --management hardware --format csv -o steps.csv
    """
    loaded = network.load()
    from memsim.simulate import curve

    result = curve(loaded, sizes=parse_sizes(sizes), **options)
    delivery.send(result.detailed() if by_layer else result)
