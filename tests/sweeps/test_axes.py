"""Axes as they are written: ranges, lists, units, and what is wrong with them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import memsim
from memsim.cli.main import run
from memsim.sweeps.axis import AXES, PARAMETER, axis
from memsim.sweeps.space import space
from tests.golden import check_golden


@pytest.mark.parametrize(
    ("name", "given", "labels"),
    [
        ("cache", "64KiB:512KiB:log2", [65536, 131072, 262144, 524288]),
        ("cache", "48KiB:400KiB:log2", [49152, 98304, 196608, 393216]),
        ("cache", "1MB:2MB:500kB", [1000000, 1500000, 2000000]),
        ("cache", "1MB:2MB:400kB", [1000000, 1400000, 1800000]),
        ("cache", "1kB:1MB:4@log", [1000, 10000, 100000, 1000000]),
        ("cache", "2MiB,64KiB:128KiB:log2", [65536, 131072, 2097152]),
        ("cache", ["2MiB", 5, "1:3:1"], [1, 2, 3, 5, 2097152]),
        ("cache", np.array([4096, 1024]), [1024, 4096]),
        ("cache", range(3), [0, 1, 2]),
        ("cache", "0:8:4", [0, 4, 8]),
        ("bandwidth", "6.4GB/s,25.6GB/s", [6400000000, 25600000000]),
        ("bandwidth", "1.5,1GB/s", [1.5, 1000000000]),
        ("macs", "1T:4T:log2", [10**12, 2 * 10**12, 4 * 10**12]),
        ("batch", "1,8", [1, 8]),
        ("batch", "8:24:4", [8, 12, 16, 20, 24]),
        ("dtype", "int8,fp16", ["int8", "fp16"]),
        ("fetch_on_write", "false,true", [False, True]),
        ("lowering", "fused", ["fused"]),
        ("strip", "1:8:log2", [1, 2, 4, 8]),
        ("strip", "8:16:8,4x16", ["8", "16", "4x16"]),
        ("strip", [2, "4x16"], ["2", "4x16"]),
        ("strip", "4x16", ["4x16"]),
    ],
)
def test_values_of_an_axis(name: str, given: Any, labels: list[Any]) -> None:
    assert list(axis(name, given).labels) == labels


@pytest.mark.parametrize(
    ("given", "labels"),
    [
        ("8:24:4", [8, 12, 16, 20, 24]),
        ("1.5:1.7:0.1", [1.5, 1.6, 1.7]),
        ("1.5,1.6,1.7", [1.5, 1.6, 1.7]),
        ("relu,relu6", ["relu", "relu6"]),
        ("true,false", [True, False]),
        (12, [12]),
    ],
)
def test_values_of_a_parameter(given: Any, labels: list[Any]) -> None:
    assert list(axis("p", given, PARAMETER).labels) == labels


@given(start=st.integers(0, 10**6), step=st.integers(1, 10**4), count=st.integers(1, 50))
def test_a_range_adds_up(start: int, step: int, count: int) -> None:
    stop = start + step * (count - 1)
    assert axis("cache", f"{start}:{stop}:{step}").values == tuple(range(start, stop + 1, step))


@given(start=st.integers(1, 10**6), factor=st.integers(2, 10**6), count=st.integers(2, 40))
def test_values_of_equal_ratio_hold_both_ends(start: int, factor: int, count: int) -> None:
    stop = start * factor + 100
    try:
        values = axis("cache", f"{start}:{stop}:{count}@log").values
    except memsim.InputError as error:
        assert "different values" in str(error)  # noqa: PT017  # too few whole numbers between
        return
    assert (values[0], values[-1], len(values)) == (start, stop, count)
    ratio = (stop / start) ** (1 / (count - 1))
    for place, value in enumerate(values):
        assert abs(value - start * ratio**place) <= 0.5 + 1e-6 * value


def test_rates_stay_exact() -> None:
    (rate,) = axis("bandwidth", "0.1GB/s").values
    assert rate == Fraction(10**8)
    assert axis("bandwidth", "1.1:5:1.3").values == (
        Fraction(11, 10), Fraction(24, 10), Fraction(37, 10), Fraction(5),
    )  # fmt: skip


def test_every_option_of_run_can_be_an_axis() -> None:
    from memsim.simulate.options import RUN_OPTIONS

    assert set(RUN_OPTIONS) - {"clock"} < set(AXES)


WRONG = (
    "sweep N.yaml -o x.csv --cach 1MB",
    "sweep N.yaml -o x.csv --clock replay",
    "sweep N.yaml -o x.csv --cache ,",
    "sweep N.yaml -o x.csv --cache 1MB:1GB/s:log2",
    "sweep N.yaml -o x.csv --bandwidth 1MB:4MB:1x",
    "sweep N.yaml -o x.csv --cache 1MB:4MB:0",
    "sweep N.yaml -o x.csv --cache 1MB:4MB:-1MB",
    "sweep N.yaml -o x.csv --cache 0:4MB:log2",
    "sweep N.yaml -o x.csv --cache 4MB:1MB:1MB",
    "sweep N.yaml -o x.csv --cache 1MB:4MB:1@log",
    "sweep N.yaml -o x.csv --cache 1MB:4MB:log10",
    "sweep N.yaml -o x.csv --cache 1:9GB:1",
    "sweep N.yaml -o x.csv --cache 1:200kB:1 --batch 1:10000:1",
    "sweep N.yaml -o x.csv --cache 64KiB,65536",
    "sweep N.yaml -o x.csv --batch 0,1 --lowering fuse --dtype int8,int9 --frames 1.5",
    "sweep N.yaml -o x.csv --policy lru,lfu --machine edge,hedge",
    "sweep N.yaml -o x.csv --ways 8,16",
    "sweep N.yaml -o x.csv --strip 4,4x --overlap keep",
    "sweep N.yaml -o x.csv --strip 2x8:4x8:1",
    "sweep N.yaml -o x.csv --set grow=1,2",
    "sweep N.yaml -o x.csv --set growth",
    "sweep N.yaml -o x.csv --set growth=1 --set growth=2",
    "sweep N.yaml -o x.csv --by roles",
    "sweep N.yaml -o x.csv --workers 0",
    "sweep N.yaml -o x.csv --workers 2 --scheduler tcp://127.0.0.1:1",
    "sweep N.yaml",
    "sweep N.yaml -o x.json",
    "sweep N.yaml -o nowhere/x.csv",
    "sweep -o x.csv",
    "sweep N.yaml N.yaml -o x.csv",
    "sweep M.yaml -o x.csv",
    "sweep resnet81 -o x.csv",
    "sweep N.yaml --file s.yaml -o x.csv --cache 1MB",
    "sweep --file bad.yaml -o x.csv",
)

TINY = """\
name: tiny
input: [3, 12, 12]
parameters: {growth: 8}
layers:
  - conv: {out: $growth, kernel: 3}
