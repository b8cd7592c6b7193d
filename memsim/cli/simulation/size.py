"""``memsim size``."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import click

from memsim.cli.options import Chosen, machine_options, network_options
from memsim.errors import InputError, Problem, SimulationError


@click.command("size")
@network_options
@click.option("--traffic", metavar="BYTES", help="Most DRAM traffic, such as 40MB.")
@click.option("--within", metavar="PERCENT", help="Most traffic above compulsory, such as 10%.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@machine_options
def command(
    network: Chosen,
    traffic: str | None,
    within: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """The smallest cache with which NETWORK moves no more than that.

    \b
    memsim size hardnet68 --within 10%
    memsim size hardnet68 --traffic 80MB
    """
    from memsim.readable import format_bytes, format_bytes_exact
    from memsim.simulate import curve
    from memsim.units import parse_bytes

    if (traffic is None) == (within is None):
        raise InputError(Problem("give either --traffic or --within", hint="such as --within 10%"))
    share = None if within is None else _percent(within)
    limit = None if traffic is None else parse_bytes(traffic)
    loaded = network.load()
    found = curve(loaded, **options)
    compulsory = found.program.compulsory_bytes
    most = int(compulsory * (1 + share)) if share is not None else limit or 0
    size = found.smallest(most)
    if size is None:
        least = int(found.steps.dram_bytes[-1])
        raise SimulationError(
            f"no cache keeps the traffic of {loaded.name} at {most:,} B: with the largest it is "
            f"{least:,} B, of which {compulsory:,} B are compulsory"
        )
    moved = found.dram_bytes(size)
    if as_json:
        facts = {
            "schema": "memsim.size/1",
            "network": loaded.name,
            "cache_bytes": size,
            "dram_bytes": moved,
            "limit_bytes": most,
            "compulsory_bytes": compulsory,
        }
        click.echo(json.dumps(facts, indent=2))
        return
    click.echo(
        f"{loaded.name}: a cache of {format_bytes_exact(size)} ({format_bytes(size)}) moves "
        f"{format_bytes(moved)}, {moved / compulsory - 1:.1%} above compulsory; "
        "one byte less, and it is more than that."
        if size
        else f"{loaded.name}: needs no cache to stay at {format_bytes(moved)}."
    )


def _percent(text: str) -> Fraction:
    """``10%`` -> 1/10."""
    try:
        share = Fraction(text.strip().removesuffix("%")) / 100
    except (ValueError, ZeroDivisionError):
        share = Fraction(-1)
    if not 0 <= share <= 10**6:
        hint = "such as 10%"
        raise InputError(Problem(f"{text!r} is no percentage", path="--within", hint=hint))
    return share
