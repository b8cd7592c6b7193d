"""``memsim compare``."""

from __future__ import annotations

from typing import Unpack

import click

from memsim.cli.apart import load_all
from memsim.cli.options import (
    Chosen,
    Delivery,
    networks_options,
    only_option,
    options_of,
    report_options,
)
from memsim.simulate.options import RunOptions


@click.command("compare")
@networks_options()
@options_of("compare")
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

    delivery.send(compare(loaded, **options))
