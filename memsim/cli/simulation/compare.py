"""``memsim compare``."""

from __future__ import annotations

from typing import Any

import click

from memsim.cli.options import (
    Delivery,
    input_options,
    load_network,
    report_options,
    simulation_options,
)


@click.command("compare")
@click.argument("networks", nargs=-1, required=True, metavar="NETWORK...")
@input_options
@simulation_options
@report_options
def command(
    networks: tuple[str, ...],
    input_: str | None,
    batch: int | None,
    dtype: str | None,
    format_: str | None,
    output: str | None,
    **options: Any,
) -> None:
    """NETWORKS side by side on one machine: traffic, shortcuts, lifetimes, MoC, time.

    \b
    memsim compare hardnet68 densenet121 resnet50 --cache 2MB
    memsim compare patterns/dense patterns/log patterns/sparse patterns/harmonic
    """
    delivery = Delivery(format_, output)
    loaded = [load_network(each, input_, batch, dtype, None, ()) for each in networks]
    from memsim.simulate import compare

    delivery.send(compare(loaded, **options), None)
