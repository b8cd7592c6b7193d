"""``memsim report``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import click

from memsim.cli.once import once
from memsim.cli.options import Chosen, networks_options, only_option, options_of
from memsim.cli.output import text_file
from memsim.errors import InputError, Problem
from memsim.simulate.options import Options


@click.command("report")
@networks_options(files=True)
@options_of("report", hint="its sliders move through all sizes")
@only_option
@once("--explain", is_flag=True, help="Tell as well why, and what to change: some seconds more.")
@once("-o", "--output", metavar="FILE", required=True, help="The HTML file to write.")
def command(
    networks: list[Chosen],
    output: str,
    only: str | None,
    explain: bool,
    **options: Unpack[Options],
) -> None:
    """NETWORKS in the browser: one HTML file that answers for every cache size.

    The file needs nothing else, no network either. Sliders set the cache and the bandwidth;
    traffic is exact at every size, latency at the points of a grid that the page tells.
    In the place of networks the file of a sweep: a page on which its numbers are drawn along any
    of its axes.

    \b
    memsim report hardnet68 -o report.html
    memsim report hardnet68 densenet121 --machine textbook -o report.html
    memsim report sweep.nc -o sweep.html
    """
    if explain and only is not None:
        message = "tells of all traffic, not of a part"
        raise InputError(Problem(message, "--explain", "leave --only out"))
    from memsim.files import write_text
    from memsim.page import page, plotly_js, sweep_page
    from memsim.sweeps.files import is_sweep, load_sweep

    plotly_js()  # before the work is done: is it there?
    text_file(output, ".html", ".htm")
    if any(is_sweep(network.name) for network in networks):
        _check_alone(networks, {**options, "only": only, "explain": explain or None})
        write_text(output, sweep_page(load_sweep(networks[0].name)))
        return
    loaded = [network.load() for network in networks]
    from memsim.simulate.verbs import every_size

    results = [every_size(network, "report", only=only, **options) for network in loaded]
    told = []
    if explain:
        from memsim.explanations.question import Question
        from memsim.explanations.verb import explanation_of

        told = [
            explanation_of(Question(chosen.name, chosen.how_said, options, network))
            for chosen, network in zip(networks, loaded, strict=True)
        ]
    write_text(output, page(results, told))


def _check_alone(files: list[Chosen], options: Mapping[str, Any]) -> None:
    """Refuse what a sweep's file has settled, and more than one file."""
    if len(files) > 1:
        message = f"a page is of networks or of one sweep, not of {len(files)} files"
        raise InputError(Problem(message, hint="such as memsim report sweep.nc -o sweep.html"))
    said = [*files[0].said, *(name for name, value in options.items() if value is not None)]
    problems = [
        Problem("is settled in a sweep's file", name.strip("_"), "choose its values on the page")
        for name in said
    ]
    if problems:
        raise InputError(*problems)
