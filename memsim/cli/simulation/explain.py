"""``memsim explain``."""

from __future__ import annotations

from typing import Unpack

import click

from memsim.cli.options import Chosen, layers_option, network_options, options_of
from memsim.cli.output import Delivery, report_options
from memsim.cli.sizes import at_sizes
from memsim.sheets.facts import Facts
from memsim.simulate.options import Options


@click.command("explain")
@network_options
@options_of("explain", many=True)
@layers_option("all", "Rows of the list of what to change.")
@report_options
def command(
    network: Chosen,
    layers: int | None,
    delivery: Delivery,
    **options: Unpack[Options],
) -> None:
    """Why NETWORK moves what it moves, and what to change: each figure by a run.

    \b
    memsim explain hardnet68 --cache 2MB
    memsim explain my.yaml --machine edge --format md -o why.md
    """
    loaded = network.load()
    from memsim.explanations.question import Question
    from memsim.explanations.verb import explanation_of

    def ask(**options: Unpack[Options]) -> Facts:
        return explanation_of(Question(network.name, network.how_said, options, loaded))

    delivery.send(at_sizes(ask, options), layers)
