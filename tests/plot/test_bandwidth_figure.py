"""The bandwidth figure: what is drawn is what was timed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from memsim.plot.figures.bandwidth import bandwidth
from tests.measurement.made_up import CACHES, made_up
from tests.plot.images import check_image


def test_it_looks_like_its_baseline(tmp_path: Path) -> None:
    check_image("bandwidth", bandwidth(made_up()), tmp_path)


@pytest.mark.parametrize("loop", ["copy", "read", "triad"])
def test_a_line_has_the_medians_of_its_loop(loop: str) -> None:
    found = made_up()
    (line,) = (each for each in bandwidth(found).lines if each.get_gid() == loop)
    drawn = [each for each in found.bandwidths if each.loop == loop]
    assert line.get_xdata().tolist() == [each.footprint_bytes for each in drawn]
    assert line.get_ydata().tolist() == [each.median for each in drawn]


def test_caches_stand_where_they_end_and_levels_are_labelled() -> None:
    axes = bandwidth(made_up())
    ends = {each.get_gid(): each.get_xdata()[0] for each in axes.lines if each.get_gid() in CACHES}
    assert ends == CACHES
    labels = {text.get_text() for text in axes.texts}
    assert {"L1 200 GB/s", "L2 100 GB/s", "L3 50 GB/s", "DRAM 20 GB/s"} <= labels
    assert axes.get_title(loc="left") == (
        "Made Up 3000 reads 20 GB/s from DRAM, 10 times as much from L1"
    )


def test_without_known_caches_there_are_lines_alone() -> None:
    axes = bandwidth(replace(made_up(), caches={}, threads=4))
    assert axes.get_title(loc="left") == "How fast Made Up 3000 moves bytes"
    assert axes.get_xlabel() == "footprint of all arrays, 4 threads"
    assert not axes.texts
