"""The figure of a sweep: what is drawn is what the sweep says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import memsim
from memsim.cli.main import run
from memsim.plot.figures.sweep import pareto

pytestmark = pytest.mark.needs("xarray")


@pytest.fixture(scope="module")
def ds() -> Any:
    return memsim.sweep(
        ["resnet18", "hardnet39ds"], input="3x32x32", cache="64KiB:512KiB:log2", batch=[1, 2],
        bandwidth="1GB/s:4GB/s:log2", machine="textbook", workers=1,
    )  # fmt: skip


def test_over_two_axes_it_is_a_heat_map(ds: Any) -> None:
    axes = memsim.plot.sweep(
        ds, value="time_s", over="cache,bandwidth", at={"network": "resnet18", "batch": 1}
    )
    (image,) = axes.get_images()
    wanted = 1e3 * ds.time_s.sel(network="resnet18", batch=1).transpose("bandwidth", "cache")
    assert np.array_equal(image.get_array(), wanted.values)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["1 GB/s", "2 GB/s", "4 GB/s"]
    sizes = [tick.get_text() for tick in axes.get_xticklabels()]
    assert sizes == ["64 KiB", "128 KiB", "256 KiB", "512 KiB"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("cache [B]", "peak DRAM bandwidth [B/s]")
    texts = [text.get_text() for text in axes.texts]
    assert texts[0] == f"{float(wanted[0, 0]):.3g}"


def test_a_third_axis_makes_panels_with_one_scale(ds: Any) -> None:
    panels = memsim.plot.sweep(ds.sel(batch=1), value="time_s")
    assert [axes.get_title(loc="left") for axes in panels.flat] == ["resnet18", "hardnet39ds"]
    limits = {axes.get_images()[0].get_clim() for axes in panels.flat}
    assert limits == {(1e3 * float(ds.time_s.sel(batch=1).min()),
                       1e3 * float(ds.time_s.sel(batch=1).max()))}  # fmt: skip
    assert all(len(axes.texts) == axes.get_images()[0].get_array().size for axes in panels.flat)
    bar = panels.flat[0].figure.axes[-1].yaxis
    assert (bar.get_major_formatter()(40, 0), bar.get_label_text()) == ("40", "latency [ms]")
    small = memsim.plot.sweep(ds.sel(batch=1), value="time_s", size=(3.0, 3.0))
    assert not any(axes.texts for axes in small.flat)  # numbers would overlap


def test_over_one_axis_each_of_the_others_is_a_line(ds: Any) -> None:
    axes = memsim.plot.sweep(ds, at={"batch": "2"})
    lines = axes.get_lines()
    assert [line.get_label() for line in lines] == ["resnet18", "hardnet39ds"]
    for line in lines:
        wanted = ds.dram_bytes.sel(network=line.get_label(), batch=2)
        assert np.array_equal(line.get_xdata(), ds.cache.values)
        assert np.array_equal(line.get_ydata(), wanted.values)
    assert axes.get_ylabel() == "DRAM traffic [B]"
    told = axes.xaxis.get_major_formatter()
    assert [told(size, None) for size in (0, 65_536, 200_000)] == ["0", "64 KiB", "200 kB"]
    assert axes.yaxis.get_major_formatter()(65_536, None) == "65.5 kB"  # nobody chose it


def test_a_number_that_was_computed_is_drawn_as_well(ds: Any) -> None:
    share = (ds.stall_s / ds.time_s).rename("share of stalls").sel(batch=1, network="resnet18")
    axes = memsim.plot.sweep(share, over=["bandwidth"], at={"cache": "64KiB"})
    (line,) = axes.get_lines()
    assert np.array_equal(line.get_ydata(), share.sel(cache=65536).values)
    assert axes.get_ylabel() == "share of stalls"


def test_points_that_failed_are_left_empty() -> None:
    bad = memsim.sweep("resnet18", input="3x32x32", machine="edge", dtype=["int8", "bf16"],
                       cache="64KiB,1MiB", workers=1)  # fmt: skip
    axes = memsim.plot.sweep(bad, over="cache,dtype")
    assert np.isnan(np.asarray(axes.get_images()[0].get_array(), float)).sum() == 2
    assert len(axes.texts) == 2


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30))
def test_the_front_is_what_no_other_point_is_better_than(points: list[tuple[int, int]]) -> None:
    x, y = np.array(points, float).T
    found = {(x[at], y[at]) for at in pareto(x, y)}
    wanted = {
        (a, b)
        for a, b in points
        if not any((c <= a and d <= b) and (c, d) != (a, b) for c, d in points)
    }
    assert found == wanted


def test_a_front_draws_all_points_and_those(ds: Any) -> None:
    axes = memsim.plot.sweep(ds, front="cache,time_s", at={"batch": 1})
    assert len(axes.collections[0].get_offsets()) == ds.time_s.sel(batch=1).size
    assert axes.get_title(loc="left").endswith("of 24 points that no other beats in both")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"value": "dram_byte"}, "value: a sweep has no 'dram_byte' (did you mean 'dram_bytes'?)"),
        ({"over": "cash"}, "over: dram_bytes does not depend on 'cash' (did you mean 'cache'?)"),
        ({"over": "cache,bandwidth"},
         "over: dram_bytes does not depend on 'bandwidth' (known: batch, cache, network)"),
        ({"over": "cache"},
         "over: batch has 2 values, and is neither drawn nor chosen (--at batch=1)"),
        ({"over": "a,b,c,d"}, "over: a figure is over one to three axes, not 4 "
         "(network, batch, cache)"),
        ({"at": {"cach": 1}}, "at: the sweep has no axis 'cach' (did you mean 'cache'?)"),
        ({"at": {"batch": "3"}}, "at: batch has no 3 (known: 1, 2)"),
        ({"front": "cache"}, "front: a front is of two numbers of a sweep (such as cache,time_s)"),
        ({"front": "cache,time"}, "front: a sweep has no number 'time' (did you mean 'time_s'?)"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_told(ds: Any, how: dict[str, Any], message: str) -> None:
    with pytest.raises(memsim.InputError) as caught:
        memsim.plot.sweep(ds, **how)
    assert str(caught.value) == message


def test_the_command_draws_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["sweep", "resnet18", "--input", "3x32x32", "--cache", "64KiB,128KiB"]
    assert run([*words, "--machine", "textbook", "-o", "s.csv"]) == 0
    capsys.readouterr()
    assert run(["plot", "sweep", "s.csv", "--value", "time_s", "-o", "s.png"]) == 0
    assert Path("s.png").read_bytes()[:4] == b"\x89PNG"
    told = []
    for line in ("plot sweep s.csv --cache 1MB -o x.png",
                 "plot curve resnet18 --over cache -o x.png",
                 "plot sweep -o x.png", "plot sweep s.csv --at cache -o x.png",
                 "plot sweeep s.csv -o x.png", "plot sweep s.csv --batch 2 -o x.png"):  # fmt: skip
        assert run(line.split()) == 2
        told.append(capsys.readouterr().err)
    assert told == [
        "memsim: cache: is settled in a sweep's file (--at chooses a value of an axis)\n",
        "memsim: --over: is of a sweep (memsim plot sweep)\n",
        "memsim: the figure of a sweep is of one file, not of 0 "
        "(such as memsim plot sweep sweep.nc -o sweep.png)\n",
        "memsim: --at: 'cache' chooses nothing; expected AXIS=VALUE (such as cache=2MiB)\n",
        "memsim: unknown figure 'sweeep' (did you mean 'sweep'?)\n",
        "memsim: batch: is settled in a sweep's file (--at chooses a value of an axis)\n",
    ]
    assert not Path("x.png").exists()
