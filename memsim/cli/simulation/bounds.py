"""``memsim bounds``."""

from __future__ import annotations

from typing import Unpack

import click

from memsim.cli.options import Chosen, layers_option, network_options, only_option, options_of
from memsim.cli.output import Delivery, report_options
from memsim.cli.sizes import at_sizes
from memsim.sheets.facts import Facts
from memsim.simulate.options import Options


@click.command("bounds")
@network_options
@options_of("bounds", many=True)
@only_option
@layers_option("10")
@report_options
def command(
    network: Chosen,
    layers: int | None,
    delivery: Delivery,
    only: str | None,
    **options: Unpack[Options],
) -> None:
    """How low can it go: policies, orders and groups beside what nothing can go below.

    \b
    memsim bounds hardnet68 --cache 500kB
    """
    loaded = network.load()
    from memsim.explanations.ladder import bounds_of
    from memsim.explanations.question import Question

    how = {name: value for name, value in network.how.items() if value}

    def ask(**options: Unpack[Options]) -> Facts:
        return bounds_of(Question(network.name, how, options, loaded), only)

    delivery.send(at_sizes(ask, options), layers)
