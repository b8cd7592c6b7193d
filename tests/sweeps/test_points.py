"""Every point of a sweep is what ``run`` tells: byte for byte and picosecond for picosecond."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memsim
from memsim.program.lowering import LOWERINGS
from memsim.sweeps.facts import INNER
from memsim.units import PICOSECONDS
from tests.strategies import networks

pytestmark = pytest.mark.needs("xarray")

CACHES = ("0", "1KiB", "3kB", "8KiB", "20kB", "64KiB", "1MiB")
BANDWIDTHS = ("1GB/s", "6.4GB/s", "25.6GB/s", "1.5TB/s")
RATES = ("1GMAC/s", "0.5TMAC/s", "333G")

OUTER: dict[str, tuple[Any, ...]] = {
    "batch": (1, 2, 3),
    "dtype": ("fp32", "int8"),
    "policy": ("lru", "fifo", "belady"),
    "order": ("rows_outer", "weights_outer", "best"),
    "management": ("scratchpad", "hardware"),
    "buffer": ("64KiB", "1MiB"),
    "frames": (1, 2),
    "only": ("weights", "feature-maps"),
    "rows": ("touched", "streamed"),
    "tile": ("auto", "whole"),
}


@st.composite
def asked(draw: st.DrawFn) -> dict[str, Any]:
    """Axes of a sweep of at most 96 points; some stand for themselves."""

    def some(values: tuple[Any, ...], most: int) -> list[Any]:
        return draw(st.lists(st.sampled_from(values), min_size=1, max_size=most, unique=True))

    axes = {"cache": some(CACHES, 4), "bandwidth": some(BANDWIDTHS, 3)}
    if draw(st.booleans()):
        axes["macs"] = some(RATES, 2)
    for name in some(tuple(OUTER), 2):
        axes[name] = some(OUTER[name], 2)
    return {n: v[0] if len(v) == 1 and draw(st.booleans()) else v for n, v in axes.items()}


def values_of(axes: dict[str, Any]) -> list[dict[str, Any]]:
    """The options of each point."""
    listed = {name: each if isinstance(each, list) else [each] for name, each in axes.items()}
    return [dict(zip(listed, each, strict=True)) for each in product(*listed.values())]


def check(ds: Any, network: memsim.Network, axes: dict[str, Any], fixed: dict[str, Any]) -> int:
    """Compare each point with a run of its own; how many there were."""
    several = [name for name, each in axes.items() if isinstance(each, list)]
    points = values_of(axes)
    for options in points:
        readers = {name: memsim.sweeps.axis.axis(name, options[name]).labels[0] for name in several}
        point = ds.sel(readers).isel(network=0)
        loading = {name: options.pop(name) for name in ("batch", "dtype") if name in options}
        on = network.with_options(**loading)
        why = ""
        try:
            result = memsim.run(on, clock="recurrence", **fixed, **options)
        except memsim.MemsimError as error:
            why = str(error)
        if why:
            assert str(point.error.values) == why, options
            assert np.isnan(point.time_ps)
            continue
        totals = result.totals
        told = {name: point[name].item() for name in point.data_vars if not point[name].dims}
        assert told.get("error", "") == ""
        for name in ("dram_bytes", "dram_read_bytes", "dram_write_bytes", "dram_weight_bytes",
                     "dram_feature_map_bytes", "compulsory_bytes", "time_ps", "time_s", "stall_s",
                     "peak_live_activation_bytes", "energy_j", "energy_dram_j"):  # fmt: skip
            known = np.nan if totals[name] is None else totals[name]
            assert told[name] == known or (np.isnan(known) and np.isnan(told[name])), name
        assert told["stall_ps"] == result.time_ps - sum(result.steps.compute)
        assert told["stall_s"] == told["stall_ps"] / PICOSECONDS
        assert told["network_macs"] == on.macs
        assert told["network_params"] == on.params
        assert told["network_cio_elements"] == on.cio
        assert dict(zip(ds.role.values, point.dram_bytes_by_role.values, strict=True)) == (
            result.by_role
        )
        assert dict(zip(ds.cause.values, point.dram_bytes_by_cause.values, strict=True)) == (
            result.by_cause
        )
    return len(points)


def sweep_and_check(network: memsim.Network, axes: dict[str, Any], lowering: str) -> int:
    fixed = {"lowering": lowering, "machine": "textbook"}
    ds = memsim.sweep(network, by=["role", "cause"], workers=1, **axes, **fixed)
    return check(ds, network, axes, fixed)


@pytest.mark.parametrize("lowering", LOWERINGS)
@settings(max_examples=4)
@given(network=networks(), axes=asked())
def test_random_points_of_random_sweeps_equal_runs(
    lowering: str, network: memsim.Network, axes: dict[str, Any]
) -> None:
    sweep_and_check(network, axes, lowering)


@pytest.mark.slow
def test_a_thousand_random_points_of_every_lowering_equal_runs() -> None:
    counted = dict.fromkeys(LOWERINGS, 0)

    @settings(max_examples=30 * len(LOWERINGS))
    @given(network=networks(), axes=asked())
    def compare(network: memsim.Network, axes: dict[str, Any]) -> None:
        lowering = min(counted, key=lambda name: counted[name])
        counted[lowering] += sweep_and_check(network, axes, lowering)

    compare()
    assert sum(counted.values()) >= 1000
    assert min(counted.values()) >= 100


def test_what_cannot_change_with_an_axis_does_not_have_it() -> None:
    ds = memsim.sweep("resnet18", input="3x64x64", cache="64KiB,1MiB", bandwidth="1GB/s,2GB/s",
                      macs=["1T"], machine="textbook")  # fmt: skip
    assert ds.network_macs.dims == ("network",)
    assert ds.dram_bytes.dims == ("network", "cache")
    assert ds.time_s.dims == ("network", *INNER)


def test_coordinates_are_numbers_with_units() -> None:
    ds = memsim.sweep(
        ["resnet18", "hardnet39ds"], input="3x64x64", cache="1MiB,64KiB", bandwidth=["6.4GB/s"],
        batch=1, lowering="fused", machine=["textbook", "edge"], dtype="int8",
    )  # fmt: skip
    assert ds.cache.values.tolist() == [65536, 1048576]
    assert ds.cache.attrs["units"] == "B"
    assert ds.bandwidth.values.tolist() == [6_400_000_000]
    assert ds.bandwidth.attrs["units"] == "B/s"
    assert ds.machine.values.tolist() == ["textbook", "edge"]
    assert ds.batch.ndim == ds.lowering.ndim == 0
    assert ds.dram_bytes.attrs == {"long_name": "DRAM traffic", "units": "B"}


@pytest.mark.needs("matplotlib")
def test_xarray_plots_it_as_it_stands() -> None:
    import matplotlib.pyplot as plt

    ds = memsim.sweep(["resnet18"], input="3x64x64", cache="64KiB:1MiB:log2",
                      bandwidth="1GB/s,2GB/s", machine="textbook")  # fmt: skip
    lines = ds.time_s.sel(network="resnet18").plot(x="cache", hue="bandwidth")
    axes = lines[0].axes
    assert axes.get_xlabel() == "cache [B]"
    assert axes.get_ylabel() == "latency [s]"
    plt.close(axes.figure)


def test_strips_and_tiles_are_points_of_one_axis() -> None:
    network = memsim.load("resnet18", input_shape=(3, 32, 32), dtype="int8")
    said: dict[str, Any] = {"machine": "edge", "schedule": "depth_first", "group": "stage.1.1"}
    ds = memsim.sweep(network, cache=["8KiB", "16KiB"], strip=[2, "2x4"], **said)
    assert list(ds.strip.values) == ["2", "2x4"]
    for strip in (2, "2x4"):
        for cache in (8192, 16384):
            run = memsim.run(network, cache=cache, strip=strip, **said)
            assert ds.dram_bytes.sel(strip=str(strip), cache=cache) == run.dram_bytes


def test_a_failing_point_keeps_its_error_and_the_others_go_on() -> None:
    ds = memsim.sweep("resnet18", input="3x64x64", machine="edge", dtype=["int8", "bf16"],
                      cache=["64KiB", "1MiB"])  # fmt: skip
    assert ds.attrs["failed_points"] == 2
    bad, good = ds.sel(network="resnet18", dtype="bf16"), ds.sel(network="resnet18", dtype="int8")
    assert set(bad.error.values) == {"dtype: edge computes in int8, not in bf16 (dtype int8)"}
    assert np.isnan(bad.dram_bytes).all()
    assert np.isnan(bad.network_macs)
    assert set(good.error.values) == {""}
    run = memsim.run(memsim.load("resnet18", input_shape=(3, 64, 64), dtype="int8"),
                     machine="edge", cache="64KiB")  # fmt: skip
    assert good.dram_bytes.sel(cache=65536) == run.dram_bytes


def test_a_point_may_fail_at_one_bandwidth_alone() -> None:
    ds = memsim.sweep("resnet18", input="3x64x64", machine="textbook", cache="1MiB",
                      bandwidth=["1B/s", "1GB/s"])  # fmt: skip
    assert "beyond 13 days" in str(ds.error.values[0, 0])
    assert np.isnan(ds.time_ps.values[0, 0])
    assert ds.time_ps.values[0, 1] > 0
    assert ds.dram_bytes.values[0] > 0  # which bytes move does not depend on it


def test_the_configuration_says_what_is_one_for_all_points_and_what_is_not() -> None:
    import json

    ds = memsim.sweep("resnet18", input="3x64x64", machine="textbook", lowering="eager,fused")
    config = json.loads(ds.attrs["config"])
    assert config["machine"] == "textbook"
    assert "lowering" not in config
    assert json.loads(ds.attrs["config_that_varies"]) == {"lowering": ["eager", "fused"]}
    assert ds.attrs["memsim_version"] == memsim.__version__
