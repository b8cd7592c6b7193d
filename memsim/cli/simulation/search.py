"""``memsim search``."""

from __future__ import annotations

from typing import Unpack

import click

from memsim.cli.completion import complete
from memsim.cli.once import once
from memsim.cli.options import input_options, layers_option, options_of, parse_inputs
from memsim.cli.output import Delivery, report_options
from memsim.cli.progress import progress_bar
from memsim.errors import InputError, Problem
from memsim.simulate.options import Options


@click.command("search")
@click.argument("network", shell_complete=complete("networks"))
@once("--variant", help="A variant that the file names, such as v1.5.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUES",
    help="A parameter of the file: 8:24:4, 1.5,1.6,1.7 or 1.5..1.9.",
)
@click.option(
    "--minimise",
    multiple=True,
    metavar="EXPRESSION",
    help="Such as 'dram_bytes at 2MiB'; several give a front.",
)
@click.option("--maximise", multiple=True, metavar="EXPRESSION", help="The same, to be large.")
@click.option("--subject-to", multiple=True, metavar="CONDITION", help="Such as 'macs <= 1.9G'.")
@once("--trials", type=int, default=100, show_default=True, help="Networks, in all.")
@once(
    "--sampler",
    default="tpe",
    show_default=True,
    help="tpe, random, nsga2, or grid: every point of the space.",
)
@once("--seed", type=int, default=0, show_default=True, help="Of the sampler.")
@once(
    "--storage",
    metavar="URL",
    help="A database such as sqlite:///search.db, where the search goes on.",
)
@layers_option("10")
@input_options
@options_of("search", hint="an expression may name one: 'dram_bytes at 2MiB'")
@report_options
def command(
    network: str,
    variant: str | None,
    settings: tuple[str, ...],
    minimise: tuple[str, ...],
    maximise: tuple[str, ...],
    subject_to: tuple[str, ...],
    trials: int,
    sampler: str,
    seed: int,
    storage: str | None,
    layers: int | None,
    input_: tuple[str, ...],
    batch: int | None,
    dtype: str | None,
    submodule: str | None,
    delivery: Delivery,
    **options: Unpack[Options],
) -> None:
    """The parameters of NETWORK's file that make the most of what a run tells.

    \b
    memsim search hardnet68 --set growth4=32:48:4 --set multiplier=1.5..1.9 \\
      --minimise "dram_feature_map_bytes at 1MiB" --subject-to "macs <= 4.3G"
    """
    from memsim.searches.verb import search

    if submodule is not None:
        message = "is of PyTorch modules, which have no parameters to vary"
        raise InputError(Problem(message, path="--submodule", hint="a file with parameters"))
    given = {
        "input_shape": parse_inputs(input_),
        "batch": batch,
        "dtype": dtype,
        "variant": variant,
    }
    with progress_bar("trials") as progress:
        found = search(
            network,
            _varied(settings),
            minimise,
            maximise=maximise,
            subject_to=subject_to,
            trials=trials,
            sampler=sampler,
            seed=seed,
            storage=storage,
            progress=progress,
            loading={name: value for name, value in given.items() if value is not None},
            **options,
        )
    delivery.send(found, layers=layers)


def _varied(settings: tuple[str, ...]) -> dict[str, object]:
    """The values of each parameter, as they were written."""
    varied: dict[str, object] = {}
    for pair in settings:
        name, sign, values = pair.partition("=")
        if not sign or not name.strip() or not values.strip():
            message = f"{pair!r} varies nothing; expected NAME=VALUES"
            raise InputError(Problem(message, path="--set", hint="such as growth=8:24:4"))
        if name.strip() in varied:
            raise InputError(Problem(f"{name.strip()} is set twice", path="--set"))
        varied[name.strip()] = values
    return varied
