"""``memsim sweep``."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from memsim.cli.completion import complete
from memsim.cli.formats import DATASETS, Kinds, send
from memsim.cli.once import once
from memsim.cli.options import Decorator, together
from memsim.cli.output import output_option
from memsim.errors import InputError, Problem
from memsim.simulate.heed import heeded
from memsim.simulate.options import RUN_OPTIONS

if TYPE_CHECKING:
    from memsim.sweeps.plan import Plan
    from memsim.sweeps.space import Space
    from memsim.sweeps.store import Store

FLAG = "RANGE"

WRITTEN = Kinds("a sweep", DATASETS, "sweep.nc", files=("zarr",))

LOADING = {
    "input_": "Input sizes without the batch, such as 3x224x224,3x448x448.",
    "batch": "Images per inference.",
    "dtype": "fp32, fp16, bf16 or int8.",
    "submodule": "Parts of a PyTorch module.",
    "variant": "Variants that the files name.",
    "only": "feature-maps or weights: the traffic of these alone.",
}
"""Axes that are no options of :mod:`memsim.simulate.options`."""

MOST_REASONS = 10
"""Reasons of failed points that are listed."""


def axes_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """An option for every axis: a value, a list or a range, as text."""
    options: list[Decorator] = []
    for name in heeded("sweep"):
        told = RUN_OPTIONS[name].help
        default = RUN_OPTIONS[name].default
        told += f"  [default: {default}]" if default else ""
        if RUN_OPTIONS[name].kind is bool:
            told += " true or false."
        options.append(once(f"--{name.replace('_', '-')}", metavar=FLAG, help=told))
    for name, told in LOADING.items():
        flag = f"--{name.removesuffix('_')}"
        options.append(once(flag, name, metavar=FLAG, help=told))
    return together(*options)(function)


@click.command("sweep")
@click.argument("networks", nargs=-1, metavar="[NETWORK]...", shell_complete=complete("networks"))
@once("--file", "file_", metavar="FILE", help="A YAML file that says networks and axes.")
@axes_options
@click.option("--set", "settings", multiple=True, metavar="NAME=RANGE",
              help="A parameter of the files; may be given several times.")  # fmt: skip
@once("--by", metavar="SPLIT", help="role, cause or both: the traffic split by them as well.")
@WRITTEN.option()
@output_option("The file: .zarr, .nc, .parquet or .csv.")
@once("--dry-run", is_flag=True, help="Show the plan, and do nothing.")
@once("--workers", type=int, metavar="N", help="Processes.  [default: what there is work for]")
@once("--scheduler", metavar="ADDRESS",
      help="A Dask scheduler, such as tcp://host:8786, whose workers compute.")  # fmt: skip
def command(
    networks: tuple[str, ...],
    file_: str | None,
    settings: tuple[str, ...],
    format_: str | None,
    output: str | None,
    dry_run: bool,
    workers: int | None,
    scheduler: str | None,
    **axes: Any,
) -> int:
    """NETWORKS along axes, into one file: each option takes one value, a list or a range.

    A range is start:stop:step, start:stop:log2 (doubling) or start:stop:N@log (N values of equal
    ratio); a list has commas. What is finished is kept beside the file until all is, so the same
    command goes on after a stop. A point that fails is kept with its error, and the exit code is 1.

    \b
    memsim sweep hardnet68 densenet121 --cache 64KiB:32MiB:log2 -o sweep.nc
    memsim sweep hardnet68 --cache 64KiB:8MiB:50@log --bandwidth 6.4GB/s,25GB/s \\
        --lowering fused,concat_free --dtype int8,fp16 -o sweep.parquet
    memsim sweep patterns/dense --set growth=8:24:4 -o sweep.csv --dry-run
    """
    from memsim.formats.standard_input import NAME
    from memsim.sweeps import files
    from memsim.sweeps.plan import Plan
    from memsim.sweeps.space import space
    from memsim.sweeps.verb import Runner

    if NAME in networks:
        message = "standard input can be read once, and a sweep goes on after a stop"
        raise InputError(Problem(message, path="networks", hint="write it to a file"))
    if output is not None:
        output = output.rstrip("/") or output  # a folder may be named as one
    if format_ is not None or output is not None or not dry_run:
        format_ = WRITTEN.named(format_, output)
        files.format_of(output or "", format=format_)
    found = space(**_told(networks, file_, settings, axes))
    runner = Runner(workers, None, scheduler)
    complete = output is not None and files.check_output(output, found.key, format_)
    plan = Plan.of(found)
    if dry_run:
        click.echo("\n".join(_plan_lines(found, plan)))
        return 0
    if output is None:
        return _print(found, plan, runner, format_)
    from memsim.sweeps.store import Store

    store = Store(Path(f"{output}.chunks"))
    if not complete:
        with store.held():
            # Another process may have ended by now.
            complete = files.check_output(output, found.key, format_)
            if not complete:
                click.echo("\n".join(_plan_lines(found, plan)), err=True)
                return _carry_out(found, plan, runner, store, output, format_)
    click.echo(f"memsim: {output} is complete, and nothing is computed", err=True)
    store.clear()
    return _report(files.load_sweep(output, format_))


def _told(
    networks: tuple[str, ...], file: str | None, settings: tuple[str, ...], axes: dict[str, Any]
) -> dict[str, Any]:
    """What a sweep is told: by the file, and by the command line, never both."""
    named = {name.removesuffix("_"): value for name, value in axes.items() if value is not None}
    told: dict[str, Any] = {}
    if file is not None:
        from memsim.sweeps.sweep_file import read_sweep

        told = read_sweep(file)
    parameters = _settings(settings)
    if networks:
        named["networks"] = networks
    both = [name for name in named if name in told]
    both += [name for name in parameters if name in (told.get("parameters") or {})]
    if both:
        problems = (
            Problem(f"is in {file}, and on the command line", name, "say it once") for name in both
        )
        raise InputError(*problems)
    parameters = {**(told.pop("parameters", None) or {}), **parameters}
    return {"networks": (), **told, **named, "parameters": parameters}


def _settings(pairs: tuple[str, ...]) -> dict[str, str]:
    """``("growth=8:24:4",)`` -> ``{"growth": "8:24:4"}``."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not re.fullmatch(r"\S+", name):
            message = f"{pair!r} sets nothing; expected NAME=RANGE"
            raise InputError(Problem(message, path="--set", hint="such as growth=8:24:4"))
        if name in found:
            message = f"{name} is set twice, to {found[name]!r} and to {text!r}"
            raise InputError(Problem(message, path="--set", hint="a list has commas"))
        found[name] = text
    return found


