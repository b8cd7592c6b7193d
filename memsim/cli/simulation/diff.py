"""``memsim diff``."""

from __future__ import annotations

from typing import Unpack

import click

from memsim.cli.completion import complete
from memsim.cli.options import (
    allows_unknown,
    file_options,
    input_options,
    layers_option,
    only_option,
    options_of,
    parse_inputs,
    parse_parameters,
)
from memsim.cli.output import Delivery, report_options
from memsim.cli.sizes import at_sizes
from memsim.sheets.facts import Facts
from memsim.simulate.options import Options


@click.command("diff")
@click.argument("a", shell_complete=complete("networks"))
@click.argument("b", shell_complete=complete("networks"))
@input_options
@file_options
@options_of("diff", many=True)
@only_option
@layers_option("10", "Rows of the table of layers.")
@report_options
def command(
    a: str,
    b: str,
    input_: tuple[str, ...],
    batch: int | None,
    dtype: str | None,
    submodule: str | None,
    variant: str | None,
    settings: tuple[str, ...],
    edits: tuple[str, ...],
    only: str | None,
    layers: int | None,
    delivery: Delivery,
    **options: Unpack[Options],
) -> None:
    """What changed from A to B, layer by layer: bytes, time, MACs, parameters.

    A and B are networks as of memsim run, or results that memsim run wrote as JSON. What stands
    behind a # is for one side alone: NETWORK#lowering or NETWORK#option=value,option=value. Layers
    are matched by what they are, so that one of another name is found again.

    \b
    memsim diff resnet50 resnet50@v1.5 --cache 1MiB
    memsim diff hardnet68#eager hardnet68#concat_free
    memsim diff hardnet68#cache=1MiB hardnet68#cache=2MiB,dtype=fp16
    memsim diff before.json after.json --format md
    """
    given = {
        "input_shape": parse_inputs(input_),
        "batch": batch,
        "dtype": dtype,
        "submodule": submodule,
        "variant": variant,
        "parameters": parse_parameters(settings),
        "allow_unknown": allows_unknown(),
        "edits": edits,
    }
    loading = {name: value for name, value in given.items() if value not in (None, {}, (), False)}
    from memsim.differences.verb import diff

    def ask(**options: Unpack[Options]) -> Facts:
        return diff(a, b, only=only, loading=loading, **options)

    delivery.send(at_sizes(ask, options), layers)
