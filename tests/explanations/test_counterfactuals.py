"""Counterfactuals: what each saves is what the runs of the printed commands tell."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import memsim
from memsim.cli.main import run
from memsim.explanations.counterfactuals import COUNTERFACTUALS
from memsim.explanations.question import Change, Question
from memsim.explanations.trying import Item, try_all

FILES = {
    "dense.yaml": """\
name: dense
input: [3, 32, 32]
parameters: {growth: 12, slope: 0.5, act: relu}
layers:
  - conv: {out: 16, kernel: 3}
    name: stem
  - block: {pattern: dense, layers: 6, growth: $growth, act: $act}
  - conv: {out: 8, kernel: 1}
  - global_avgpool
  - linear: 10
""",
    "residual.yaml": """\
name: residual
input: [3, 32, 32]
layers:
  - conv: {out: 16, kernel: 3, bn: true, act: relu}
    name: stage.0
  - {conv: {out: 16, kernel: 3, bn: true, act: relu}, name: stage.1.a}
  - {conv: {out: 16, kernel: 3, bn: true}, name: stage.1.b}
  - {add: stage.0, name: stage.1.sum}
  - {conv: {out: 24, kernel: 3, stride: 2}, name: stage.2.a}
  - {conv: {out: 24, kernel: 3}, name: stage.2.b}
  - global_avgpool
  - linear: 10
""",
    "depthwise.yaml": """\
name: depthwise
input: [3, 32, 32]
layers:
  - conv: {out: 8, kernel: 3, act: relu6}
  - inverted_residual: {out: 8, expand: 4, kernel: 3, stride: 1}
  - inverted_residual: {out: 16, expand: 4, kernel: 3, stride: 2}
  - global_avgpool
  - linear: 10
""",
    "chain.yaml": """\
name: chain
input: [3, 31, 31]
layers:
  - conv: {out: 24, kernel: 3}
  - maxpool: 2
  - conv: {out: 24, kernel: 3}
  - conv: {out: 24, kernel: 3}
""",
}

ASKED = {
    "dense.yaml": "--machine textbook --cache 24KiB --buffer 8KiB --set slope=0.25",
    "residual.yaml": "--machine textbook --cache 32KiB --buffer 8KiB --lowering eager",
    "depthwise.yaml": "--machine textbook --cache 16KiB --buffer 16KiB --batch 2",
    "chain.yaml": "--machine textbook --cache 24KiB --buffer 8KiB --policy fifo --frames 2",
    "hardnet68": "--cache 2MB --lowering fused",
    "mobilenetv2": "--machine textbook --cache 256KiB --input 3x128x128",
}
"""Small networks of each kind and two shipped ones: their options."""

SHIPPED = ("hardnet68", "mobilenetv2")

CASES = [pytest.param(name, marks=[pytest.mark.slow] if name in SHIPPED else []) for name in ASKED]


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        Path(name).write_text(text)


def told(capsys: pytest.CaptureFixture[str], words: list[str]) -> Any:
    """What a command line says as JSON."""
    assert run([*words, "--format", "json"]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


EXPLAINED: dict[str, Any] = {}
"""What was explained already; several tests look at it."""


def explained(capsys: pytest.CaptureFixture[str], name: str) -> Any:
    if name not in EXPLAINED:
        EXPLAINED[name] = told(capsys, ["explain", name, *ASKED[name].split()])
    return EXPLAINED[name]


def runs(facts: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All runs that an explanation tells of."""
    yield facts["run"]
    if facts["next_cache"]:
        yield facts["next_cache"]
    for item in facts["counterfactuals"] + facts["saving_nothing"]:
        yield item["alone"]
        if item["after"]:
            yield item["after"]


@pytest.mark.parametrize("name", CASES)
def test_each_figure_is_that_of_the_run_whose_command_is_printed(capsys, name: str) -> None:
    facts = explained(capsys, name)
    known: dict[str, Any] = {}
    for figures in runs(facts):
        program, *words = shlex.split(figures["command"])
        assert program == "memsim"
        totals = known.setdefault(figures["command"], None) or told(capsys, words)["totals"]
        known[figures["command"]] = totals
        for fact in ("dram_bytes", "dram_weight_bytes", "time_ps", "energy_j"):
            assert figures[fact] == totals[fact], figures["command"]


@pytest.mark.parametrize("name", CASES)
def test_what_is_saved_is_the_difference_of_two_runs(capsys, name: str) -> None:
    facts = explained(capsys, name)
    base = before = facts["run"]
    for item in facts["counterfactuals"]:
        for fact in ("dram_bytes", "time_ps"):
            assert item["saves"][fact] == base[fact] - item["alone"][fact]
        assert item["saves"]["dram_bytes"] > 0 or item["saves"]["time_ps"] > 0
        if item["after"] is None:
            assert item["adds"] is None
            assert not item["kept"]
            continue
        for fact in ("dram_bytes", "time_ps"):
            assert item["adds"][fact] == before[fact] - item["after"][fact]
        before = item["after"] if item["kept"] else before
    ranks = [(-i["saves"]["time_ps"], -i["saves"]["dram_bytes"]) for i in facts["counterfactuals"]]
    assert ranks == sorted(ranks)
    assert not any(
        item["saves"]["dram_bytes"] > 0 or item["saves"]["time_ps"] > 0
        for item in facts["saving_nothing"]
    )


