"""``memsim list``."""

from __future__ import annotations

import click

from memsim.cli.completion import complete_kinds
from memsim.cli.listing import listing
from memsim.cli.output import Delivery, report_options


def told(kind: str, delivery: Delivery) -> None:
    """Print what a kind has, or write it."""
    found = listing(kind)
    if delivery.is_printed_table:
        delivery.say(found.lines)
    else:
        delivery.send(found)


@click.command("list")
@click.argument("kind", required=False, default="networks", shell_complete=complete_kinds)
@report_options
def command(kind: str, delivery: Delivery) -> None:
    """List what there is to choose from, a line each: the networks, or all of a KIND.

    KIND is networks, machines, lowerings, schedules, groups, layer-orders, orders, policies,
    managements, allocators, operators, patterns, edits, libraries, heaps, clocks, figures or
    traces.

    \b
    memsim list
    memsim list policies
    memsim list operators --format json
    """
    told(kind, delivery)
