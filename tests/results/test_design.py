"""The Pareto front: nothing on it is beaten, and nothing better is missed, by brute force."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

import memsim
from memsim.cli.main import run as command
from memsim.engines.clock.recurrence import finish
from memsim.engines.clock.steps import steps
from memsim.results.curve import CurveResult
from memsim.results.inverse.design import Design
from memsim.results.inverse.workload import Workload
from memsim.simulate.preparation import prepare_all

LIMIT = 10**12 // 400
"""Picoseconds of a frame at 400 per second."""


@pytest.fixture(scope="module", name="nets")
def _nets() -> list[memsim.Network]:
    return [
        memsim.load(name, dtype="int8", input_shape=shape)
        for name, shape in (("patterns/harmonic", "3x20x20"), ("resnet18", "3x32x32"))
    ]


@pytest.fixture(scope="module", name="curves")
def _curves(nets) -> list[CurveResult]:
    return [memsim.curve(net, machine="edge") for net in nets]


def time(curve: CurveResult, cache: int, bandwidth: int, macs: Fraction | None = None) -> int:
    """What a run takes at a point."""
    machine = curve.machine.with_overrides(bandwidth=bandwidth, macs=macs)
    return finish(steps(curve.program, curve.cache_pass(cache), machine))


def met(curves, each: bool, *point) -> bool:
    times = [time(curve, *point) for curve in curves]
    return (max(times) if each else sum(times)) <= LIMIT


@pytest.mark.parametrize("each", [False, True])
def test_no_point_of_a_coarse_grid_is_missed_or_beats_the_front(nets, curves, each: bool) -> None:
    front = memsim.design(nets, fps=400, machine="edge", each=each)
    points = [(point.cache_bytes, int(point.bandwidth)) for point in front.points]
    assert len(points) > 20
    # Ascending in one, descending in the other: none beats another.
    assert points == sorted(points)
    assert [rate for _, rate in points] == sorted((rate for _, rate in points), reverse=True)
    assert len({rate for _, rate in points}) == len({size for size, _ in points}) == len(points)
    # Each is the smallest: one byte per second less misses the goal.
    for point in points[:: len(points) // 8]:
        assert met(curves, each, *point)
        assert not met(curves, each, point[0], point[1] - 1)
    # A grid of all pairs of some sizes, of every network, and rates around the front's.
    sizes = sorted({int(size) for curve in curves for size in curve.steps.cache_bytes})

    def needed(size: int) -> int:
        return min(rate for least, rate in points if least <= size)

    for size in sizes[:: max(len(sizes) // 12, 1)]:
        best = needed(size)
        for rate in {best, best - 1, best * 2 // 3, 3 * best // 2}:
            does_it = met(curves, each, size, rate)
            assert not does_it or rate >= best, f"{size} B and {rate} B/s beat the front"
    # At a size of no point of the front the best of the smaller ones is not improved.
    left_out = [size for size in sizes if size not in {size for size, _ in points}]
    for size in left_out[:: max(len(left_out) // 6, 1)]:
        assert not met(curves, each, size, needed(size) - 1)


def test_three_numbers(nets, curves) -> None:
    rates = [Fraction(10**11), Fraction(4 * 10**11), Fraction(10**12)]
    front = memsim.design(
        nets, fps=400, machine="edge", minimise="sram,bandwidth,macs", mac_rates=rates
    )
    points = [(p.cache_bytes, int(p.bandwidth), p.mac_rate) for p in front.points]
    assert {macs for *_, macs in points} <= {*rates}
    for one in points:
        beaten = [two for two in points if two != one
                  and all(a <= b for a, b in zip(two, one, strict=True))]  # fmt: skip
        assert not beaten
    for size, bandwidth, macs in points[:: len(points) // 6]:
        assert met(curves, False, size, bandwidth, macs)
        assert not met(curves, False, size, bandwidth - 1, macs)
    for macs in rates:  # whatever does it is on the front or beaten by what is
        for size in (0, 60_000, 300_000):
            for bandwidth in (10**9, 4 * 10**9, 3 * 10**10):
                does_it = met(curves, False, size, bandwidth, macs)
                covered = any(a <= size and b <= bandwidth and c <= macs for a, b, c in points)
                assert not does_it or covered


def test_the_other_rate_is_found_where_bandwidths_are_named(nets, curves) -> None:
    front = memsim.design(
        nets, fps=400, machine="edge", minimise=["sram", "bandwidth", "macs"],
        bandwidths=["8GB/s", "16GB/s"],
    )  # fmt: skip
    assert {int(point.bandwidth) for point in front.points} == {8 * 10**9, 16 * 10**9}
    for point in front.points[:: len(front.points) // 4]:
        where = point.cache_bytes, int(point.bandwidth)
        assert met(curves, False, *where, Fraction(point.mac_rate))
        assert not met(curves, False, *where, Fraction(point.mac_rate) - 1)


def test_one_number_is_what_size_says(nets) -> None:
    for name, over in (("sram", "cache"), ("bandwidth", "bandwidth"), ("macs", "macs")):
        (point,) = memsim.design(nets[0], fps=400, machine="edge", minimise=name).points
        told = {"sram": point.cache_bytes, "bandwidth": point.bandwidth, "macs": point.mac_rate}
        assert (
            told[name] == memsim.size(nets[0], fps=400, machine="edge", over=over).answers[0].number
        )


def test_the_sram_of_a_design_is_that_of_a_run() -> None:
    net = memsim.load("resnet18", input_shape="3x32x32")
    for options, beside in (
        ({"machine": "textbook"}, 512 << 10),  # buffers
        ({"machine": "cpu"}, (256 + 32) << 10),  # buffers and a first level
        ({"machine": "zen3"}, 32 << 10),  # a library's kernels stream through no buffers
    ):
        (point,) = memsim.design(net, fps=1, minimise="bandwidth", **options).points
        assert point.sram_bytes - point.cache_bytes == beside
        run = memsim.run(net, **options)
        assert run.totals["sram_bytes"] == point.sram_bytes
        words = "its first level" if options["machine"] != "textbook" else "cache and buffers"
        assert words in next(line for line in str(run).splitlines() if line.startswith("SRAM"))


def test_what_is_told_of_a_front(nets, tmp_path: Path) -> None:
    pytest.importorskip("xarray")
    front = memsim.design(nets, fps=400, machine="edge")
    told = front.to_dict()
    assert (told["schema"], told["limit"]) == ("memsim.design/1", 400)
    dataset = front.to_xarray()
    assert dataset.sizes == {"point": len(front.points)}
    assert dataset.sram_bytes.attrs["units"] == "B"
    assert dataset.sram_bytes.values.tolist() == [row["sram_bytes"] for row in told["points"]]
    assert "one after the other" in str(front)
    front.save(tmp_path / "front.csv")
    lines = (tmp_path / "front.csv").read_text("utf-8").splitlines()
    assert len([line for line in lines if line[0].isdigit()]) == len(front.points)


def test_a_front_is_drawn_as_it_is(nets) -> None:
    pytest.importorskip("matplotlib")
    from memsim.plot import front

    design = memsim.design(nets, fps=400, machine="edge")
    axes = front(design)
    (line,) = axes.get_lines()
    assert axes.get_title("left").startswith(
        "Enough for at least 400 fps: patterns/harmonic, resnet18"
    )
    axes.figure.canvas.draw()
    told = [label.get_text() for label in axes.get_xticklabels() if label.get_text()]
    assert len(told) >= 4, told
    assert line.get_xdata().tolist() == [point.sram_bytes for point in design.points]
    assert line.get_ydata().tolist() == [float(point.bandwidth) for point in design.points]
    three = memsim.design(
        nets[1], fps=400, machine="edge", minimise="sram,bandwidth,macs", mac_rates=["200G", "1T"]
    )
    axes = front(three)
    assert len(axes.get_lines()) == 2
    assert axes.get_legend().get_title().get_text() == "MAC rate"
    with pytest.raises(memsim.InputError, match="one machine"):
        front(memsim.design(nets[0], fps=400, machine="edge", minimise="macs"))


FRONT = ["design", "patterns/harmonic", "--input", "3x20x20", "--fps", "900", "--machine", "edge"]


@pytest.mark.needs("xarray", "zarr", "netCDF4", "pyarrow")
def test_a_front_is_kept_as_a_dataset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import xarray
    from pyarrow import parquet

    network = memsim.load("patterns/harmonic", input_shape="3x20x20", dtype="int8")
    told = memsim.design(network, fps=900, machine="edge").to_xarray()
    for ending in (".nc", ".zarr", ".parquet"):
        path = tmp_path / f"front{ending}"
        assert command([*FRONT, "-o", str(path)]) == 0
        if ending == ".parquet":
            table = parquet.read_table(path)
            assert {name: table[name].to_pylist() for name in table.column_names} == {
                name: each.values.tolist() for name, each in told.data_vars.items()
            }
            continue
        options = {"engine": "netcdf4"} if ending == ".nc" else {"consolidated": False}
        opener = xarray.open_dataset if ending == ".nc" else xarray.open_zarr
        with opener(path, **options) as kept:
            xarray.testing.assert_equal(kept.load(), told)
            assert kept.sram_bytes.attrs["units"] == "B"
            assert kept.attrs["limit"] == 900
    assert capsys.readouterr() == ("", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "front.nc", "front.parquet", "front.zarr"
    ]  # fmt: skip
    assert command([*FRONT, "-o", str(tmp_path / "front.nc")]) == 0  # a file is written anew
    assert command([*FRONT, "-o", str(tmp_path / "front.zarr")]) == 2
    assert "is there already, and is a folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("-o front.png --minimise macs", "minimise: a front of one number is one machine"),
        ("-o front.png --layers 3", "--layers: a figure holds all machines"),
        ("-o front.svg --format json", "front.svg: its ending says svg, and --format says json"),
        ("-o front.nc --format csv", "front.nc: its ending says nc, and --format says csv"),
        pytest.param(
            "-o no/such/front.nc",
            "there is no directory",
            marks=pytest.mark.needs("xarray", "netCDF4"),
        ),
    ],
)
def test_a_file_that_cannot_be_is_refused_before_any_work(
    more: str, message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memsim.simulate.designing.design", lambda *_, **__: pytest.fail("worked"))
    assert command([*FRONT, *more.split()]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "give one goal of time and fps"),
        ({"fps": 30, "time": "1ms"}, "not time and fps"),
        ({"fps": "30ms"}, "fps: '30ms' is not a frame rate"),
        ({"fps": 30, "minimise": "sram,bandwith"}, "did you mean 'bandwidth'"),
        ({"fps": 30, "minimise": "sram,sram"}, "each once"),
        ({"fps": 30, "minimise": []}, "nothing to minimise"),
        ({"fps": 30, "mac_rates": ["1T"]}, "mac_rates: are values to choose from where"),
        ({"fps": 30, "minimise": "sram,bandwidth,macs", "mac_rates": ["1X"]}, "mac_rates: '1X'"),
        ({"fps": 30, "minimise": "bandwidth,macs", "mac_rates": ["1T"], "bandwidths": ["1GB/s"]},
         "leave one out"),
        ({"fps": 30, "cache": "1MB"}, "cache: is what is asked for"),
        ({"fps": 30, "bandwidth": "1GB/s"}, "bandwidth: is what is asked for"),
        ({"fps": 30, "clock": "replay"}, "clock"),
    ],
)  # fmt: skip
def test_a_question_that_is_wrong_is_refused_before_any_work(asked: dict, message: str) -> None:
    with pytest.raises(memsim.InputError) as caught:
        memsim.design(["no such network"], **asked)
    assert message in str(caught.value)


def test_a_goal_that_no_machine_reaches(nets) -> None:
    with pytest.raises(memsim.SimulationError, match="computing alone takes"):
        memsim.design(nets, fps=10**6, machine="edge")


def test_a_design_of_the_best_order(nets) -> None:
    work = Workload(*prepare_all(nets[0], machine="edge", order="best"))
    front = memsim.design(nets[0], fps=700, machine="edge", order="best")
    assert isinstance(front, Design)
    assert {point.cache_bytes for point in front.points} <= {*work.breakpoints.tolist()}
    point = front.points[len(front.points) // 2]

    def takes(bandwidth: int) -> int:
        return memsim.run(
            nets[0], machine="edge", order="best", cache=point.cache_bytes, bandwidth=bandwidth
        ).time_ps

    assert takes(int(point.bandwidth)) <= 10**12 // 700 < takes(int(point.bandwidth) - 1)
