"""``memsim size``."""

from __future__ import annotations

from typing import Unpack

import click

from memsim.cli.once import once
from memsim.cli.options import (
    Chosen,
    Delivery,
    is_given,
    network_options,
    only_option,
    options_of,
    report_options,
)
from memsim.errors import InputError, Problem
from memsim.simulate.options import Options


@click.command("size")
@network_options
@once("--traffic", metavar="BYTES", help="Most DRAM traffic, such as 40MB.")
@once("--within", metavar="PERCENT", help="Most traffic above compulsory, such as 10%.")
@options_of("size")
@only_option
@once("--json", "as_json", is_flag=True, help="As --format json.")
@report_options
def command(
    network: Chosen,
    traffic: str | None,
    within: str | None,
    as_json: bool,
    delivery: Delivery,
    **options: Unpack[Options],
) -> None:
    """The smallest cache with which NETWORK moves no more than that.

    \b
    memsim size hardnet68 --within 10%
    memsim size hardnet68 --traffic 80MB
    """
    if as_json:
        if is_given("format_") and delivery.format != "json":
            message = f"and --format {delivery.format} are two formats"
            raise InputError(Problem(message, path="--json", hint="name one"))
        delivery = Delivery("json", delivery.output)
    loaded = network.load()
    from memsim.simulate import size

    delivery.send(size(loaded, traffic=traffic, within=within, **options))
