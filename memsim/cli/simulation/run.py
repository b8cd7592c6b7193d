"""``memsim run``."""

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
from memsim.simulate.options import RunOptions


@click.command("run")
@network_options
@options_of("run")
@only_option
@layers_option("10", "Rows of the table of layers.")
@report_options
def command(
    network: Chosen,
    layers: int | None,
    delivery: Delivery,
    **options: Unpack[RunOptions],
) -> None:
    """DRAM traffic and time of one inference of NETWORK, a file or a shipped name.

    \b
    memsim run hardnet68 --cache 2MB
    memsim run my.yaml --machine jetson_nano --input 3x512x512 --format json -o out.json
    """
    loaded = network.load()
    from memsim.simulate import run

    delivery.send(run(loaded, **options), layers)
