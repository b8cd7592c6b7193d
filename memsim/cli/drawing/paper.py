"""``memsim paper``."""

from __future__ import annotations

import click

from memsim.cli.output import Delivery, report_options
from memsim.cli.sizes import at_sizes, sizes_option
from memsim.errors import InputError, Problem


@click.command("paper")
@click.argument("table", metavar="imagenet|camvid|traffic")
@sizes_option("Of traffic: the cache", "  [default: 4.5MB]")
@report_options
def command(table: str, sizes: list[str], delivery: Delivery) -> None:
    """A table of the HarDNet paper: the published columns beside ours, with the deviation.

    \b
    imagenet  Table 4: parameters, MACs and CIO of classifiers
    camvid    Table 2: the same of segmentation networks
    traffic   what those of camvid move, beside the CIO that stands for it

    \b
    memsim paper imagenet
    memsim paper camvid --format json
    memsim paper traffic --cache 2MB
    """
    from memsim.paper import REPORTS

    make = REPORTS[table]
    if table == "traffic":
        from memsim.paper import paper_traffic

        chosen = {"cache": sizes if len(sizes) > 1 else (*sizes, None)[0]}
        delivery.send(at_sizes(paper_traffic, chosen))
        return
    if sizes:
        message = f"table {table} is counted, not simulated"
        raise InputError(Problem(message, path="--cache", hint="memsim paper traffic has a cache"))
    delivery.send(make())
