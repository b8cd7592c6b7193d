"""What rules the time: the document is what the command prints, and the ranks are ranks."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

import memsim
from memsim.cli.main import run
from memsim.errors import InputError
from memsim.machine import load_machine, machine_names
from memsim.sheets.formats import render
from memsim.validation import Rules, rules
from memsim.validation.rule import SIZES

DOCUMENT = Path(__file__).parents[2] / "docs" / "what-rules.md"


@cache
def two() -> Rules:
    return rules(["textbook", "gtx1080"])


@pytest.mark.slow
def test_the_document_is_the_report() -> None:
    expected = "memsim rules --format md -o docs/what-rules.md"
    assert DOCUMENT.read_text("utf-8") == render(rules(), "md"), expected


@pytest.mark.release
def test_the_document_has_the_rows_of_the_report() -> None:
    """Of two machines, which takes moments; the slow tests compare all of it."""
    lines = render(two(), "md").splitlines()
    rows = [line for line in lines if line.startswith(("| textbook", "| gtx1080"))]
    assert len(rows) == 5
    assert set(rows) < set(DOCUMENT.read_text("utf-8").splitlines())


def test_every_shipped_machine_that_is_quick_stands_in_the_document() -> None:
    text = DOCUMENT.read_text("utf-8").replace("\\_", "_")
    for name in machine_names():
        program = load_machine(name).program
        if program.register_tile is not None or program.library != "none":
            continue
        for size in SIZES:
            assert f"| {name} | {size} |" in text


@pytest.mark.slow
def test_traffic_rules_on_the_gtx1080_as_it_was_measured_and_macs_on_a_textbook_machine() -> None:
    found = {(rule.machine, rule.size, rule.measured): rule for rule in two().rules}
    measured = found["gtx1080", 1024, True]
    predicted = found["gtx1080", 1024, False]
    assert measured.ruler == predicted.ruler == "traffic"
    assert measured.traffic > measured.cio > measured.macs
    assert found["textbook", 224, False].ruler == "macs"
    assert round(found["textbook", 224, False].macs, 2) == 0.98


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memsim.validation.rule.SIZES", (64,))


@pytest.mark.usefixtures("small")
def test_a_machine_whose_compute_takes_all_the_time_is_ruled_by_macs(tmp_path: Path) -> None:
    preset = Path(memsim.__file__).with_name("machine") / "presets" / "textbook.yaml"
    slow = preset.read_text("utf-8").replace("0.5TMAC/s", "1MMAC/s").replace("textbook", "slow")
    file = tmp_path / "slow.yaml"
    file.write_text(slow, encoding="utf-8")
    for rule in rules([file]).rules:
        assert rule.ruler == "macs"
        assert rule.macs == 1
        assert rule.machine == "slow"


@pytest.mark.usefixtures("small")
def test_the_command_prints_the_table_and_writes_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["rules", "textbook", "gtx1080"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    assert run(["rules", "textbook", "--format", "json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["schema"] == "memsim.rules/1"
    assert facts["networks"] == 16
    assert facts["rules"] == rules("textbook").rows()
    assert run(["rules", "gtx1090"]) == 2
    assert "did you mean 'gtx1080'" in capsys.readouterr().err
    with pytest.raises(InputError, match="unknown machine"):
        rules("gtx1090")
