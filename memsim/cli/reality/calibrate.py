"""``memsim calibrate``."""

from __future__ import annotations

import shlex

import click

from memsim.cli.options import Delivery
from memsim.errors import InputError, Problem


@click.command("calibrate")
@click.argument("runs", nargs=-1, metavar="RUNS.csv...")
@click.option("--paper", metavar="imagenet|camvid|nano", help="Fit published times instead.")
@click.option(
    "--machine",
    default=None,
    metavar="NAME|FILE",
    help="The machine to begin with; its rates are the limits.",
)
@click.option(
    "--parameter",
    "parameters",
    multiple=True,
    metavar="NAME",
    help="Fit this one; may be given several times. All that the machine names if none.",
)
@click.option(
    "--level",
    default="auto",
    show_default=True,
    help="network, kernel, or auto: kernels where they were timed.",
)
@click.option("--format", "format_", metavar="FORMAT", help="Of the report: table, json, csv, md.")
@click.option("-o", "--output", metavar="FILE", help="Write the machine file.")
def command(
    runs: tuple[str, ...],
    paper: str | None,
    machine: str | None,
    parameters: tuple[str, ...],
    level: str,
    format_: str | None,
    output: str | None,
) -> None:
    """Fit a machine to measured RUNS, and tell how wrong it is.

    \b
    memsim calibrate runs/one.csv runs/two.csv --machine base.yaml -o mine.yaml
    memsim calibrate --paper imagenet
    """  # fmt: skip
    delivery = Delivery(format_, None)
    if bool(runs) == bool(paper):
        raise InputError(
            Problem("give either files of runs or --paper", hint="memsim calibrate -h")
        )
    from memsim.calibration.calibration import calibrate, calibrate_published
    from memsim.calibration.machine_file import machine_text
    from memsim.calibration.published import PUBLISHED, base_file
    from memsim.calibration.runs import read_runs
    from memsim.files import check_writable, write_text
    from memsim.machine import load_machine

    if output is not None:
        check_writable(output)
    if paper:
        if machine or parameters or level != "auto":
            given = "--machine" if machine else "--parameter" if parameters else "--level"
            raise InputError(Problem("does not go with --paper, which says it all", path=given))
        base, arguments = PUBLISHED[paper].base, ["--paper", paper]
        found = calibrate_published(paper)
    else:
        if machine is None:
            hint = "a machine file with the published peak figures"
            raise InputError(Problem("is missing: what are the limits?", "--machine", hint))
        base, arguments = base_file(machine), [*runs, "--machine", machine]
        arguments += [part for name in parameters for part in ("--parameter", name)]
        arguments += ["--level", level] if level != "auto" else []
        found = calibrate(read_runs(runs), load_machine(base), parameters=parameters, level=level)
    if output is not None:
        text = base.read_text(encoding="utf-8")
        write_text(output, machine_text(found, text, f"memsim calibrate {shlex.join(arguments)}"))
    delivery.send(found, None)