def _plan_lines(space: Space, plan: Plan) -> list[str]:
    """The plan as it is told before it starts."""
    axes = " x ".join(f"{len(each):,} {name}" for name, each in space.axes.items() if each.several)
    lines = [
        f"points    {plan.points:,} ({axes})",
        f"programs  {plan.programs:,}",
        f"passes    {plan.passes:,}: {plan.curves:,} curve(s) that serve all cache sizes",
    ]
    lines += [
        f"          and {count:,} at one size each: {reason}"
        for reason, count in plan.singles.items()
    ]
    lines += [
        f"data      {_size(plan.nbytes)}",
        f"time      about {_time(plan.seconds)} on one core",
    ]
    return lines


def _size(nbytes: int) -> str:
    if nbytes < 1000:
        return f"{nbytes} B"
    power = min((len(str(nbytes)) - 1) // 3, 4)
    return f"{nbytes / 1000**power:.3g} {'kMGT'[power - 1]}B"


def _time(seconds: float) -> str:
    for unit, each in (("h", 3600), ("min", 60)):
        if seconds >= 2 * each:
            return f"{seconds / each:.0f} {unit}"
    return f"{max(seconds, 1):.0f} s"


def _print(space: Space, plan: Plan, runner: Any, format_: str | None) -> int:
    """Compute a sweep and print it; a stop loses what is finished, which has no place."""
    from memsim.cli.progress import bar_of_points
    from memsim.sweeps import files
    from memsim.sweeps.verb import carried_out

    click.echo("\n".join(_plan_lines(space, plan)), err=True)
    with bar_of_points() as tell:
        assembly, _ = carried_out(space, plan, runner, None, tell)
    dataset = assembly.dataset()
    with TemporaryDirectory(prefix="memsim-") as folder:
        file = Path(folder) / "sweep"
        files.write(dataset, file, Path(folder) / "half", format_)
        content = file.read_bytes()
    send(content, None)
    return _report(dataset)


def _carry_out(
    space: Space, plan: Plan, runner: Any, store: Store, output: str, format_: str | None
) -> int:
    from memsim.cli.progress import bar_of_points
    from memsim.sweeps import files
    from memsim.sweeps.store import ENDING
    from memsim.sweeps.verb import carried_out

    try:
        with bar_of_points() as tell:
            assembly, _ = carried_out(space, plan, runner, store, tell)
        dataset = assembly.dataset()
        files.write(dataset, output, store.folder / f"output{ENDING}", format_)
    except KeyboardInterrupt:
        told = f"what is finished is kept in {store.folder}"
        click.echo(f"memsim: stopped: {told}, and the same command goes on from there", err=True)
        raise
    store.clear()
    return _report(dataset)


def _report(dataset: Any) -> int:
    """Say what failed; the exit code."""
    from memsim.sweeps.dataset import failures

    failed = int(dataset.attrs["failed_points"])
    if not failed:
        return 0
    reasons = failures(dataset).most_common()
    total = max(int(variable.size) for variable in dataset.data_vars.values())
    click.echo(f"memsim: {failed:,} of {total:,} points failed:", err=True)
    for reason, count in reasons[:MOST_REASONS]:
        first, _, more = reason.partition("\n")
        click.echo(f"memsim: {count:,}: {first}{' ...' if more else ''}", err=True)
    if len(reasons) > MOST_REASONS:
        click.echo(f"memsim: and {len(reasons) - MOST_REASONS:,} other reasons", err=True)
    return 1
