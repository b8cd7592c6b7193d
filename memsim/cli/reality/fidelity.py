"""``memsim fidelity``."""

from __future__ import annotations

import click

from memsim.cli.output import Delivery, report_options


@click.command("fidelity")
@click.argument("checks", nargs=-1, metavar="[CHECK...]")
@report_options
def command(checks: tuple[str, ...], delivery: Delivery) -> None:
    """Predictions beside what was measured: all of it, or some CHECKs.

    Tables keep apart what was unseen, what a fit left out and what is in sample. All of it takes
    some minutes of one core, a check alone seconds. Test series are not predicted anew: they are
    compared with what was kept when the model was frozen.

    \b
    memsim fidelity
    memsim fidelity titan_v --format json
    """
    from memsim.validation import fidelity

    delivery.send(fidelity(checks))
