"""``memsim check``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from memsim.cli.once import once
from memsim.cli.options import (
    Chosen,
    Delivery,
    is_given,
    networks_options,
    only_option,
    options_of,
    report_options,
)
from memsim.errors import InputError, Problem

if TYPE_CHECKING:
    from memsim.budgets.checked import Checked

OF_BUDGETS = ("format_", "output")


@click.command("check")
@networks_options(required=False, files=True)
@click.option(
    "--budget",
    "budgets",
    multiple=True,
    metavar="LIMIT[@CACHE[/RATE]]",
    help="Such as 80MB@1MiB, 10ms@2MiB/25.6GB/s, 30fps, 20mJ, 2GMACs, 5Mparams.",
)
@once("--budgets", "file", metavar="FILE", help="A YAML file of networks and their budgets.")
@options_of("check")
@only_option
@report_options
def command(
    networks: list[Chosen],
    budgets: tuple[str, ...],
    file: str | None,
    only: str | None,
    delivery: Delivery,
    **options: Any,
) -> int:
    """Validate networks; with budgets, tell whether they are kept.

    Every error of every file is told. A budget is the most of what its unit says, of fps the
    least: DRAM traffic, time, energy, MACs or parameters; behind an @ stand the cache and the
    bandwidth at which it holds. Where one is missed the exit code is 1, and the reason is told.

    \b
    memsim check my.yaml other.yaml
    memsim check hardnet68 --budget 80MB@1MiB --budget 10ms@2MiB/25.6GB/s
    memsim check --budgets budgets.yaml
    """
    if file is not None:
        return _of_file(file, networks, budgets, {**options, "only": only}, delivery)
    if not networks:
        message, hint = "there is no network to check", "a name, a file, or --budgets FILE"
        raise InputError(Problem(message, hint=hint))
    if not budgets:
        _refuse_idle(networks[0], only, options)
        return _validate(networks)
    from memsim.budgets.verb import asked_budgets, check

    asked_budgets(budgets, only, options)
    checked = check([each.load() for each in networks], budgets, only=only, **options)
    return _told(checked, delivery)


def _of_file(
    file: str,
    networks: list[Chosen],
    budgets: tuple[str, ...],
    options: dict[str, Any],
    delivery: Delivery,
) -> int:
    """The budgets of a file, of all its networks or of some; all else stands in it."""
    loading = {name: each for network in networks for name, each in network.said.items()}
    given = {name: value for name, value in {**options, **loading}.items() if value is not None}
    message = f"is settled in {file}"
    problems = [Problem(message, path=_flag(name), hint="leave it out") for name in given]
    if budgets:
        problems.append(Problem(message, path="--budget", hint="add it there"))
    if problems:
        raise InputError(*problems)
    from memsim.budgets.file import check_file

    return _told(check_file(file, [each.name for each in networks]), delivery)


def _told(checked: Checked, delivery: Delivery) -> int:
    """Tell verdicts, and why budgets are missed; the exit code."""
    delivery.send(checked)
    for verdict in checked.missed:
        click.echo(f"memsim: {verdict.reason}", err=True)
    return 0 if checked.kept else 1


def _refuse_idle(chosen: Chosen, only: str | None, options: dict[str, Any]) -> None:
    """Refuse options that only a budget heeds."""
    names = [*options, *chosen.said, *(["only"] if only else []), *filter(is_given, OF_BUDGETS)]
    message, hint = "is of budgets, and there is none", "such as --budget 80MB@1MiB"
    problems = [Problem(message, path=_flag(name), hint=hint) for name in names]
    if problems:
        raise InputError(*problems)


def _flag(name: str) -> str:
    """An option as it is written."""
    spelled = {"settings": "set", "edits": "edit", "format_": "format", "input_": "input"}
    return f"--{spelled.get(name, name).replace('_', '-')}"


def _validate(networks: list[Chosen]) -> int:
    """Tell what is wrong with files."""
    from memsim.formats import check, load

    worst = 0
    for file in (each.name for each in networks):
        problems = check(file)
        for problem in problems:
            click.echo(f"memsim: {problem}", err=True)
        if problems:
            worst = InputError.exit_code
        else:
            network = load(file)
            click.echo(f"{file}: {network.name}, {len(network)} layers, ok")
    return worst