@pytest.mark.slow
def test_every_kind_is_among_the_six_networks(capsys) -> None:
    found = set()
    for name in ASKED:
        facts = explained(capsys, name)
        found |= {item["kind"] for item in facts["counterfactuals"] + facts["saving_nothing"]}
        assert facts["not_tried"] == 0
    assert found == set(COUNTERFACTUALS)


def proposed(kind: str, question: Question) -> list[Change]:
    return list(COUNTERFACTUALS[kind](question, question.ask()))


def test_the_shortcut_that_waits_longest_is_dropped_first() -> None:
    changes = proposed("shortcut", Question("dense.yaml", options={"machine": "textbook"}))
    assert changes[0].how == {"edits": ("drop=stem..block1.concat",)}
    assert changes[0].what == "drop stem of block1.concat"


def test_a_chain_has_no_shortcut_and_no_parameter() -> None:
    question = Question("chain.yaml", options={"machine": "textbook"})
    assert proposed("shortcut", question) == proposed("parameter", question) == []
    assert proposed("concat_view", question) == []


def test_layers_are_fused_from_the_writer_of_what_is_spilled_to_its_reader() -> None:
    question = Question("residual.yaml", options={"machine": "textbook", "cache": "32KiB"})
    changes = proposed("groups", question)
    # Each map of the first two stages takes 64 KiB: all are spilled, stage.0 for longest.
    assert [change.options.get("group") for change in changes[:2]] == [
        ("stage.0.conv..stage.1.b.conv",), ("stage.1.a.conv..stage.1.b.conv",),
    ]  # fmt: skip
    assert [change.options.get("groups") for change in changes[2:]] == ["per_block"]
    assert proposed("groups", question.changed(changes[-1])) == []


def test_a_parameter_that_was_said_stays() -> None:
    question = Question("dense.yaml", {"parameters": {"growth": 10}}, {"machine": "textbook"})
    assert [change.how for change in proposed("parameter", question)] == [
        {"parameters": {"slope": 0.45}}
    ]


def test_no_data_type_is_wider_than_that_of_the_network() -> None:
    question = Question("chain.yaml", {"dtype": "int8"}, {"machine": "textbook"})
    for kind in ("int8", "fp16", "int8_weights"):
        assert proposed(kind, question) == []


def test_of_two_that_decide_the_same_thing_one_is_done() -> None:
    question = Question("residual.yaml", options={"machine": "textbook", "lowering": "eager"})
    items = try_all(question, question.ask()).items
    by_kind = {item.kind: (n, item) for n, item in enumerate(items, 1)}
    number, first = by_kind["int8"]
    assert by_kind["fp16"][1].instead_of == by_kind["int8_weights"][1].instead_of == number
    assert first.after is not None
    assert by_kind["fp16"][1].after is None


def test_a_change_of_the_machine_alone_builds_no_program_and_tells_the_same() -> None:
    question = Question("dense.yaml", options={"machine": "edge", "cache": "24KiB"})
    result = question.ask()
    for change in (Change("", {"cache": 50_000}), Change("", {"bandwidth": "1GB/s"})):
        changed = question.changed(change)
        again = changed.ask_like(result, change)
        assert again.program is result.program
        assert again.totals == changed.ask().totals


def test_where_the_task_order_is_chosen_for_the_cache_it_is_chosen_anew() -> None:
    question = Question("chain.yaml", options={"cache": "24KiB", "order": "best"})
    change = Change("", {"cache": 50_000})
    assert question.changed(change).ask_like(question.ask(), change).config["order"] == "best"


def test_a_long_program_is_not_tried_to_the_end() -> None:
    question = Question("dense.yaml", options={"machine": "textbook", "cache": "24KiB"})
    result = question.ask()
    whole, part = try_all(question, result), try_all(question, result, effort=20_000)
    assert whole.left == 0 < part.left
    assert part.runs < whole.runs
    sheet = memsim.explain("dense.yaml", machine="textbook", cache="24KiB").sheet()
    assert not any("not tried" in note for note in sheet.notes)


def test_what_cannot_be_run_is_told_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    impossible = Change("run on nothing", {"management": "none"})
    monkeypatch.setattr(
        "memsim.explanations.trying.COUNTERFACTUALS", {"none": lambda *_: iter([impossible])}
    )
    explanation = memsim.explain("chain.yaml", machine="textbook", cache="24KiB")
    assert explanation.tried.failed == {"run on nothing": "unknown management 'none'"}
    note = "Not possible: run on nothing (unknown management 'none')."
    assert note in explanation.sheet().notes


def test_what_saves_nothing_more_is_not_among_those_above(monkeypatch) -> None:
    """A cache that holds everything, then more of it: the second adds nothing."""
    changes = [Change("first", {"cache": 10**9}), Change("then", {"bandwidth": "0.001GB/s"})]
    monkeypatch.setattr(
        "memsim.explanations.trying.COUNTERFACTUALS",
        {str(n): lambda *_, c=change: iter([c]) for n, change in enumerate(changes)},
    )
    question = Question("chain.yaml", options={"machine": "textbook", "cache": "8KiB"})
    tried = try_all(question, question.ask())
    assert [item.change.what for item in tried.items] == ["first"]
    assert [item.change.what for item in tried.idle] == ["then"]
    assert isinstance(tried.items[0], Item)
    assert tried.items[0].kept
