"""What is kept of a frozen model is still what the model says."""

from __future__ import annotations

import pytest

from memsim.validation.cpu_times import CPUS, frozen_times, milliseconds
from memsim.validation.split import split
from memsim.validation.traffic.command import SUBJECTS
from memsim.validation.traffic.frozen import SIZES, frozen

ANOTHER = (
    "the model is not the one that was frozen any more: if it is to be compared again, say so in "
    "the log of memsim/validation/data/split.csv, then python benchmarks/freeze.py"
)


def test_what_is_kept_is_of_test_series() -> None:
    assert {series for _, series in frozen().said} <= set(split().series("test"))
    assert {series for _, series in frozen_times()} <= set(split("split_times").series("test"))
    for (subject, series), kept in frozen().said.items():
        assert subject in SUBJECTS
        assert tuple(kept) == SIZES, series


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_smallest_series_is_predicted_as_it_was_kept(subject: str) -> None:
    kept = {s: said for (name, s), said in frozen().said.items() if name == subject}
    if not kept:
        pytest.skip("no model has been frozen yet")
    series = min(kept, key=lambda each: (each.side, each.network))
    now = SUBJECTS[subject].says(series, [1024 * kib for kib in SIZES])
    for kib, moved in zip(SIZES, now, strict=True):
        assert round(moved.total) == pytest.approx(kept[series][kib].total, abs=2), ANOTHER


def test_a_time_is_predicted_as_it_was_kept() -> None:
    times = frozen_times()
    if not times:
        pytest.skip("no model has been frozen yet")
    for cpu in CPUS:
        mine = [series for machine, series in times if machine == cpu.machine]
        if mine:
            series = min(mine, key=lambda each: (each.side, each.network))
            said = milliseconds(cpu, series)
            assert said == pytest.approx(times[cpu.machine, series], abs=0.001), ANOTHER
