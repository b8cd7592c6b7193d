"""``memsim run``."""

from __future__ import annotations

from typing import Unpack

import click

from memsim.cli.once import once
from memsim.cli.options import Chosen, layers_option, network_options, only_option, options_of
from memsim.cli.output import Delivery, is_given, report_options
from memsim.cli.sizes import at_sizes
from memsim.errors import InputError, Problem
from memsim.sheets.facts import Facts
from memsim.simulate.options import RunOptions


@click.command("run")
@network_options
@options_of("run", many=True)
@only_option
@layers_option("10", "Rows of the table of layers.")
@once("--by", metavar="GROUP", help="stage, block or module: a row for each, not for each layer.")
@once("--tensors", is_flag=True, help="A row for each tensor, not for each layer.")
@report_options
def command(
    network: Chosen,
    layers: int | None,
    by: str | None,
    tensors: bool,
    delivery: Delivery,
    **options: Unpack[RunOptions],
) -> None:
    """DRAM traffic and time of one inference of NETWORK, a file or a shipped name.

    \b
    memsim run hardnet68 --cache 2MB
    memsim run hardnet68 --cache 256KiB:4MiB:log2
    memsim run hardnet68 --by stage
    memsim run my.yaml --machine jetson_nano --input 3x512x512 -o out.json
    """
    if by is not None and tensors:
        problem = Problem("tensors are in no groups", "--by", "leave it or --tensors out")
        raise InputError(problem)
    if by is not None:
        from memsim.network.stages import grouped

        grouped([], by)  # an unknown word is an error before any work
    loaded = network.load()
    from memsim.simulate import run

    def ask(**options: Unpack[RunOptions]) -> Facts:
        result = run(loaded, **options)
        if by is not None:
            from memsim.results.details.breakdown import Grouped

            return Grouped(result, by)
        if tensors:
            from memsim.results.details.breakdown import Tensors

            return Tensors(result)
        return result

    asked_for_rows = by is not None or tensors or is_given("layers")
    layout = f"memsim.results.sheets.several:runs_{'in_full' if asked_for_rows else 'sheet'}"
    rows = None if by is not None and not is_given("layers") else layers
    delivery.send(at_sizes(ask, options, layout), rows)
