"""``memsim bounds``."""

from __future__ import annotations

from typing import Unpack

import click

from memsim.cli.options import (
    Chosen,
    Delivery,
    layers_option,
    network_options,
    only_option,
    options_of,
    report_options,
)
from memsim.simulate.options import Options


@click.command("bounds")
@network_options
@options_of("bounds")
@only_option
@layers_option("10")
@report_options
def command(
    network: Chosen,
    layers: int | None,
    delivery: Delivery,
    **options: Unpack[Options],
) -> None:
    """How far from optimal: policies beside what no policy can go below.

    \b
    memsim bounds hardnet68 --cache 500kB
    """
    loaded = network.load()
    from memsim.simulate import bounds

    delivery.send(bounds(loaded, **options), layers)
