"""Explanations: where bytes go, what is fetched again and why, and how it is said."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import memsim
from memsim.cli.main import run
from memsim.explanations.next_size import next_size
from memsim.explanations.question import Change, Question
from memsim.explanations.refetched import refetched
from memsim.sheets.formats import render
from tests.golden import check_golden
from tests.strategies import networks

WAITS = """
name: waits
input: [4, 16, 16]
layers:
  - {conv: {out: 8, kernel: 1}, name: a}
  - {conv: {out: 8, kernel: 1}, name: b}
  - {conv: {out: 8, kernel: 1}, name: c}
  - {add: a, name: sum}
"""
"""Maps of 16 x 16 x 8 x 4 B = 8,192 B: ``a`` waits for the sum while ``b`` is made."""


def test_a_tensor_that_waits_is_evicted_by_what_is_made_meanwhile() -> None:
    network = memsim.loads(WAITS)
    result = memsim.run(network, machine="textbook", cache=12_000, lowering="eager")
    (a,) = refetched(result)
    assert (a.tensor, a.nbytes, a.spilled_bytes, a.reloaded_bytes) == ("a", 8192, 8192, 8192)
    # One map fits, and something: b reads a, which does not die, and b takes its place.
    assert (a.evicted_at, a.evicted_by) == ("b", "b")
    assert (a.last_used_at, a.needed_at, a.readers) == ("b", "sum", 1)
    roomy = memsim.run(network, machine="textbook", cache=30_000, lowering="eager")
    assert refetched(roomy) == ()


def test_weights_that_come_again_are_written_back_by_nobody() -> None:
    text = "{name: n, input: [8, 32, 32], layers: [conv: {out: 32, kernel: 3}]}"
    result = memsim.run(memsim.loads(text), machine="textbook", cache=0, buffer="16KiB")
    weights = next(each for each in refetched(result) if each.kind == "weight")
    assert (weights.evicted_at, weights.evicted_by) == ("", "")
    assert weights.last_used_at == weights.needed_at == "conv1"


@given(networks(), st.integers(0, 40_000))
def test_what_is_fetched_again_is_all_that_is_not_compulsory(network, cache: int) -> None:
    try:
        explanation = memsim.explain(network, machine="textbook", cache=cache)
    except memsim.SimulationError:  # it computes nothing
        assume(False)
    parts = explanation.by_part_and_cause
    assert sum(sum(each.values()) for each in parts.values()) == explanation.result.dram_bytes
    assert sum(p["compulsory"] for p in parts.values()) == explanation.result.compulsory_bytes
    avoidable = sum(each.avoidable_bytes for each in explanation.fetched_again)
    assert avoidable == sum(p["avoidable"] for p in parts.values())
    for each in explanation.fetched_again:
        assert bool(each.evicted_at) == bool(each.evicted_by) == bool(each.spilled_bytes)
        assert bool(each.needed_at) == bool(each.reloaded_bytes)


def test_the_next_useful_size_is_where_the_curve_has_fallen() -> None:
    question = Question(memsim.loads(WAITS), options={"machine": "textbook", "cache": 12_000})
    found = next_size(question, question.ask())
    assert found is not None
    assert found.kept == "a"
    curve = memsim.curve(question.network, machine="textbook")
    assert found.figures.dram_bytes == curve.dram_bytes(found.cache_bytes)
    assert curve.dram_bytes(found.cache_bytes) < curve.dram_bytes(12_000)
    roomy = question.changed(Change("", {"cache": "1MB"}))
    assert next_size(roomy, roomy.ask()) is None


def test_a_policy_without_a_curve_has_no_next_size() -> None:
    question = Question(memsim.loads(WAITS), options={"cache": 17_000, "policy": "fifo"})
    assert next_size(question, question.ask()) is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("explain", ["explain", "hardnet68", "--cache", "2MB"]),
        ("explain_edge", ["explain", "mobilenetv2", "--machine", "edge", "--cache", "256KiB"]),
    ],
)
def test_what_is_said(capsys: pytest.CaptureFixture[str], name: str, words: list[str]) -> None:
    assert run(words) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    check_golden(f"{name}.txt", out)


def test_every_format_tells_it(capsys: pytest.CaptureFixture[str]) -> None:
    explanation = memsim.explain(memsim.loads(WAITS), machine="textbook", cache=17_000)
    facts = json.loads(json.dumps(explanation.to_dict()))
    assert facts["schema"] == "memsim.explanation/1"
    assert facts["run"]["command"] == "memsim run network.yaml --machine textbook --cache 17000"
    kinds = [item["kind"] for item in facts["counterfactuals"] + facts["saving_nothing"]]
    assert [row["kind"] for row in explanation.rows()] == kinds
    assert "network.yaml is what memsim.dump writes of the network" in str(explanation)
    assert "## what to change, and what it saves" in render(explanation, "md")


def test_commands_say_what_was_said() -> None:
    question = Question(
        "hardnet68@pre",
        {"input_shape": (3, 64, 64), "batch": 2, "parameters": {"growth1": 12}, "dtype": None},
        {"cache": "1MB", "fetch_on_write": False, "group": ("a..b", "c..d"), "ways": 8},
    )
    assert question.command() == (
        "memsim run hardnet68@pre --cache 1MB --no-fetch-on-write --group a..b --group c..d "
        "--ways 8 --input 3x64x64 --batch 2 --set growth1=12"
    )
    machine = memsim.load_machine("edge")
    assert Question("x", options={"machine": machine}).command() == ("memsim run x --machine edge")
    other = machine.with_overrides(cache="3MB")
    assert Question("x", options={"machine": other}).command() == (
        "memsim run x --machine machine.yaml"
    )


def test_the_clock_is_no_option_of_an_explanation(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "resnet18", "--clock", "replay"]) == 2
    assert capsys.readouterr().err == (
        "memsim: --clock: chooses how times are found, and both ways find the same (leave it out)\n"
    )
