"""``memsim measure``."""

from __future__ import annotations

from typing import Any

import click

from memsim.cli.once import once
from memsim.cli.options import Chosen, layers_option, network_options
from memsim.cli.output import Delivery, is_given, report_options
from memsim.cli.progress import progress_bar
from memsim.cli.sizes import sizes_in
from memsim.errors import InputError, Problem


@click.command("measure")
@network_options
@once("--lowering", default="fused", show_default=True, help="eager or fused.")
@once("--threads", type=int, help="Of PyTorch.  [default: 1]")
@once("--device", help="cpu or cuda.  [default: cpu]")
@once("--runs", type=int, help="Timed passes.  [default: 9]")
@once(
    "--malloc",
    help="keep freed memory, or the system's way: page faults are then timed, too.  "
    "[default: keep]",
)
@once(
    "--counters/--no-counters",
    default=None,
    help="On cuda: DRAM bytes of each kernel, by Nsight Compute where it is installed.",
)
@once(
    "--cachegrind",
    is_flag=True,
    help="No times: DRAM bytes of the run under a cache that Valgrind simulates.",
)
@click.option(
    "--cache",
    "caches",
    multiple=True,
    metavar="SIZE",
    help="Of that cache, or several: 512KiB,2MiB.  [default: 1MiB]",
)
@once("--fast", is_flag=True, help="With --cachegrind: kernels for AVX.")
@once(
    "--processes",
    type=int,
    help="With --cachegrind: runs, each in a process with another heap.  [default: 1]",
)
@layers_option("10", "Kernels to show, or 'all'.")
@report_options
def command(
    network: Chosen,
    lowering: str,
    caches: tuple[str, ...],
    cachegrind: bool,
    fast: bool,
    processes: int | None,
    layers: int | None,
    delivery: Delivery,
    **timing: Any,
) -> None:
    """Run NETWORK for real in PyTorch, and time it and every kernel.

    \b
    memsim measure hardnet68 --input 3x512x512 --lowering eager -o runs/one.csv
    memsim calibrate runs/*.csv --machine base.yaml -o mine.yaml
    memsim measure resnet18 --input 3x112x112 --cachegrind --cache 1MiB
    """  # fmt: skip
    given = {name: value for name, value in timing.items() if value is not None}
    if network.settings:
        hint = "write the network with memsim expand --set ... and measure that file"
        raise InputError(Problem("cannot be told to memsim calibrate", path="--set", hint=hint))
    for wrong, name in ((cachegrind and given, next(iter(given), "")),
                        (caches and not cachegrind, "cache"),
                        (fast and not cachegrind, "fast"),
                        (processes is not None and not cachegrind, "processes"),
                        (cachegrind and is_given("layers"), "layers")):  # fmt: skip
        if wrong:
            which = "does not go with" if cachegrind else "needs"
            raise InputError(Problem(f"{which} --cachegrind", path=f"--{name}"))
    from memsim.formats.library import split_variant
    from memsim.formats.standard_input import NAME

    if split_variant(network.name)[0] == NAME:
        message = "runs are kept with the file of their network, and standard input is none"
        raise InputError(Problem(message, path="network", hint="write it to a file"))

    loaded = network.load()
    file, variant = split_variant(network.name, network.variant)
    named: dict[str, Any] = {"name": file, "variant": variant or ""}
    if cachegrind:
        from memsim.measurement.counters.valgrind import SIZES, simulated_cache

        sizes = [size for text in caches for size in sizes_in(text)] or SIZES
        runs = 1 if processes is None else processes
        with progress_bar("runs") as bar:
            counted = simulated_cache(
                loaded, lowering, sizes, fast=fast, processes=runs, progress=bar, **named
            )
        delivery.send(counted)
        return
    from memsim.measurement.run.measurement import RUNS, WARM_UP, measure

    passes = 2 * given.get("runs", RUNS) + WARM_UP
    with progress_bar("passes") as bar:
        found = measure(
            loaded, lowering, progress=lambda done: bar(done, passes), **named, **given
        )  # fmt: skip
    delivery.send(found, layers)
    if found.busy:
        click.echo(f"memsim: note: {found.busy}", err=True)