"""


@pytest.mark.needs("xarray")
def test_what_is_wrong_is_told_before_any_work(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "N.yaml").write_text(TINY)
    (tmp_path / "s.yaml").write_text("cache: 64KiB:1MiB:log2\n")
    (tmp_path / "bad.yaml").write_text(
        "networks: [N.yaml, 3]\ncach: 1MB\ncache: 4MB:1MB:1MB\nbatch: []\n"
        "parameters:\n  growth: 1:9:0\nby: [rolle]\n"
    )
    told = []
    for line in WRONG:
        code = run(line.split())
        out, err = capsys.readouterr()
        assert (code, out) == (2, ""), line
        told.append(f"$ memsim {line}\n{err}")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["N.yaml", "bad.yaml", "s.yaml"]
    check_golden("errors_sweep.txt", "\n".join(told))


def test_a_billion_points_are_not_refused_and_one_more_axis_is() -> None:
    found = space("resnet18", cache="1:100000:1", batch="1:10000:1")
    assert found.points == 10**9
    with pytest.raises(memsim.InputError, match="reduce cache to 50,000 values"):
        space("resnet18", cache="1:100000:1", batch="1:10000:1", dtype="int8,fp16")


@pytest.mark.parametrize(
    ("name", "found"),
    [("schedule", "auto"), ("groups", "auto"), ("layer_order", "min_traffic")],
)
def test_what_is_found_for_one_cache_size_is_no_axis(name: str, found: str) -> None:
    with pytest.raises(memsim.InputError) as told:
        axis(name, found)
    assert str(told.value) == (
        f"{name}: {found} is found for one cache size, and points of a sweep share programs "
        "(memsim run --cache SIZE,SIZE finds it at each)"
    )


def test_names_of_parameters_give_way_to_options_and_facts() -> None:
    found = space("resnet18", parameters={"cache": 3, "time_s": 4, "growth": 5})
    assert list(found.axes) == ["network", "parameter_cache", "parameter_time_s", "growth"]
