"""The ladder: each rung is the run that its command makes."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from typing import Any

import pytest

import memsim
from memsim.cli.main import run
from memsim.explanations.ladder import _rungs, ladder
from memsim.explanations.question import Question
from memsim.program.parts import Part

RUNGS = ["no cache", "lru", "belady", "pinned", "layer order", "depth first"]


Asks = Callable[[str], dict[str, Any]]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Asks:
    """What a command tells as JSON."""

    def answer(command: str) -> dict[str, Any]:
        program, *words = shlex.split(command)
        assert program == "memsim"
        assert run([*words, "--format", "json"]) == 0
        facts: dict[str, Any] = json.loads(capsys.readouterr().out)
        return facts

    return answer


@pytest.mark.parametrize(
    ("name", "options", "only"),
    [
        ("mobilenetv2", {"machine": "edge", "cache": "256KiB"}, None),
        ("resnet18", {"cache": "300kB", "order": "best", "lowering": "fused"}, None),
        ("resnet18", {"machine": "edge", "cache": "1MB", "frames": 2}, Part.WEIGHTS),
    ],
)
def test_each_command_tells_what_its_rung_says(
    ask: Asks, name: str, options: dict[str, object], only: Part | None
) -> None:
    """Also where its run is that of the policies above the ladder."""
    found = memsim.bounds(name, only=only and only.value, **options).ladder
    assert [rung.name for rung in found.rungs] == [n for n in RUNGS if n not in found.without]
    for rung in found.rungs:
        totals = ask(rung.command)["totals"]
        for fact, value in rung.to_dict().items():
            if fact not in ("name", "command"):
                assert totals[fact] == value, (rung.command, fact)


@pytest.mark.needs("scipy")
def test_commands_of_the_ladder_say_how_the_network_was_loaded(ask: Asks) -> None:
    told = ask("memsim bounds resnet18 --cache 300kB --batch 2 --dtype int8 --input 3x64x64")
    lowest = {rung["name"]: rung for rung in told["ladder"]}["pinned"]
    assert ask(lowest["command"])["totals"]["dram_bytes"] == lowest["dram_bytes"]
    assert told["policies"]["pinned"] == lowest["dram_bytes"]
    assert told["ladder_without"] == {}


@pytest.mark.needs("scipy")
@pytest.mark.parametrize("name", ["hardnet68", "resnet50"])
def test_rungs_are_policies_and_none_is_below_its_floor(name: str) -> None:
    found = memsim.bounds(name, machine="edge", cache="256KiB")
    rungs = {rung.name: rung.dram_bytes for rung in found.ladder.rungs}
    assert list(rungs) == RUNGS
    for policy in ("lru", "belady", "pinned"):
        assert rungs[policy] == found.policies[policy] >= found.lower_bytes[0]
    assert rungs["pinned"] <= rungs["belady"] < rungs["lru"] < rungs["no cache"]
    assert rungs["layer order"] <= rungs["lru"]
    assert found.compulsory_bytes <= rungs["depth first"] <= rungs["lru"]


def test_a_rung_that_options_leave_no_room_for_is_left_out() -> None:
    """Groups that are found, and an order of layers, are those of every rung then."""
    asked = {"cache": "500kB", "schedule": "depth_first", "groups": "auto", "layer_order": "dfs"}
    assert [name for name, _ in _rungs(Question("resnet18", {}, asked))] == RUNGS[:4]


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        ({}, False),
        ({"layer_order": "dfs"}, False),
        ({"layer_order": "min_traffic"}, True),
        ({"order": "best"}, True),
        ({"schedule": "depth_first", "groups": "auto"}, True),
    ],
)
def test_what_is_chosen_for_a_cache_is_chosen_anew_for_another(
    options: dict[str, Any], chosen: bool
) -> None:
    result = memsim.run("resnet18", cache="1MB", **options)
    assert result.program.chosen_for_cache == chosen


def test_rungs_of_a_machine_that_runs_a_library_run_without_it() -> None:
    rungs = dict(_rungs(Question("resnet18", {}, {"machine": "zen3", "management": "scratchpad"})))
    assert all(options["library"] == "none" for options in rungs.values())


def test_what_is_wrong_with_the_question_is_an_error_and_no_missing_rung() -> None:
    with pytest.raises(memsim.InputError, match="order"):
        ladder(Question("resnet18", {}, {"order": "rows_outr"}))
