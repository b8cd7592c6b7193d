"""Details of a run against plain loops over its tasks."""

from __future__ import annotations

import numpy as np
import pytest

import memsim
from memsim.results.details.activity import Activity, DramRate, stage_times
from memsim.results.details.connections import Connections
from memsim.results.details.operand_transfers import operand_transfers
from memsim.results.details.roof import Roof
from memsim.units import PICOSECONDS

RUNS = {
    "dense": ("patterns/dense", {"cache": "1MB"}),
    "nothing kept": ("patterns/harmonic", {"cache": 0}),
    "all kept": ("patterns/log", {"cache": "100MB"}),
    "strips": ("resnet18", {"cache": "500kB", "buffer": "128KiB"}),
    "lines": ("patterns/harmonic", {"cache": "256KiB", "management": "hardware"}),
}


@pytest.fixture(scope="module", params=RUNS, ids=str)
def result(request: pytest.FixtureRequest) -> memsim.Result:
    name, options = RUNS[request.param]
    return memsim.run(name, **options)


def test_spans_are_maximal_and_cover_what_the_tasks_do(result: memsim.Result) -> None:
    line = result.timeline
    for spans, starts, ends in (
        (Activity.of(result).load, line.load_start, line.load_end),
        (Activity.of(result).store, line.store_start, line.store_end),
        (Activity.of(result).compute, line.compute_start, line.compute_end),
    ):
        expected: list[list[int]] = []
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            if start == end:
                continue
            if expected and expected[-1][1] == start:
                expected[-1][1] = end
            else:
                expected.append([start, end])
        assert spans.tolist() == expected


def test_computing_and_stalling_fill_the_time_and_do_not_overlap(result: memsim.Result) -> None:
    activity = Activity.of(result)
    spans = sorted([*activity.compute.tolist(), *activity.stall.tolist()])
    assert [end for _, end in spans[:-1]] == [start for start, _ in spans[1:]]
    assert (spans[0][0], spans[-1][1]) == (0, result.time_ps)


def test_the_rate_of_a_part_is_what_overlaps_it(result: memsim.Result) -> None:
    line, traffic, rate = result.timeline, result.traffic, DramRate.of(result, 7)
    for column, starts, ends, nbytes in (
        (rate.load, line.load_start, line.load_end, traffic.load_bytes),
        (rate.store, line.store_start, line.store_end, traffic.store_bytes),
    ):
        for part, (low, high) in enumerate(zip(rate.edges[:-1], rate.edges[1:], strict=True)):
            moved = sum(
                amount * max(0.0, min(end, high) - max(start, low)) / (end - start)
                for start, end, amount in zip(starts, ends, nbytes, strict=True)
                if amount
            )
            assert column[part] == pytest.approx(moved / (high - low) * PICOSECONDS, abs=1)


def test_stages_follow_one_another(result: memsim.Result) -> None:
    times = stage_times(result)
    assert times[0][1] == 0
    assert [end for _, _, end in times[:-1]] == [start for _, start, _ in times[1:]]
    assert times[-1][2] == int(result.timeline.compute_end[-1])


def test_what_units_move_sums_to_the_causes(result: memsim.Result) -> None:
    connections = Connections.of(result)
    assert connections.traffic.sum(axis=0).tolist() == list(result.by_cause.values())
    assert connections.kernel_unit.max() < connections.units
    skips = [link for link in connections.links if link[0] + 1 < link[1]]
    assert connections.shortcuts == len(skips)


def test_operand_transfers_are_charged_and_timed_by_kernel(result: memsim.Result) -> None:
    moved = operand_transfers(result)
    program, line = result.program, result.timeline
    for number, layer in enumerate(result.layers):
        reads = moved["input"].nbytes[number] + moved["weight"].nbytes[number]
        assert reads == layer.dram_read_bytes
        assert moved["weight"].nbytes[number] == layer.by_role["weight"]
        assert moved["output"].nbytes[number] == layer.dram_write_bytes
        tasks = np.flatnonzero(program.task_kernel == number)
        last = line.load_end[tasks].max()
        if result.machine.cache.management == "hardware":  # a store fetches the lines it writes
            last = max(last, line.store_end[tasks].max())
        for name in ("input", "weight"):  # reads happen in the kernel's own tasks
            if moved[name].nbytes[number]:
                assert moved[name].start[number] >= line.load_start[tasks].min()
                assert moved[name].start[number] < moved[name].stop[number]
                assert moved[name].stop[number] <= last


def test_the_roof_bends_where_both_limits_are_equal(result: memsim.Result) -> None:
    roof = Roof.of(result)
    assert roof.balance * roof.elements_per_s == pytest.approx(roof.peak_macs_per_s)
    assert roof.elements_per_s * roof.itemsize == float(result.machine.dram_bytes_per_s)
    for layer in result.layers:
        intensity = roof.intensity(layer)
        assert (intensity is None) == (not layer.dram_bytes)
        if intensity:
            assert intensity * layer.dram_bytes == pytest.approx(layer.macs * 4)


def test_rows_that_no_cache_saves_are_what_an_endless_one_moves() -> None:
    curve = memsim.curve("resnet18")
    always = curve.curve.nbytes[curve.finite_rows :]
    assert int(always.sum()) == curve.dram_bytes(10**15) == curve.program.compulsory_bytes
    assert len(curve.curve.threshold[: curve.finite_rows]) == curve.finite_rows > 0


def test_cio_in_bytes_follows_the_type() -> None:
    single, half = (memsim.curve(memsim.load("resnet18", dtype=d)) for d in ("fp32", "fp16"))
    assert single.cio_bytes == 2 * half.cio_bytes == 4 * memsim.load("resnet18").cio
