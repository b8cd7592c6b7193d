"""``memsim design``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from memsim.cli.apart import load_all
from memsim.cli.formats import DATASETS, PICTURES, Kinds, send_picture
from memsim.cli.once import once
from memsim.cli.options import Chosen, layers_option, networks_options, options_of, parse_sizes
from memsim.cli.output import Delivery, color_option, is_given, output_option
from memsim.sheets.formats import ENDINGS
from memsim.simulate.options import Options

if TYPE_CHECKING:
    from memsim.results.inverse.design import Design

KEPT = {ending: name for ending, name in DATASETS.items() if name not in ENDINGS.values()}
"""Datasets that know their units; a CSV file holds the table."""

WRITTEN = Kinds(
    "a design",
    {**ENDINGS, **PICTURES, **KEPT},
    "front.svg",
    usual="table",
    printed=True,
    files=tuple(KEPT.values()),
)


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
@WRITTEN.option()
@output_option("Write a table, a figure (.png, .svg, .pdf) or a dataset (.nc, .zarr, .parquet).")
@color_option
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
    color: str | None,
    **options: Unpack[Options],
) -> None:
    """The machines that keep NETWORKs to a goal, none of which another one beats.

    SRAM is cache and buffers together. The networks run one after the other, once per frame.

    \b
    memsim design hardnet68 resnet50 --fps 30 --minimise sram,bandwidth
    memsim design hardnet68 --fps 60 --minimise sram,bandwidth,macs -o front.svg
    """
    from memsim.simulate import design
    from memsim.simulate.designing import check_design

    chosen, rates = parse_sizes(bandwidths), parse_sizes(mac_rates)
    format_ = WRITTEN.named(format_, output)
    delivery = None if _is_no_table(format_, output) else Delivery(format_, output, color)
    _, minimised, _ = check_design({"time": time, "fps": fps}, minimise, chosen, rates, options)
    if format_ in PICTURES.values():
        from memsim.plot.figures.front import check_front

        check_front(minimised)
    loaded = load_all(networks)
    found = design(
        loaded, time=time, fps=fps, minimise=minimise, each=each, bandwidths=chosen,
        mac_rates=rates, **options,
    )  # fmt: skip
    if delivery is not None:
        delivery.send(found, layers)
    elif output is not None and format_ in KEPT.values():
        _keep(found, output, format_)
    else:
        from memsim.plot import front

        send_picture(front(found), output, format_)


def _is_no_table(format_: str, output: str | None) -> bool:
    """Whether it is a figure or a dataset; what is wrong with it is told at once.

    Raises
    ------
    InputError
        For options of a table, a missing module, and a file that cannot be written.
    """
    from memsim.errors import InputError, Problem
    from memsim.files import check_writable

    if format_ not in (*PICTURES.values(), *KEPT.values()):
        return False
    what = "a figure" if format_ in PICTURES.values() else "a dataset"
    if is_given("color"):
        raise InputError(Problem(f"is of a table that is printed, and {what} is none", "--color"))
    if is_given("layers"):
        raise InputError(Problem(f"{what} holds all machines", "--layers", "leave it out"))
    if format_ in KEPT.values() and output is not None:
        from memsim.sweeps.files import format_of

        format_of(output, "a design", format_)
        if Path(output).is_dir():
            problem = "is there already, and is a folder"
            raise InputError(Problem(problem, file=output, hint="name another, or remove it"))
    if output is not None:
        check_writable(output if format_ in PICTURES.values() else Path(output))
    return True


def _keep(found: Design, output: str, format_: str) -> None:
    from memsim.files import problems_of_writing
    from memsim.halves import clear_halves, half_folder
    from memsim.sweeps.files import write

    target = Path(output)
    with problems_of_writing(output):
        clear_halves(target)
        with half_folder(target) as folder:
            write(found.to_xarray(), target, folder / "dataset", format_)
