"""``memsim report``."""

from __future__ import annotations

from typing import Unpack

import click

from memsim.cli.once import once
from memsim.cli.options import Chosen, networks_options, only_option, options_of
from memsim.errors import InputError, Problem
from memsim.simulate.options import Options


@click.command("report")
@networks_options(files=True)
@options_of("report")
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

    \b
    memsim report hardnet68 -o report.html
    memsim report hardnet68 densenet121 --machine textbook -o report.html
    """
    if explain and only is not None:
        message = "tells of all traffic, not of a part"
        raise InputError(Problem(message, "--explain", "leave --only out"))
    from memsim.files import check_writable, write_text
    from memsim.page import page, plotly_js

    plotly_js()  # before the work is done: is it there?
    check_writable(output)
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
