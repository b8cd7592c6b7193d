"""The obvious command gives the answer that the fidelity report advertises.

No option but ``--machine`` and ``--input``: whoever types that must get the program that the
machine was fitted with, the variants that were timed included.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

import memsim
from memsim.calibration.published import PUBLISHED
from memsim.calibration.runs import Run, read_runs
from memsim.calibration.score import Score
from memsim.cli.main import run as command

DATA = Path(memsim.__file__).parent / "validation" / "data"


def milliseconds(capsys: pytest.CaptureFixture[str], run: Run, machine: str) -> float:
    """What ``memsim run`` says, as somebody would ask it."""
    shape = "x".join(map(str, run.input_shape))
    words = ["run", run.network, "--machine", machine, "--input", shape, "--format", "json"]
    assert command(words) == 0
    return 1000 * float(json.loads(capsys.readouterr().out)["totals"]["time_s"])


def score(capsys: pytest.CaptureFixture[str], runs: Sequence[Run], machine: str) -> Score:
    measured = [1000 * run.seconds for run in runs]
    return Score.of(measured, [milliseconds(capsys, run, machine) for run in runs])


@pytest.mark.parametrize(
    ("name", "networks", "most"), [("imagenet", 16, 0.025), ("camvid", 9, 0.06), ("nano", 4, 0.05)]
)
def test_a_published_time_is_answered_by_its_machine(
    capsys: pytest.CaptureFixture[str], name: str, networks: int, most: float
) -> None:
    published = PUBLISHED[name]
    runs = published.runs().runs
    assert len(runs) == networks
    assert score(capsys, runs, published.machine).mape <= most


@pytest.mark.release
@pytest.mark.parametrize(("machine", "data"), [("zen3", "fused"), ("zen3_eager", "eager")])
def test_a_measured_time_is_answered_by_its_machine(
    capsys: pytest.CaptureFixture[str], machine: str, data: str
) -> None:
    measured = read_runs([DATA / f"zen3_{data}.csv"]).runs
    runs = [run for run in measured if not run.layer and run.input_shape[1] == 224]
    assert len(runs) == 9
    assert score(capsys, runs, machine).mape <= 0.08
