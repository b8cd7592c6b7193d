"""``memsim rules``."""

from __future__ import annotations

import click

from memsim.cli.completion import complete
from memsim.cli.output import Delivery, report_options


@click.command("rules")
@click.argument("machines", nargs=-1, metavar="[MACHINE...]", shell_complete=complete("machines"))
@report_options
def command(machines: tuple[str, ...], delivery: Delivery) -> None:
    """What rules the time: whether MACs, CIO or DRAM traffic rank networks as it does.

    Of all machines that are shipped, or of some MACHINEs, names or files.

    \b
    memsim rules
    memsim rules gtx1080 mine.yaml
    """
    from memsim.validation import rules

    delivery.send(rules(machines))
