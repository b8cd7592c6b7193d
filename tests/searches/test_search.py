"""Searches: the best point is found, conditions hold, and a study goes on where it ended."""

from __future__ import annotations

import itertools
import json
import warnings
from pathlib import Path
from typing import Any

import pytest

import memsim
from memsim.cli.main import run
from memsim.searches import verb
from memsim.searches.result import SearchResult, Trial
from memsim.searches.space import Dimension, space_of
from memsim.sheets.formats import render
from memsim.sweeps.extras import needed

FILE = """\
name: two
input: [8, 16, 16]
parameters: {wide: 16, deep: 8}
layers:
  - conv: {out: $wide, kernel: 3}
  - conv: {out: $deep, kernel: 3}
  - conv: {out: $wide, kernel: 3}
"""

SPACE = {"wide": "8:32:8", "deep": "4,8,16"}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("two.yaml").write_text(FILE)
    return "two.yaml"


def brute_force() -> dict[tuple[int, int], memsim.Result]:
    """Every point of the space, by itself."""
    return {
        point: memsim.run(
            memsim.load("two.yaml", parameters=dict(zip(SPACE, point, strict=True))),
            machine="textbook", cache="4KiB",
        )
        for point in itertools.product((8, 16, 24, 32), (4, 8, 16))
    }  # fmt: skip


# ---- the space


@pytest.mark.parametrize(
    ("told", "values"),
    [
        ("8:24:8", (8, 16, 24)),
        ("1.5,1.6", (1.5, 1.6)),
        ([3, 5], (3, 5)),
        (7, (7,)),
        ("a,b", ("a", "b")),
    ],
)
def test_a_dimension(told: object, values: tuple[Any, ...]) -> None:
    assert Dimension.of("x", told) == Dimension("x", values)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ([], "x: has no values"),
        ("1,1", "x: 1 is said twice"),
        ("2..1", "x: '2..1' is empty: its end is not above its start"),
        ("1:9:0", "never ends"),
        ("a:b:c", "no"),
    ],
)
def test_a_dimension_that_is_none(told: object, why: str) -> None:
    with pytest.raises(memsim.InputError, match=why):
        Dimension.of("x", told)


def test_a_space_without_dimensions() -> None:
    with pytest.raises(memsim.InputError, match="no parameter is varied"):
        space_of({})


# ---- the search


@pytest.mark.needs("optuna")
def test_a_grid_finds_what_brute_force_does(file: str) -> None:
    found = memsim.search(
        file, SPACE, "dram_bytes at 4KiB", subject_to=["macs >= 1M"], sampler="grid",
        machine="textbook", trials=1000,
    )  # fmt: skip
    every = brute_force()
    assert len(found.trials) == len(every) == 12
    allowed = {point: each.dram_bytes for point, each in every.items() if each.network.macs >= 1e6}
    (best,) = found.best
    assert best.values == (min(allowed.values()),)
    assert allowed[tuple(best.parameters.values())] == best.values[0]
    for trial in found.trials:
        point = tuple(trial.parameters.values())
        assert trial.macs == every[point].network.macs
        assert trial.feasible == (point in allowed)
        assert bool(trial.values) == trial.feasible  # what has too few MACs was not simulated


@pytest.mark.needs("optuna")
def test_the_front_of_two_objectives(file: str) -> None:
    found = memsim.search(file, SPACE, ["time_s at 4KiB"], maximise="macs", sampler="grid",
                          machine="textbook")  # fmt: skip
    every = [(each.time_s, -each.network.macs) for each in brute_force().values()]
    front = {
        (time, macs) for time, macs in every
        if not any(a <= time and b <= macs and (a, b) != (time, macs) for a, b in every)
    }  # fmt: skip
    assert {(trial.values[0], -trial.values[1]) for trial in found.best} == front
    assert found.directions == ("minimise", "maximise")


@pytest.mark.needs("optuna")
@pytest.mark.parametrize("sampler", ["tpe", "random", "nsga2"])
def test_every_sampler_is_repeatable_and_stays_in_the_space(file: str, sampler: str) -> None:
    how = {"sampler": sampler, "trials": 12, "seed": 3, "machine": "textbook"}
    space = {**SPACE, "wide": "8:32:4"}
    first, second = (memsim.search(file, space, "dram_bytes", **how) for _ in range(2))
    assert first == second
    assert len(first.trials) == 12
    assert {trial.parameters["wide"] for trial in first.trials} <= {*range(8, 33, 4)}
    assert first.best[0].values[0] == min(trial.values[0] for trial in first.trials)


@pytest.mark.needs("optuna")
def test_a_study_goes_on_where_it_ended(file: str) -> None:
    storage = "sqlite:///search.db"
    how = {"storage": storage, "sampler": "random", "machine": "textbook"}
    half = memsim.search(file, SPACE, "dram_bytes", trials=3, **how)
    made: list[int] = []
    whole = memsim.search(
        file, SPACE, "dram_bytes", trials=5, progress=lambda done, _: made.append(done), **how
    )
    assert whole.trials[:3] == half.trials
    assert made == [4, 5]
    again = memsim.search(file, SPACE, "dram_bytes", trials=5, **how)
    assert again.trials == whole.trials
    other = memsim.search(file, SPACE, "macs", trials=1, **how)  # another question
    assert len(other.trials) == 1


