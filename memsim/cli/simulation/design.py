"""``memsim design``."""

from __future__ import annotations

from typing import Unpack

import click

from memsim.cli.once import once
from memsim.cli.options import (
    Chosen,
    Delivery,
    layers_option,
    networks_options,
    options_of,
    parse_sizes,
)
from memsim.simulate.options import Options


@click.command("design")
@networks_options(files=True)
@once("--fps", metavar="RATE", help="The fewest frames per second, such as 30.")
@once("--time", metavar="TIME", help="Instead: the longest time of a frame, such as 10ms.")
@once(
    "--minimise",
    default="sram,bandwidth",
    show_default=True,
    metavar="NUMBER,...",
    help="Of sram, bandwidth and macs.",
)
@once("--each", is_flag=True, help="Each network alone keeps to it, not one after the other.")
@once(
    "--bandwidths",
    default="",
    metavar="RATE,...",
    help="Bandwidths to choose from, where macs are minimised, too.",
)
@once(
    "--mac-rates",
    default="",
    metavar="RATE,...",
    help="MAC rates to choose from.  [default: doublings of the machine's]",
)
@options_of("design")
@layers_option("12", "Machines.")
@once("--format", "format_", metavar="FORMAT", help="table, json, csv or md.")
@once(
    "-o",
    "--output",
    metavar="FILE",
    help="Write to a file: a table, or a figure (.png, .svg, .pdf).",
)
def command(
    networks: list[Chosen],
    fps: str | None,
    time: str | None,
    minimise: str,
    each: bool,
    bandwidths: str,
    mac_rates: str,
    layers: int | None,
    format_: str | None,
    output: str | None,
    **options: Unpack[Options],
) -> None:
    """The machines that keep NETWORKs to a goal, none of which another one beats.

    SRAM is cache and buffers together. The networks run one after the other, once per frame.

    \b
    memsim design hardnet68 resnet50 mobilenetv2 --fps 30 --minimise sram,bandwidth
    memsim design hardnet68 --fps 60 --minimise sram,bandwidth,macs -o front.svg
    """
    from memsim.cli.options import is_given
    from memsim.errors import InputError, Problem
    from memsim.files import check_writable
    from memsim.simulate import design
    from memsim.simulate.designing import check_design

    chosen, rates = parse_sizes(bandwidths), parse_sizes(mac_rates)
    figure = output is not None and output.lower().endswith((".png", ".svg", ".pdf"))
    if figure and output is not None:
        if is_given("format_"):
            raise InputError(Problem("and a figure are two formats", path="--format"))
        check_writable(output)
    delivery = None if figure else Delivery(format_, output)
    check_design({"time": time, "fps": fps}, minimise, chosen, rates, options)
    loaded = [network.load() for network in networks]
    found = design(
        loaded, time=time, fps=fps, minimise=minimise, each=each, bandwidths=chosen,
        mac_rates=rates, **options,
    )  # fmt: skip
    if delivery is not None:
        delivery.send(found, layers)
        return
    from memsim.plot import save
    from memsim.plot.figures.front import front

    assert output is not None
    save(front(found), output)
