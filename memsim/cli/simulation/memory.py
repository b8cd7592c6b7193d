"""``memsim memory``."""

from __future__ import annotations

from typing import Unpack

import click

from memsim.cli.options import Chosen, layers_option, network_options, options_of
from memsim.cli.output import Delivery, report_options
from memsim.simulate.options import Options


@click.command("memory")
@network_options
@options_of("memory")
@layers_option("20")
@report_options
def command(
    network: Chosen,
    layers: int | None,
    delivery: Delivery,
    **options: Unpack[Options],
) -> None:
    """The memory plan of NETWORK: peak bytes, and the offset of every feature map.

    \b
    memsim memory hardnet68 --allocator arena
    memsim memory densenet121 --lowering eager --allocator caching --format json
    """
    loaded = network.load()
    from memsim.simulate import memory

    delivery.send(memory(loaded, **options), layers)
