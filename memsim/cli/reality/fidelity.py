"""``memsim fidelity``."""

from __future__ import annotations

import click

from memsim.cli.once import once
from memsim.cli.output import Delivery, report_options


@click.command("fidelity")
@click.argument("checks", nargs=-1, metavar="[CHECK...]")
@once("--summary", is_flag=True, help="A line per check, and the goals it misses.")
@once("--anew", is_flag=True, help="Make every check now: ten minutes in all.")
@report_options
def command(checks: tuple[str, ...], summary: bool, anew: bool, delivery: Delivery) -> None:
    """Predictions beside what was measured: all of it, or some CHECKs.

    Tables keep apart what was unseen, what a fit left out and what is in sample. Checks that take
    long are told as they were last made, while nothing that they rest on has changed and small
    ones, made now, come out the same; standard error says which. Test series are compared with
    what was kept when the model was frozen.

    \b
    memsim fidelity --summary
    memsim fidelity titan_v --format json
    """
    from memsim.cli.progress import progress_bar
    from memsim.validation import fidelity

    with progress_bar("checks") as told:
        found = fidelity(checks, anew=anew, told=told)
    if found.kept:
        count = "1 check is" if len(found.kept) == 1 else f"{len(found.kept)} checks are"
        message = f"{count} told as kept, and small ones made now say the same; --anew makes all"
        click.echo(f"memsim: {message}", err=True)
    delivery.send(found.verdicts if summary else found)
