"""``memsim probe``."""

from __future__ import annotations

from pathlib import Path

import click

from memsim.cli.once import once
from memsim.cli.output import Delivery, report_options, text_file
from memsim.cli.progress import progress_bar


@click.command("probe")
@once(
    "--threads",
    type=int,
    default=1,
    show_default=True,
    help="Of the loops and of the matrix products.",
)
@once(
    "--max",
    "largest",
    metavar="SIZE",
    help="Largest footprint.  [default: 256MiB, or 8 x the last-level cache]",
)
@once("--runs", type=int, help="How often everything is timed.  [default: 9]")
@once("--plot", metavar="FILE", help="Draw bandwidth by footprint: .png, .svg or .pdf.")
@once(
    "--machine-file",
    metavar="FILE",
    help="Write what was reached as a machine, for memsim calibrate --machine.",
)
@report_options
def command(
    threads: int,
    largest: str | None,
    runs: int | None,
    plot: str | None,
    machine_file: str | None,
    delivery: Delivery,
) -> None:
    """Find this machine's bandwidth at every footprint, and its peak rate.

    \b
    memsim probe
    memsim probe -o probe.json --plot bandwidth.svg
    memsim probe --threads 4 --machine-file base.yaml
    """  # fmt: skip
    from memsim.files import check_writable, write_text

    if plot is not None:
        from memsim.plot import image_format

        image_format(plot)
        check_writable(plot)
    from memsim.measurement.probe.base_machine import check_possible, machine_text
    from memsim.measurement.probe.probe import RUNS, all_caches, largest_footprint, probe

    text_file(machine_file, ".yaml", ".yml")
    if machine_file is not None:
        caches = all_caches(threads)
        check_possible(caches, largest_footprint(caches, largest))

    with progress_bar("steps") as progress:
        found = probe(
            threads=threads,
            largest=largest,
            runs=RUNS if runs is None else runs,
            progress=progress,
        )
    delivery.send(found)
    if plot is not None:
        from memsim.plot import save
        from memsim.plot.figures.bandwidth import bandwidth

        save(bandwidth(found), plot)
    if machine_file is not None:
        write_text(machine_file, machine_text(found, Path(machine_file).stem))
