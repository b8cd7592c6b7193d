"""``memsim measure``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from memsim.cli.options import Chosen, Delivery, network_options, parse_layers, report_options
from memsim.errors import InputError, Problem


@click.command("measure")
@network_options
@click.option("--lowering", default="fused", show_default=True, help="eager or fused.")
@click.option("--threads", type=int, default=1, show_default=True, help="Of PyTorch.")
@click.option("--device", default="cpu", show_default=True, help="cpu or cuda.")
@click.option("--runs", type=int, help="Timed passes.  [default: 9]")
@click.option(
    "--malloc",
    default="keep",
    show_default=True,
    help="keep freed memory, or the system's way: then page faults are timed, too.",
)
@click.option("--layers", default="10", show_default=True, help="Kernels to show, or 'all'.")
@report_options
def command(
    network: Chosen,
    lowering: str,
    threads: int,
    device: str,
    runs: int | None,
    malloc: str,
    layers: str,
    format_: str | None,
    output: str | None,
) -> None:
    """Run NETWORK for real in PyTorch, and time it and every kernel.

    \b
    memsim measure hardnet68 --input 3x512x512 --lowering eager -o runs/one.csv
    memsim calibrate runs/*.csv --machine base.yaml -o mine.yaml
    """
    delivery = Delivery(format_, output)
    shown = parse_layers(layers)
    if network.settings:
        hint = "write the network with memsim expand --set ... and measure that file"
        raise InputError(Problem("cannot be told to memsim calibrate", path="--set", hint=hint))
    loaded = network.load()
    from memsim.measure.measurement import RUNS, WARM_UP, measure

    passes = RUNS if runs is None else runs
    with _bar(2 * passes + WARM_UP) as progress:
        found = measure(
            loaded,
            lowering,
            threads=threads,
            device=device,
            runs=passes,
            malloc=malloc,
            name=network.name,
            variant=network.variant or "",
            progress=progress,
        )
    delivery.send(found, shown)


@contextmanager
def _bar(total: int) -> Iterator[Callable[[int], object]]:
    """A progress bar on standard error, if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

    columns = ("passes", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("passes", total=total)
        yield lambda done: shown.update(task, completed=done)
