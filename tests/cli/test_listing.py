"""What there is to choose from: every part has a line, and shells complete its name."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys

import pytest

import memsim
from memsim.cli.completion import OF_OPTIONS
from memsim.cli.listing import KINDS, listing
from memsim.cli.main import run
from memsim.simulate.options import RUN_OPTIONS


@pytest.mark.parametrize("kind", KINDS)
def test_every_part_says_what_it_is(kind: str) -> None:
    entries = listing(kind).entries
    assert entries
    assert all(told and ":`" not in told and "``" not in told for told in entries.values())
    assert len({*entries.values()}) == len(entries)  # none has its base class's words


def test_what_is_listed_is_what_options_take() -> None:
    assert {*OF_OPTIONS} <= {*RUN_OPTIONS}
    assert {*OF_OPTIONS.values()} <= {*KINDS}
    for lowering in listing("lowerings").entries:
        assert memsim.run("squeezenet1_0", lowering=lowering).time_ps


@pytest.mark.parametrize("option", ["schedule", "groups", "order", "library"])
def test_what_an_option_takes_beside_the_parts_of_its_kind_is_listed(option: str) -> None:
    """``--schedule auto`` and the like are words of the options' helps."""
    words = {*re.findall(r"\b(auto|best|none|larger_outer)\b", RUN_OPTIONS[option].help)}
    assert words
    assert words <= {*listing(OF_OPTIONS[option]).entries}


def test_formats(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", "schedules"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["layer_by_layer", "depth_first", "auto"]
    assert run(["list", "schedules", "--format", "json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["schema"], facts["kind"]) == ("memsim.list/1", "schedules")
    assert run(["list", "schedules", "--format", "csv"]) == 0
    assert list(csv.DictReader(io.StringIO(capsys.readouterr().out))) == facts["entries"]
    assert run(["list", "polices"]) == 2
    told = "memsim: nothing is called 'polices' (did you mean 'policies'?)\n"
    assert capsys.readouterr().err == told


def completed(shell: str, line: str, *heavy: str) -> str:
    """What a shell is offered for the last word of a line."""
    words = line.split(" ")
    settings = {
        **os.environ,
        "_MEMSIM_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": words[-1] if shell == "fish" else str(len(words) - 1),
    }
    code = "import sys\nfrom memsim.cli import main\ntry:\n main()\nfinally:\n"
    code += f" print(sorted({set(heavy) or {'numba'}} & {{*sys.modules}}), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=settings, capture_output=True, text=True, check=False
    )
    assert done.stderr == "[]\n"
    return done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_networks(shell: str) -> None:
    heavy = ("numpy", "networkx", "pydantic", "rich", "numba", "simpy")
    told = completed(shell, "memsim run hardnet39", *heavy)
    assert "hardnet39ds" in told
    assert "resnet" not in told


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("memsim run resnet18 --lowering concat_f", ["plain,concat_free"]),
        ("memsim run resnet18 --machine jetson", ["plain,jetson_nano"]),
        ("memsim list man", ["plain,managements"]),
        ("memsim run resnet18 --order l", ["plain,larger_outer"]),
        ("memsim list hea", ["plain,heaps"]),
        ("memsim plot time", ["plain,timeline"]),
        ("memsim run resnet18 --library onednn-avx5", ["plain,onednn-avx512"]),
        ("memsim run resnet18 --format j", ["plain,json"]),
        ("memsim describe resnet18 --color n", ["plain,never"]),
        ("memsim diff resnet18 hardnet39", ["plain,hardnet39ds"]),
        ("memsim run ./no", ["file,./no"]),
        ("memsim des", ["plain,design", "plain,describe"]),
    ],
)
def test_names_are_completed(line: str, offered: list[str]) -> None:
    assert sorted(completed("bash", line).split()) == sorted(offered)
