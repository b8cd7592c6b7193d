"""What the README shows is what memsim does."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

import memsim
from memsim.cli.main import run
from tests.sessions import python_session, shown

PAGE = Path(__file__).parent.parent / "README.md"
README = PAGE.read_text(encoding="utf-8")
WHOLE = re.DOTALL | re.MULTILINE


def test_the_output_of_the_main_job(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["run", "hardnet68", "--input", "3x1024x1024"]) == 0
    (old,) = re.findall(r"^The first ends in:\n\n```text\n(.*?)^```", README, WHOLE)
    shown(PAGE, old, capsys.readouterr().out)


def test_the_list_of_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["machines"]) == 0
    (old,) = re.findall(r"^\$ memsim machines\n(.*?)^```", README, WHOLE)
    shown(PAGE, old, capsys.readouterr().out)


def test_the_python_session(tmp_path: Path) -> None:
    assert len(doctest.DocTestParser().get_examples(README)) >= 4
    python_session(PAGE, tmp_path)


def test_the_table_of_networks() -> None:
    rows = re.findall(r"^\| (\w+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$", README, re.MULTILINE)
    assert rows
    for name, *facts in rows:
        network = memsim.load(name)
        expected = [f"{number:,}" for number in (network.params, network.macs, network.cio)]
        assert facts == expected, name


def test_the_table_of_public_names_is_all_of_them() -> None:
    table = README.split("The public names:")[1].split("\n\n")[1]
    first_column = " ".join(line.split("|")[1] for line in table.splitlines()[2:])
    assert sorted(re.findall(r"`(\w+)`", first_column)) == sorted(memsim.__all__)
