"""Whether a machine was quiet while it was timed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from memsim.measurement.run import quiet
from memsim.measurement.run.quiet import OTHERS, Meanwhile, disturbances
from memsim.measurement.run.stopwatch import Times


def stat(path: Path, seconds: float) -> Path:
    """``/proc/stat`` of cores that have worked for so long, a third each of all kinds."""
    ticks = round(seconds * os.sysconf("SC_CLK_TCK") / 3)
    path.write_text(f"cpu  {ticks} {ticks} {ticks} 999999 5 0 0\ncpu0 1 2 3\n", "utf-8")
    return path


def test_others_are_what_the_cores_did_less_what_this_process_did(tmp_path, monkeypatch):
    clocks = {"monotonic": 100.0, "process_time": 7.0}
    monkeypatch.setattr(quiet.time, "monotonic", lambda: clocks["monotonic"])
    monkeypatch.setattr(quiet.time, "process_time", lambda: clocks["process_time"])
    meanwhile = Meanwhile(stat(tmp_path / "stat", 300))
    assert meanwhile.others() is None  # no time has gone by
    clocks.update(monotonic=110.0, process_time=16.0)
    stat(tmp_path / "stat", 315)  # 15 s of work in 10 s, of which 9 s are ours
    assert meanwhile.others() == pytest.approx(0.6)


def test_where_nothing_is_told_nothing_is_known(tmp_path):
    assert Meanwhile(tmp_path / "none").others() is None
    (tmp_path / "odd").write_text("cpu x y z\n")
    assert Meanwhile(tmp_path / "odd").others() is None


def test_the_limits_are_not_yet_a_disturbance(monkeypatch: pytest.MonkeyPatch) -> None:
    at, above = Times(1.03125, 0.0, 9, 0, cpu_s=1.0), Times(1.04, 0.0, 9, 0, cpu_s=1.0)
    monkeypatch.setattr(quiet, "APART", 1 / 32)  # a number that floats hold
    assert disturbances(at, 1, OTHERS) == ()
    assert disturbances(above, 1, 0.0) == ("the wall clock is 4% above the processor time",)
    assert disturbances(at, 1, 0.104) == ("others kept 0.10 cores busy",)


def test_the_processors_time_of_several_threads_is_compared_with_nothing() -> None:
    assert disturbances(Times(1.0, 0.0, 9, 0, cpu_s=0.5), 2, None) == ()
    assert disturbances(Times(1.0, 0.0, 9, 0), 1, None) == ()
