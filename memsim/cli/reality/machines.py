"""``memsim machines``."""

from __future__ import annotations

import click

from memsim.cli.once import once


@click.command("machines")
@click.argument("name", required=False)
@once("--json", "as_json", is_flag=True, help="All numbers as JSON.")
def command(name: str | None, as_json: bool) -> None:
    """List the machines that ship with memsim, or show the numbers of one."""
    import json

    from memsim.machine import load_machine, machine_names
    from memsim.readable import format_bytes, format_rate

    machines = [load_machine(each) for each in ([name] if name else machine_names())]
    if as_json or name:
        facts = [machine.resolved() for machine in machines]
        click.echo(json.dumps(facts[0] if name else facts, indent=2))
        return
    columns = [
        (
            machine.name,
            format_bytes(machine.cache_bytes),
            format_rate(machine.dram.bandwidth),
            format_rate(machine.mac_rate("conv"), "MAC"),
            machine.description,
        )
        for machine in machines
    ]
    widths = [max(len(row[i]) for row in columns) for i in range(4)]
    for row in columns:
        left = row[0].ljust(widths[0])
        numbers = "  ".join(
            cell.rjust(width) for cell, width in zip(row[1:4], widths[1:], strict=True)
        )
        click.echo(f"{left}  {numbers}  {row[4]}"[:100].rstrip())
