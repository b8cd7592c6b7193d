"""``memsim list``."""

from __future__ import annotations

import click

from memsim.cli.completion import complete_kinds
from memsim.cli.options import Delivery, report_options


@click.command("list")
@click.argument("kind", required=False, default="networks", shell_complete=complete_kinds)
@report_options
def command(kind: str, delivery: Delivery) -> None:
    """List what there is to choose from, a line each: the networks, or all of a KIND.

    KIND is networks, machines, lowerings, schedules, groups, layer-orders, orders, policies,
    managements, allocators, operators, patterns, edits or traces.

    \b
    memsim list
    memsim list policies
    memsim list operators --format json
    """
    from memsim.cli.listing import listing

    found = listing(kind)
    if delivery.format == "table" and delivery.output is None:
        for line in found.lines:
            click.echo(line)
    else:
        delivery.send(found)
