"""The help of every command: sections, and no line too wide for a terminal."""

from __future__ import annotations

import click
import pytest

from memsim.cli.help import SECTIONS, section_of
from memsim.cli.listing import KINDS
from memsim.cli.main import COMMANDS, cli
from memsim.simulate.options import RUN_OPTIONS


def told(name: str, columns: int) -> str:
    with click.Context(cli, info_name="memsim") as above:
        command = cli.get_command(above, name)
        assert command is not None
        with click.Context(
            command, parent=above, info_name=name, terminal_width=columns
        ) as context:
            return command.get_help(context)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_line_is_wider_than_a_terminal(name: str) -> None:
    assert [line for line in told(name, 80).splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_told_once(name: str) -> None:
    with click.Context(cli, info_name="memsim") as above:
        command = cli.get_command(above, name)
        assert command is not None
        options = [each for each in command.params if isinstance(each, click.Option)]
    listed = told(name, 80).partition("\nOptions:\n")[2].splitlines()
    lines = [line.split()[0].rstrip(",") for line in listed if line.startswith("  -")]
    for option in options:
        assert lines.count(option.opts[0]) == 1, option.opts


def test_the_help_of_list_names_every_kind() -> None:
    words = told("list", 80).replace(",", " ").replace(".", " ").split()
    assert {*KINDS} <= {*words}


def test_sections_come_in_the_order_of_the_flow() -> None:
    heads = [
        line[:-1] for line in told("run", 80).splitlines() if line[-1:] == ":" and line[0] != " "
    ]
    assert heads == ["Options", "Network", "Machine", "Program", "Output"]


def test_every_option_of_simulations_is_in_one_section() -> None:
    named = [name for names in SECTIONS.values() for name in names]
    assert len(named) == len(set(named))
    assert {*RUN_OPTIONS} <= {*named}
    assert section_of(click.Option(["--nothing-known"])) == "Options"
