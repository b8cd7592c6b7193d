"""``memsim curve``."""

from __future__ import annotations

from typing import Unpack

import click

from memsim.cli.once import once
from memsim.cli.options import Chosen, network_options, only_option, options_of
from memsim.cli.output import Delivery, report_options
from memsim.cli.sizes import sizes_option
from memsim.errors import InputError, Problem
from memsim.sheets.formats import WHOLE
from memsim.simulate.heed import refuse
from memsim.simulate.options import Options


@click.command("curve")
@network_options
@sizes_option("Sizes to look at")
@once("--by-layer", is_flag=True, help="JSON, CSV: step functions per layer, role and cause.")
@once("--bound", is_flag=True, help="What no program goes below either, at every size.")
@options_of("curve")
@only_option
@report_options
def command(
    network: Chosen,
    sizes: list[str],
    by_layer: bool,
    bound: bool,
    delivery: Delivery,
    **options: Unpack[Options],
) -> None:
    """DRAM traffic of NETWORK at every cache size, exactly, in one pass.

    Tells the knees, the sizes at which traffic drops most, and what is responsible. JSON and
    CSV hold the exact step function.

    \b
    memsim curve hardnet68 --cache 512KiB,2MiB
    memsim curve vgg16 --buffer 96KiB --bound
    memsim curve hardnet68 --management hardware --format csv -o steps.csv
    """
    if by_layer and delivery.format not in WHOLE:
        message = f"a {delivery.format} has no room for the steps of every layer"
        hint = "add --format json or --format csv"
        raise InputError(Problem(message, path="--by-layer", hint=hint))
    if bound and delivery.format == "csv":
        message = "a csv holds steps of the traffic alone"
        raise InputError(Problem(message, path="--bound", hint="add --format json"))
    if not sizes:
        refuse("curve without sizes", options, ["only"])
    loaded = network.load()
    from memsim.simulate import curve

    result = curve(loaded, sizes=sizes, bound=bound, **options)
    delivery.send(result.detailed() if by_layer else result)
