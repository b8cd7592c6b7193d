"""Budgets in a file: the verdicts of its networks, and what is wrong, with its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import memsim
from memsim.budgets.file import check_file
from memsim.cli.main import run

CHAIN = """\
name: chain
input: [3, 16, 16]
layers:
  - conv: {out: 8, kernel: 3, act: relu}
  - conv: {out: 16, kernel: 1}
"""

BUDGETS = """\
machine: textbook
only: weights
networks:
  net.yaml: [1kB@0, 344params]
  larger, in int8:
    network: net.yaml
    input: 3x32x32
    dtype: int8
    machine: edge
    budgets: [1us@1MB/1GB/s, 20mJ]
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(CHAIN)
    Path("budgets.yaml").write_text(BUDGETS)


def test_verdicts_are_those_of_the_same_budgets_on_the_command_line() -> None:
    """Options in front hold for those that heed them: ``only`` is of no time or energy."""
    found = check_file("budgets.yaml").verdicts
    small = memsim.check("net.yaml", ["1kB@0", "344params"], machine="textbook", only="weights")
    large = memsim.load("net.yaml", input_shape="3x32x32", dtype="int8")
    of_large = memsim.check(large, ["1us@1MB/1GB/s", "20mJ"], machine="edge")
    assert [each.value for each in found] == [
        each.value for each in (*small.verdicts, *of_large.verdicts)
    ]
    assert [each.kept for each in found] == [False, True, False, True]
    assert [each.network for each in found] == ["net.yaml"] * 2 + ["larger, in int8"] * 2
    assert [each.machine for each in found] == ["textbook"] * 2 + ["edge"] * 2


def test_the_exit_code_is_1_where_one_is_missed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--budgets", "budgets.yaml", "--format", "json"]) == 1
    out, err = capsys.readouterr()
    assert [row["machine"] for row in json.loads(out)["budgets"]] == ["textbook"] * 2 + ["edge"] * 2
    assert err.count("\n") == 2
    assert "memsim: larger, in int8: time is " in err
    assert run(["check", "--budgets", "budgets.yaml"]) == 1
    assert "\nnetwork           machine " in capsys.readouterr().out
    Path("one.yaml").write_text("networks: {net.yaml: 1MB@0, other.yaml: 1MB@0}")
    assert run(["check", "net.yaml", "--budgets", "one.yaml"]) == 0
    assert capsys.readouterr().out.startswith("budgets on gtx1080: 1 of 1 kept\n")


UNITS = "such as 80MB of traffic, 10ms, 30fps, 20mJ, 2GMACs or 5Mparams"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[80MB]", "b.yaml:1:1: budgets are a mapping, not ['80MB'] "
         "(networks: {hardnet68: [80MB@1MiB, 5Mparams]})"),
        ("machine: edge", "b.yaml:1:1: networks: expected networks with their budgets, not nothing "
         "(networks: {hardnet68: [80MB@1MiB, 5Mparams]})"),
        ("bandwith: 3GB/s\nnetworks:\n  n:\n    budget: [1MB]\n    budgets: []",
         "b.yaml:1:1: bandwith: unknown key (did you mean 'bandwidth'?)\n"
         "b.yaml:4:5: networks.n.budget: unknown key (did you mean 'budgets'?)\n"
         "b.yaml:5:5: networks.n.budgets: expected budgets, not [] "
         "(such as [80MB@1MiB, 5Mparams])"),
        ("networks:\n  n: [80M, 3]", f"b.yaml:2:7: networks.n[0]: '80M' has no unit ({UNITS})\n"
         f"b.yaml:2:12: networks.n[1]: expected a budget, not 3 ({UNITS})"),
        ("networks:\n  n: [1MB, 1MB]", "b.yaml:2:12: networks.n[1]: is given twice "
         "(once is enough)"),
        ("networks:\n  n:\n    machine: gtx1080\n    budgets: [1MB,\n      4mJ]",
         "b.yaml:5:7: networks.n.budgets[1]: gtx1080 tells no energy "
         "(a machine that does, such as edge)"),
        ("networks:\n  n:\n    cache: 1MB\n    budgets: 1MB@1MB",
         "b.yaml:3:5: networks.n.cache: changes nothing: every budget names its cache "
         "(leave it out)"),
        ("macs: 1T\nnetworks: {n: 1MB}",
         "b.yaml:1:1: macs: changes nothing of any network here (leave it out)"),
        ("machine: edg\nnetworks: {n: 1MB}",
         "b.yaml:1:1: machine: unknown machine 'edg' (did you mean 'edge'?)"),
        ("networks:\n  net.yaml:\n    dtype: int9\n    budgets: 1MB",
         "b.yaml:3:5: networks['net.yaml'].dtype: unknown data type 'int9' "
         "(did you mean 'int8'?)"),
        ("networks:\n  net.yaml:\n    lowering: fuse\n    budgets: 1MB",
         "b.yaml:3:5: networks['net.yaml'].lowering: unknown lowering 'fuse' "
         "(did you mean 'fused'?)"),
        ("networks:\n  a:\n    network: hardnet67\n    budgets: 1MB",
         "b.yaml:3:5: networks.a.network: unknown network 'hardnet67' "
         "(did you mean 'hardnet68'?)"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(
    capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    Path("b.yaml").write_text(text)
    assert run(["check", "--budgets", "b.yaml"]) == 2
    lines = "".join(f"memsim: {line}\n" for line in told.splitlines())
    assert capsys.readouterr() == ("", lines)


def test_all_but_the_networks_stands_in_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["net.yaml", "--budgets", "budgets.yaml", "--machine", "edge", "--dtype", "int8"]
    assert run(["check", *words, "--budget", "1MB"]) == 2
    assert capsys.readouterr().err == (
        "memsim: --machine: is settled in budgets.yaml (leave it out)\n"
        "memsim: --dtype: is settled in budgets.yaml (leave it out)\n"
        "memsim: --budget: is settled in budgets.yaml (add it there)\n"
    )
    assert run(["check", "nets.yaml", "--budgets", "budgets.yaml"]) == 2
    assert capsys.readouterr().err == (
        "memsim: 'nets.yaml' has no budgets in budgets.yaml (did you mean 'net.yaml'?)\n"
    )
    assert run(["check"]) == 2
    assert "there is no network to check" in capsys.readouterr().err
