"""``memsim machines``."""

from __future__ import annotations

import json

import click

from memsim.cli.completion import complete
from memsim.cli.listing import MachineNumbers
from memsim.cli.networks.list import told
from memsim.cli.once import once
from memsim.cli.output import Delivery, is_given, report_options


@click.command("machines")
@click.argument("name", required=False, shell_complete=complete("machines"))
@once("--json", "as_json", is_flag=True, help="As --format json; all numbers of every machine.")
@report_options
def command(name: str | None, as_json: bool, delivery: Delivery) -> None:
    """List the machines that ship with memsim, or show the numbers of one, a name or a file.

    Of one they are JSON where nothing else is said.

    \b
    memsim machines
    memsim machines jetson_nano --format table
    memsim machines ./mine.yaml -o mine.json
    """
    from memsim.machine import load_machine, machine_names

    delivery = delivery.in_json(as_json)
    if name is not None:
        shown = MachineNumbers(load_machine(name))
        plain = delivery.is_printed_table and not any(map(is_given, ("format_", "color")))
        (Delivery("json", None) if plain else delivery).send(shown)
    elif as_json:
        numbers = [load_machine(each).resolved() for each in machine_names()]
        delivery.send_text(json.dumps(numbers, indent=2) + "\n")
    else:
        told("machines", delivery)
