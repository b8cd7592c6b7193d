"""``memsim curve``."""

from __future__ import annotations

from typing import Any

import click

from memsim.cli.options import (
    Chosen,
    Delivery,
    machine_options,
    network_options,
    report_options,
)


@click.command("curve")
@network_options
@click.option("--cache", metavar="SIZE,...", help="Sizes to look at, such as 512KiB,2MiB.")
@click.option("--by-layer", is_flag=True, help="JSON: step functions per layer, role and cause.")
@machine_options
@report_options
def command(
    network: Chosen,
    cache: str | None,
    by_layer: bool,
    format_: str | None,
    output: str | None,
    **options: Any,
) -> None:
    """DRAM traffic of NETWORK at every cache size, exactly, in one pass.

    Tells the knees, the sizes at which traffic drops most, and what is responsible. JSON and
    CSV hold the exact step function.

    \b
    memsim curve hardnet68 --cache 512KiB,2MiB
    memsim curve hardnet68 --management hardware --format csv -o steps.csv
    """
    delivery = Delivery(format_, output)
    sizes = [size for size in (cache or "").split(",") if size.strip()]
    loaded = network.load()
    from memsim.simulate import curve

    found = curve(loaded, sizes=sizes, **options)
    delivery.send(found.detailed() if by_layer else found, None)
