"""``memsim report``."""

from __future__ import annotations

from typing import Any

import click

from memsim.cli.options import input_options, load_network, machine_options


@click.command("report")
@click.argument("networks", nargs=-1, required=True, metavar="NETWORK...")
@input_options
@click.option("--variant", help="A variant that the files name, such as v1.5.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter of the files; may be given several times.",
)
@click.option("--cache", metavar="SIZE", help="Where the slider begins, such as 2MB.")
@machine_options
@click.option("-o", "--output", metavar="FILE", required=True, help="The HTML file to write.")
def command(
    networks: tuple[str, ...],
    input_: str | None,
    batch: int | None,
    dtype: str | None,
    variant: str | None,
    settings: tuple[str, ...],
    output: str,
    **options: Any,
) -> None:
    """NETWORKS in the browser: one HTML file that answers for every cache size.

    The file needs nothing else, no network either. Sliders set the cache and the bandwidth;
    traffic is exact at every size, latency at the points of a grid that the page tells.

    \b
    memsim report hardnet68 -o report.html
    memsim report hardnet68 densenet121 --machine edge -o report.html
    """
    from memsim.files import check_writable, write_text
    from memsim.page import page, plotly_js

    plotly_js()  # before the work is done: is it there?
    check_writable(output)
    loaded = [load_network(each, input_, batch, dtype, variant, settings) for each in networks]
    from memsim.simulate import curve

    write_text(output, page([curve(network, **options) for network in loaded]))