@pytest.mark.needs("optuna")
@pytest.mark.parametrize("sampler", ["grid", "random"])
def test_a_search_that_is_interrupted_leaves_nothing_out(
    file: str, sampler: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The network at which Ctrl-C came is tried when the search goes on; Ctrl-C is told by none."""
    how: dict[str, Any] = {"storage": "sqlite:///search.db", "sampler": sampler, "trials": 5}
    space = {"wide": "8:40:8", "deep": 8}
    real, times = verb._Networks.load, iter([False, False, True])

    def load(networks: Any, parameters: Any) -> Any:
        if next(times, False):
            raise KeyboardInterrupt
        return real(networks, parameters)

    with monkeypatch.context() as patch:
        patch.setattr(verb._Networks, "load", load)
        with pytest.raises(KeyboardInterrupt):
            memsim.search(file, space, "macs", machine="textbook", **how)
    assert capfd.readouterr().err == ""
    found = memsim.search(file, space, "macs", machine="textbook", **how)
    assert len(found.trials) == 5
    assert all(each.values for each in found.trials)
    if sampler == "grid":
        assert sorted(each.parameters["wide"] for each in found.trials) == [8, 16, 24, 32, 40]


@pytest.mark.needs("optuna")
def test_a_network_that_fails_is_told_and_the_others_go_on(file: str) -> None:
    found = memsim.search(file, {"wide": [8, 0, 16]}, "dram_bytes", sampler="grid")
    failed = [trial for trial in found.trials if trial.error]
    assert [trial.parameters for trial in failed] == [{"wide": 0}]
    assert len(found.best) == 1
    assert "1 failed: " in render(found, "table")


@pytest.mark.needs("optuna")
@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"minimise": "drm_bytes"}, "did you mean 'dram_bytes'"),
        ({"minimise": ()}, "no objective"),
        ({"minimise": "macs at 1MiB"}, r"macs depends on no cache \(macs alone\)"),
        ({"minimise": "energy_j", "machine": "gtx1080"}, "the machine does not tell energy_j"),
        ({"trials": 0}, "trials: 0 is no number of trials"),
        ({"sampler": "tpee"}, r"unknown sampler 'tpee' \(did you mean 'tpe'\?\)"),
        ({"parameters": {"wide": "1..2"}, "sampler": "grid"}, "a grid needs values"),
        ({"parameters": {"width": [1]}}, r"unknown parameter 'width' \(did you mean 'wide'\?\)"),
        ({"clock": "replay"}, "clock"),
        ({"network": "three.yaml"}, "three.yaml"),
    ],
)
def test_what_is_wrong_is_told_before_any_work(file: str, how: dict[str, Any], told: str) -> None:
    asked = {"network": file, "parameters": SPACE, "minimise": "dram_bytes", "trials": 3, **how}
    with pytest.raises(memsim.InputError, match=told):
        memsim.search(**asked)


def test_a_network_that_is_built_has_no_parameters() -> None:
    with pytest.raises(memsim.InputError, match="no parameters to vary"):
        memsim.search(memsim.load("resnet18"), {"x": [1]}, "macs")  # type: ignore[arg-type]


# ---- the command


@pytest.mark.needs("optuna")
def test_the_command(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "search", file, "--set", "wide=8:32:8", "--minimise", "dram_bytes at 4KiB",
        "--subject-to", "macs >= 1M", "--sampler", "grid", "--machine", "textbook",
    ]  # fmt: skip
    assert run(words) == 0
    table = capsys.readouterr().out
    assert max(map(len, table.splitlines())) <= 80
    assert "4 by grid of 4 points" in table
    assert run([*words, "--format", "json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["schema"] == "memsim.search/1"
    assert [trial["wide"] for trial in facts["trials"] if trial["best"]] == [
        24
    ]  # 16 has 884,736 MACs
    assert run([*words, "--set", "wide"]) == 2
    assert "--set: 'wide' varies nothing; expected NAME=VALUES" in capsys.readouterr().err
    assert run([*words, "--set", "wide=1"]) == 2
    assert "--set: wide is set twice" in capsys.readouterr().err


def test_a_notebook_without_widgets_is_not_told_of_them(
    file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def imported(*names: str) -> Any:
        warnings.warn("IProgress not found. Please update jupyter and ipywidgets.", stacklevel=1)
        return needed(*names)

    monkeypatch.setattr("memsim.searches.verb.needed", imported)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        memsim.search(file, {"wide": "8"}, "macs", sampler="grid")


def test_of_equal_trials_the_first_is_the_best() -> None:
    trials = tuple(Trial(n, {"x": n}, (5.0,)) for n in range(3))
    found = SearchResult("two", ("macs",), ("minimise",), (), trials)
    assert [trial.number for trial in found.best] == [0]
