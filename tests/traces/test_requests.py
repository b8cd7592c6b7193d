"""Request traces: every byte that moves, at its address, in the order of the channel."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import memsim
from memsim.engines.cache.managements import MANAGEMENTS
from memsim.engines.cache.policies import POLICIES
from memsim.errors import SimulationError
from memsim.program.memory.allocator import plan_memory
from memsim.program.memory.placement import Placement
from memsim.results.details.channel_ranges import ChannelRanges
from memsim.traces import FORMATS, TraceOptions, write_trace
from memsim.traces.request_stream import Requests
from memsim.traces.trace_options import dram_cycle_ps

RUNS = {
    "dense": ("patterns/dense", (64, 14, 14), {"cache": "64KiB"}),
    "nothing kept": ("patterns/harmonic", (64, 14, 14), {"cache": 0}),
    "all kept": ("patterns/log", (64, 14, 14), {"cache": "100MB"}),
    "eager": ("hardnet39ds", (3, 64, 64), {"cache": "32KiB", "lowering": "eager"}),
    "strips": ("squeezenet1_0", (3, 96, 96), {"cache": "100kB", "buffer": "64KiB"}),
}
"""Inputs are small, since every request of a run is a line of text that is read here."""


@pytest.fixture(scope="module", params=RUNS, ids=str)
def result(request: pytest.FixtureRequest) -> memsim.Result:
    name, shape, options = RUNS[request.param]
    return memsim.run(memsim.load(name, input_shape=shape), **options)


def text(result: memsim.Result, format: str, **options: int) -> str:
    return b"".join(FORMATS[format](result, TraceOptions(**options))).decode("ascii")


def test_the_bytes_are_those_of_the_result(result: memsim.Result) -> None:
    moved = ChannelRanges.of(result)
    assert int(moved.nbytes[~moved.write].sum()) == result.dram_read_bytes
    assert int(moved.nbytes[moved.write].sum()) == result.dram_write_bytes
    for first, column in ((0, result.traffic.load_bytes), (1, result.traffic.store_bytes)):
        sums = np.zeros(2 * result.program.tasks, np.int64)
        np.add.at(sums, moved.segment, moved.nbytes)
        assert (sums[first::2] == column).all()


def test_every_range_lies_in_memory(result: memsim.Result) -> None:
    moved, plan = ChannelRanges.of(result), plan_memory(result.program)
    assert moved.address.min() >= 0
    assert int((moved.address + moved.nbytes).max()) <= plan.total_bytes
    fixed = moved.address[moved.write] >= plan.fixed_bytes
    assert fixed.all(), "parameters and inputs are never written"


def test_the_ranges_are_those_of_the_blocks(result: memsim.Result) -> None:
    """Block by block, with the plain policy: the same bytes in the same loads and stores."""
    program, cache = result.program, result.machine.cache
    events = POLICIES[cache.policy](MANAGEMENTS["scratchpad"].trace(program, cache), cache.size)
    cell = program.block_cell.astype(np.int64)
    before = np.cumsum(program.block_bytes) - program.block_bytes
    offset = before - before[program.cell_block[:-1]][cell]
    missed = np.flatnonzero(events.missed)
    outputs = np.flatnonzero(program.access_write & program.block_is_output[program.access_block])
    parts = []
    for block, at, write in (
        (program.access_block[missed], missed, False),
        (events.spilled, events.spilled_at, True),
        (program.access_block[outputs], outputs, True),
    ):
        touch = program.access_touch[at]
        segment = 2 * program.touch_task[touch].astype(np.int64) + program.touch_write[touch]
        part, address, nbytes = Placement.of(program).ranges(
            cell[block], offset[block], program.block_bytes[block]
        )
        parts.append(np.stack([segment[part], np.full(len(part), write), address, nbytes]))
    moved = ChannelRanges.of(result)
    found = np.stack([moved.segment, moved.write, moved.address, moved.nbytes])
    assert (merged(found) == merged(np.concatenate(parts, axis=1))).all()


def merged(ranges):
    """Ranges by segment, direction and address, those that touch as one."""
    segment, write, address, nbytes = ranges[:, np.lexsort(ranges[2::-1])]
    new = np.ones(len(segment), bool)
    new[1:] = (np.diff(segment) != 0) | (np.diff(write) != 0)
    new[1:] |= address[1:] != address[:-1] + nbytes[:-1]
    first = np.flatnonzero(new)
    return np.stack([segment[first], write[first], address[first], np.add.reduceat(nbytes, first)])


def test_times_follow_the_channel(result: memsim.Result) -> None:
    requests = Requests.of(result)
    pieces = list(requests)
    time, address = (np.concatenate([piece[i] for piece in pieces]) for i in (0, 2))
    assert len(time) == requests.total
    assert (np.diff(time) >= 0).all()
    assert time[0] >= 0
    assert time[-1] < result.time_ps
    burst = result.machine.dram.burst
    assert (address % burst == 0).all()
    assert requests.total * burst >= result.dram_bytes


def test_pieces_do_not_change_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    result = memsim.run("patterns/harmonic", cache="1MB")
    whole = text(result, "dramsim3")
    monkeypatch.setattr("memsim.traces.request_stream.PIECE", 100)
    assert text(result, "dramsim3") == whole


def test_ramulator2_reads_loads_and_stores(result: memsim.Result) -> None:
    lines = text(result, "ramulator2").splitlines()
    assert all(re.fullmatch(r"(LD|ST) 0x[0-9a-f]+", line) for line in lines)
    assert len(lines) == Requests.of(result).total


def test_dramsim3_reads_address_kind_and_cycle(result: memsim.Result) -> None:
    lines = text(result, "dramsim3").splitlines()
    found = [re.fullmatch(r"0x([0-9a-f]+) (READ|WRITE) ([0-9]+)", line) for line in lines]
    assert all(found)
    cycles = [int(match[3]) for match in found if match]
    assert cycles == sorted(cycles)
    assert cycles[-1] <= result.time_ps // dram_cycle_ps(result)
    assert text(result, "dramsim3", cycle_ps=10**12).splitlines()[-1].endswith(" 0")


def test_a_hardware_cache_moves_lines() -> None:
    result = memsim.run("patterns/harmonic", cache="256KiB", management="hardware")
    moved = ChannelRanges.of(result)
    assert int(moved.nbytes.sum()) == result.dram_bytes
    assert int(moved.nbytes[moved.write].sum()) == result.dram_write_bytes
    assert Requests.of(result).total == result.dram_bytes // 64


def test_too_many_requests_are_refused_before_the_file_is_there(tmp_path: Path) -> None:
    result = memsim.run("patterns/harmonic", cache="1MB")
    total = Requests.of(result).total
    path = tmp_path / "t.trace"
    write_trace(result, path, "ramulator2", TraceOptions(most_requests=total))
    before = path.read_bytes()
    with pytest.raises(
        SimulationError, match=rf"makes (at least )?{total:,} requests, more than {total - 1:,}"
    ):
        write_trace(result, path, "ramulator2", TraceOptions(most_requests=total - 1))
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["t.trace"]


@pytest.mark.parametrize("format", ["ramulator2", "dramsim3"])
def test_very_many_requests_are_refused_before_they_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    result = memsim.run("patterns/harmonic", cache="1MB")
    least = result.dram_bytes // result.machine.dram.burst
    assert least <= Requests.of(result).total

    def listed(result: object) -> None:
        raise AssertionError("requests are listed")

    monkeypatch.setattr(Requests, "of", listed)
    with pytest.raises(SimulationError, match=rf"makes at least {least:,} requests, more than 9"):
        write_trace(result, tmp_path / "t.trace", format, TraceOptions(most_requests=9))
    assert not [*tmp_path.iterdir()]
