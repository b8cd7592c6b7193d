"""The paper's times: under which conditions they are compared, and with what."""

from __future__ import annotations

import pytest

import memsim
from memsim.calibration.published import PUBLISHED
from memsim.paper.timing import CONDITIONS, timed


@pytest.mark.parametrize("name", ["imagenet", "nano"])
def test_figures_and_fits_read_the_same_column_under_the_same_conditions(name: str) -> None:
    fitted = PUBLISHED[name]
    conditions = CONDITIONS[fitted.machine]
    assert (fitted.table, conditions.column) == ("imagenet", fitted.column)
    assert conditions.input_shape == fitted.input_shape
    assert conditions.lowering == fitted.lowering


def test_an_option_changes_the_run_and_not_the_published_time() -> None:
    (plain,) = timed(["hardnet39ds"], machine="jetson_nano")
    (fast,) = timed(["hardnet39ds"], machine="jetson_nano", bandwidth="250GB/s")
    assert plain.measured_s == fast.measured_s == 0.0325
    assert fast.result.time_s < plain.result.time_s
    assert plain.result.config["lowering"] == "concat_in_place"


def test_without_names_it_is_all_of_the_column() -> None:
    names = [row.name for row in timed(machine="jetson_nano")]
    assert names == ["hardnet39ds", "mobilenetv2", "hardnet68ds", "mobilenetv2_1.4"]
    assert all(isinstance(row.result, memsim.Result) for row in timed(names[:1]))
