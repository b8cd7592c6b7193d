"""``memsim size``."""

from __future__ import annotations

from typing import Unpack

import click

from memsim.cli.apart import load_all
from memsim.cli.once import once
from memsim.cli.options import Chosen, networks_options, only_option, options_of
from memsim.cli.output import Delivery, report_options
from memsim.cli.sizes import at_sizes
from memsim.sheets.facts import Facts
from memsim.simulate.options import Options


@click.command("size")
@networks_options(files=True)
@once("--traffic", metavar="BYTES", help="Most DRAM traffic, such as 40MB.")
@once("--within", metavar="PERCENT", help="Most traffic above compulsory, such as 10%.")
@once("--time", metavar="TIME", help="The longest time of an inference, such as 10ms.")
@once("--fps", metavar="RATE", help="The fewest inferences per second, such as 30.")
@once("--stall", metavar="PERCENT", help="The largest part of the time that is stalls, such as 5%.")
@once("--energy", metavar="ENERGY", help="The most energy of an inference, such as 20mJ.")
@once(
    "--over",
    metavar="NUMBER",
    help="cache, bandwidth or macs: what is asked for.  [default: cache]",
)
@options_of("size", many=True)
@only_option
@once("--json", "as_json", is_flag=True, help="As --format json.")
@report_options
def command(
    networks: list[Chosen],
    traffic: str | None,
    within: str | None,
    time: str | None,
    fps: str | None,
    stall: str | None,
    energy: str | None,
    over: str | None,
    as_json: bool,
    delivery: Delivery,
    only: str | None,
    **options: Unpack[Options],
) -> None:
    """The smallest cache, bandwidth or MAC rate with which NETWORKs keep to a goal.

    Several are told each alone, each of them, and one after the other. One byte less, or one
    byte or MAC per second, fails.

    \b
    memsim size hardnet68 --within 10%
    memsim size hardnet68 --traffic 80MB
    memsim size hardnet68 resnet50 --fps 30 --over bandwidth
    """
    delivery = delivery.in_json(as_json)
    from memsim.simulate import size
    from memsim.simulate.sizing import check_options

    goals = {"traffic": traffic, "within": within, "time": time, "fps": fps, "stall": stall,
             "energy": energy}  # fmt: skip
    check_options(goals, over, only, options)
    loaded = load_all(networks)

    def ask(**options: Unpack[Options]) -> Facts:
        return size(loaded, **goals, over=over, only=only, **options)

    delivery.send(at_sizes(ask, options))
