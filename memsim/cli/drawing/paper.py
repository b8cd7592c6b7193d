"""``memsim paper``."""

from __future__ import annotations

import click

from memsim.cli.options import Delivery, report_options


@click.command("paper")
@click.argument("table", metavar="imagenet|camvid")
@report_options
def command(table: str, delivery: Delivery) -> None:
    """A table of the HarDNet paper: the published columns beside ours, with the deviation.

    \b
    memsim paper imagenet
    memsim paper camvid --format json
    """
    from memsim.paper import paper_table

    delivery.send(paper_table(table))
