"""``memsim compare``."""

from __future__ import annotations

from typing import Unpack

import click

from memsim.cli.apart import load_all
from memsim.cli.options import Chosen, networks_options, only_option, options_of
from memsim.cli.output import Delivery, report_options
from memsim.cli.sizes import at_sizes
from memsim.sheets.facts import Facts
from memsim.simulate.options import RunOptions


@click.command("compare")
@networks_options()
@options_of("compare", many=True)
@only_option
@report_options
def command(
    networks: list[Chosen],
    delivery: Delivery,
    **options: Unpack[RunOptions],
) -> None:
    """NETWORKS side by side on one machine: traffic, shortcuts, lifetimes, MoC, time.

    \b
    memsim compare hardnet68 densenet121 resnet50 --cache 2MB
    memsim compare patterns/dense patterns/log patterns/sparse patterns/harmonic
    """
    loaded = load_all(networks)
    from memsim.simulate import compare

    def ask(**options: Unpack[RunOptions]) -> Facts:
        return compare(loaded, **options)

    layout = "memsim.results.sheets.several:comparisons_sheet"
    delivery.send(at_sizes(ask, options, layout))
