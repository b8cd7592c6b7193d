"""``memsim check``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import click

from memsim.cli.boundary import as_far_as_it_is_read
from memsim.cli.once import once
from memsim.cli.options import Chosen, networks_options, only_option, options_of
from memsim.cli.output import Delivery, report_options
from memsim.errors import InputError, Problem
from memsim.sheets.facts import Facts
from memsim.sheets.sheet import Grid, Sheet

if TYPE_CHECKING:
    from memsim.budgets.checked import Checked
    from memsim.network.graph import Network

SCHEMA = "memsim.validity/1"


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
@options_of("check", many=True)
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
        return _validate([network.name for network in networks], delivery)
    from memsim.budgets.verb import asked_budgets, check

    budgets = _at_each(budgets, options)
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
    with as_far_as_it_is_read():
        delivery.send(checked)
    for verdict in checked.missed:
        click.echo(f"memsim: {verdict.reason}", err=True)
    return 0 if checked.kept else 1


def _at_each(budgets: tuple[str, ...], options: dict[str, Any]) -> tuple[str, ...]:
    """Budgets that name the sizes of ``--cache`` where these are several, which is taken out.

    What names its cache already, or is of a network alone, stays as it is.
    """
    if not isinstance(options.get("cache"), list):
        return budgets
    from memsim.budgets.budget import STATIC, budgets_of

    asked = budgets_of(budgets)
    named = [budget.of in STATIC or budget.cache is not None for budget in asked]
    if all(named):
        message, hint = "changes nothing: every budget names its cache", "leave it out"
        raise InputError(Problem(message, path="cache", hint=hint))
    sizes = options.pop("cache")
    return tuple(
        text
        for budget, alone in zip(asked, named, strict=True)
        for text in ([budget.text] if alone else [f"{budget.text}@{size}" for size in sizes])
    )


def _refuse_idle(chosen: Chosen, only: str | None, options: dict[str, Any]) -> None:
    """Refuse options that only a budget heeds."""
    names = [*options, *chosen.said, *(["only"] if only else [])]
    message, hint = "is of budgets, and there is none", "such as --budget 80MB@1MiB"
    problems = [Problem(message, path=_flag(name), hint=hint) for name in names]
    if problems:
        raise InputError(*problems)


def _flag(name: str) -> str:
    """An option as it is written."""
    spelled = {"settings": "set", "edits": "edit", "format_": "format", "input_": "input"}
    return f"--{spelled.get(name, name).replace('_', '-')}"


@dataclass(frozen=True)
class Validity(Facts):
    """What is wrong with files, and what is in those that are sound.

    Attributes
    ----------
    problems : mapping of str to tuple of Problem
        By file.
    networks : mapping of str to Network
        By file, of those without a problem.
    """

    laid_out_by: ClassVar[str] = "memsim.cli.networks.check:validity_sheet"

    problems: Mapping[str, tuple[Problem, ...]]
    networks: Mapping[str, Network]

    @property
    def is_sound(self) -> bool:
        """Whether no file has a problem."""
        return len(self.networks) == len(self.problems)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.validity/1"``; lines and columns from 1."""
        return {"schema": SCHEMA, "sound": self.is_sound, "files": [
            {
                "file": file,
                "network": self.networks[file].name if file in self.networks else None,
                "layers": len(self.networks[file]) if file in self.networks else None,
                "problems": [asdict(problem) for problem in problems],
            }
            for file, problems in self.problems.items()
        ]}  # fmt: skip

    def rows(self) -> list[dict[str, Any]]:
        """A row per problem; of a sound file one that has none."""
        return [
            {"checked": file, "sound": not problems, **asdict(problem)}
            for file, problems in self.problems.items()
            for problem in problems or (Problem(""),)
        ]

    @property
    def lines(self) -> list[tuple[str, str]]:
        """A line for each sound file."""
        return [
            (file, f": {network.name}, {len(network)} layers, ok")
            for file, network in self.networks.items()
        ]


def validity_sheet(validity: Validity, layers: int | None = None) -> Sheet:
    """Lay out what is wrong, and what is not; ``layers`` does not apply."""
    sound, asked = len(validity.networks), len(validity.problems)
    wrong = tuple(str(problem) for each in validity.problems.values() for problem in each)
    rows = tuple((file, network.name, str(len(network))) for file, network in
                 validity.networks.items())  # fmt: skip
    grids = (Grid("", ("file", "network", "layers"), rows),) if rows else ()
    return Sheet(f"{sound} of {asked} sound", grids=grids, notes=wrong)


def _validate(files: list[str], delivery: Delivery) -> int:
    """Tell what is wrong with files."""
    from memsim.formats import check, load

    problems, networks = {}, {}
    for file in files:
        problems[file] = tuple(check(file))
        if not problems[file]:
            networks[file] = load(file)
    found = Validity(problems, networks)
    for problem in (problem for each in problems.values() for problem in each):
        click.echo(f"memsim: {problem}", err=True)
    with as_far_as_it_is_read():
        if delivery.is_printed_table:
            delivery.say(found.lines)
        else:
            delivery.send(found)
    return 0 if found.is_sound else InputError.exit_code
