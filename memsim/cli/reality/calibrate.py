"""``memsim calibrate``."""

from __future__ import annotations

import shlex

import click

from memsim.cli.completion import complete
from memsim.cli.once import once
from memsim.cli.output import (
    Delivery,
    color_option,
    format_option,
    is_given,
    output_option,
    text_file,
)
from memsim.errors import InputError, Problem


@click.command("calibrate")
@click.argument("runs", nargs=-1, metavar="RUNS.csv...")
@once("--paper", metavar="imagenet|camvid|nano", help="Fit published times instead.")
@once(
    "--machine",
    default=None,
    metavar="NAME|FILE",
    help="The machine to begin with; its rates are the limits.",
    shell_complete=complete("machines"),
)
@click.option(
    "--parameter",
    "parameters",
    multiple=True,
    metavar="NAME",
    help="Fit this one; may be given several times. All that the machine names if none.",
)
@once(
    "--level",
    default="auto",
    show_default=True,
    help="network, kernel, or auto: kernels where they were timed.",
)
@format_option
@output_option("Write the machine file.")
@color_option
def command(
    runs: tuple[str, ...],
    paper: str | None,
    machine: str | None,
    parameters: tuple[str, ...],
    level: str,
    format_: str | None,
    output: str | None,
    color: str | None,
) -> None:
    """Fit a machine to measured RUNS, and tell how wrong it is.

    \b
    memsim calibrate runs/one.csv runs/two.csv --machine base.yaml -o mine.yaml
    memsim calibrate --paper imagenet
    """  # fmt: skip
    delivery = Delivery(format_, None, color)
    from memsim.calibration.calibration import calibrate
    from memsim.calibration.machine_file import machine_text
    from memsim.files import write_text

    if output is None and is_given("output"):
        message = "the table is printed, and the machine is written to a file"
        raise InputError(Problem(message, path="-o", hint="such as -o mine.yaml"))
    text_file(output, ".yaml", ".yml")
    calibration = calibrate(runs, machine, paper=paper, parameters=parameters, level=level)
    if output is not None:
        words = [*runs, *(["--paper", paper] if paper else [])]
        words += ["--machine", machine] if machine else []
        words += [part for name in parameters for part in ("--parameter", name)]
        words += ["--level", level] if level != "auto" else []
        command_line = f"memsim calibrate {shlex.join(words)}"
        write_text(output, machine_text(calibration, command_line))
    delivery.send(calibration)
