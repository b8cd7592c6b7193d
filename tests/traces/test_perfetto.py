"""Trace events: well formed, nested, with flows that match and bytes that add up."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import pairwise
from typing import Any

import pytest

import memsim
from memsim.traces import FORMATS, TraceOptions
from memsim.traces.perfetto import TRACKS

RUNS = {
    "dense": ("patterns/dense", {"cache": "1MB"}),
    "nothing kept": ("patterns/harmonic", {"cache": 0}),
    "resnet18": ("resnet18", {}),
    "eager": ("hardnet39ds", {"cache": "256KiB", "lowering": "eager"}),
    "frames": ("patterns/dense", {"cache": "1MB", "frames": 3}),
}


@pytest.fixture(scope="module", params=RUNS, ids=str)
def run(request: pytest.FixtureRequest) -> tuple[memsim.Result, list[dict[str, Any]]]:
    name, options = RUNS[request.param]
    result = memsim.run(name, machine="textbook", **options)
    found = json.loads(b"".join(FORMATS["perfetto"](result, TraceOptions())))
    assert found["otherData"]["dram_bytes"] == result.dram_bytes
    assert found["displayTimeUnit"] == "ns"
    return result, found["traceEvents"]


def ps(microseconds: float) -> int:
    return round(microseconds * 10**6)


def slices(events: list[dict[str, Any]], track: str) -> list[dict[str, Any]]:
    return [event for event in events if event["ph"] == "X" and event["tid"] == TRACKS[track]]


def test_every_event_is_well_formed(run) -> None:
    result, events = run
    needed = {
        "X": {"pid", "tid", "name", "cat", "ts", "dur", "args"},
        "C": {"pid", "name", "ts", "args"},
        "M": {"pid", "name", "args"},
        "s": {"pid", "tid", "name", "cat", "id", "ts"},
        "t": {"pid", "tid", "name", "cat", "id", "ts"},
        "f": {"pid", "tid", "name", "cat", "id", "ts", "bp"},
    }
    for event in events:
        assert needed[event["ph"]] <= set(event), event
        if "ts" in event:
            assert 0 <= ps(event["ts"]) <= result.time_ps
        if event["ph"] == "X":
            assert event["dur"] >= 0
            assert event["cat"] in TRACKS
    names = [e["args"]["name"] for e in events if e["name"] == "thread_name"]
    assert names == list(TRACKS)


def test_slices_of_a_track_do_not_overlap(run) -> None:
    _, events = run
    for track in TRACKS:
        found = sorted((ps(e["ts"]), ps(e["ts"]) + ps(e["dur"])) for e in slices(events, track))
        assert all(a[1] <= b[0] for a, b in pairwise(found)), track


def test_bytes_are_the_results_totals_exactly(run) -> None:
    result, events = run
    assert sum(e["args"]["bytes"] for e in slices(events, "DRAM")) == result.dram_bytes
    dma = ("DMA load 0", "DMA load 1", "DMA store")
    moved = {track: sum(e["args"]["bytes"] for e in slices(events, track)) for track in dma}
    assert sum(moved.values()) == result.dram_bytes
    assert moved["DMA store"] == int(result.traffic.store_bytes.sum())
    kernels = slices(events, "kernels")
    for key, total in (
        ("dram_read_bytes", result.dram_read_bytes),
        ("dram_write_bytes", result.dram_write_bytes),
        ("macs", result.network.macs * result.program.frames),
    ):
        assert sum(event["args"][key] for event in kernels) == total


def test_times_are_the_replays_exactly(run) -> None:
    result, events = run
    assert sum(ps(e["dur"]) for e in slices(events, "DRAM")) == sum(
        (*result.steps.load, *result.steps.store)
    )
    compute = slices(events, "compute")
    assert sum(ps(event["dur"]) for event in compute) == result.time_ps
    work = [event for event in compute if event["name"] != "stall"]
    assert [ps(e["ts"]) for e in work] == result.timeline.compute_start.tolist()
    assert [e["args"]["task"] for e in work] == list(range(result.program.tasks))


def test_flows_lead_from_the_writer_to_its_readers(run) -> None:
    result, events = run
    flows: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        if event["ph"] in "stf":
            flows[event["id"]].append(event)
    starts = {ps(event["ts"]): event["name"] for event in slices(events, "compute")
              if event["name"] != "stall"}  # fmt: skip
    kernels = {kernel.output.name: kernel.name for kernel in result.program.kernels}
    readers: dict[str, set[str]] = defaultdict(set)
    for kernel in result.program.kernels:
        for operand in kernel.operands:
            for segment in operand.view.segments:
                readers[segment.tensor].add(kernel.name)
    assert len(flows) == result.program.frames * sum(bool(readers[name]) for name in kernels)
    for steps in flows.values():
        assert [event["ph"] for event in steps] == ["s", *"t" * (len(steps) - 2), "f"]
        times = [ps(event["ts"]) for event in steps]
        assert times == sorted(times)
        tensor = steps[0]["name"]
        assert {event["name"] for event in steps} == {tensor}
        assert starts[times[0]] == kernels[tensor]
        assert {starts[time] for time in times[1:]} == readers[tensor]


def test_counters_hold_the_results_columns(run) -> None:
    result, events = run
    counters: dict[str, list[Any]] = defaultdict(list)
    for event in events:
        if event["ph"] == "C":
            counters[event["name"]].append(*event["args"].values())
    assert counters["held in cache"] == result.traffic.occupancy.tolist()
    assert counters["live feature maps"] == result.program.live_bytes.tolist()
    assert max(counters["DRAM bandwidth"]) <= result.machine.dram_bytes_per_s
    assert counters["DRAM bandwidth"][-1] == 0


def test_slices_of_several_frames_say_what_each_moves() -> None:
    result = memsim.run("resnet18", machine="edge", cache="64MB", frames=2)
    found = json.loads(b"".join(FORMATS["perfetto"](result, TraceOptions())))["traceEvents"]
    kernels = slices(found, "kernels")
    moved = [0, 0]
    for event in kernels:
        moved[event["args"]["frame"]] += event["args"]["dram_read_bytes"]
        moved[event["args"]["frame"]] += event["args"]["dram_write_bytes"]
    assert moved == [result.frames[0].dram_bytes, result.frames[1].dram_bytes]
    assert moved[0] > 50 * moved[1]
