"""Hardware management: lines, write-back, sets; against a cache written for reading."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import memsim
from memsim.engines.cache.cachepass import cache_pass, transfers
from memsim.engines.cache.managements import MANAGEMENTS
from memsim.engines.cache.policies import POLICIES
from memsim.engines.cache.sets import GOLDEN, compiled_sets
from memsim.engines.cache.trace import KIND, READ, WRITE, WRITE_ALLOCATE, Trace
from memsim.errors import InputError, SimulationError
from memsim.machine.cache import Cache
from memsim.network import Network
from memsim.program import LOWERINGS, Cause, Program, build
from tests.strategies import networks


def hardware(size: int = 0, **options: Any) -> Cache:
    return Cache(size=size, management="hardware", **options)


few = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])


def plain_sets(
    trace: Trace, sets: int, ways: int, hashed: bool = False
) -> tuple[list[int], list[tuple[int, int]], list[int]]:
    """Fetching accesses; write-backs as (line, access); lines that are dirty in the end."""
    cache: list[OrderedDict[int, bool]] = [OrderedDict() for _ in range(sets)]
    fetches, spills = [], []
    for at, (line, code) in enumerate(zip(trace.block.tolist(), trace.code.tolist(), strict=True)):
        number = (line * GOLDEN % 2**64) >> 32 if hashed else line
        lines = cache[number % sets]
        kind = code & KIND
        if line not in lines:
            if kind in (READ, WRITE_ALLOCATE):
                fetches.append(at)
            if len(lines) == ways:
                victim, dirty = lines.popitem(last=False)
                if dirty:
                    spills.append((victim, at))
            lines[line] = False
        lines.move_to_end(line)
        lines[line] = lines[line] or kind in (WRITE, WRITE_ALLOCATE)
    left = [line for lines in cache for line, dirty in lines.items() if dirty]
    return fetches, spills, sorted(left)


@st.composite
def line_traces(draw: st.DrawFn) -> Trace:
    count = draw(st.integers(1, 12))
    block = draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=60))
    kinds = st.sampled_from([READ, WRITE, WRITE_ALLOCATE])
    code = draw(st.lists(kinds, min_size=len(block), max_size=len(block)))
    return Trace(
        np.array([0, len(block)]),
        np.array(block, np.int32),
        np.array(code, np.uint8),
        np.full(count, 64, np.int64),
        np.arange(len(block), dtype=np.int32),
    )


@given(line_traces(), st.integers(1, 4), st.integers(1, 4), st.booleans())
def test_sets_equal_the_plain_cache(trace: Trace, sets: int, ways: int, hashed: bool) -> None:
    index = "hashed" if hashed else "plain"
    events = compiled_sets(trace, sets * ways * 64, ways=ways, index=index)
    fetches, spills, _ = plain_sets(trace, sets, ways, hashed)
    assert np.flatnonzero(events.missed).tolist() == fetches
    assert list(zip(events.spilled.tolist(), events.spilled_at.tolist(), strict=True)) == spills


@given(line_traces(), st.integers(1, 13))
def test_one_set_is_the_fully_associative_cache(trace: Trace, ways: int) -> None:
    from memsim.engines.cache.compiled_order import compiled_order

    sets = compiled_sets(trace, ways * 64, ways=ways)
    for whole in (
        POLICIES["lru"](trace, ways * 64),
        compiled_order(trace, ways * 64, refresh=True),
    ):
        assert (sets.missed == whole.missed).all()
        assert sets.spilled.tolist() == whole.spilled.tolist()
        assert sets.spilled_at.tolist() == whole.spilled_at.tolist()


def program_of(network: Network, lowering: str) -> Program:
    try:
        return build(network, buffer=2000, lowering=lowering)
    except SimulationError:
        assume(False)
        raise


@few
@given(
    networks(most_layers=6),
    st.sampled_from(sorted(LOWERINGS)),
    st.sampled_from([None, 1, 2]),
    st.booleans(),
    st.sampled_from(["nchw", "nhwc"]),
    st.sampled_from(["caching", "fresh"]),
)
def test_every_byte_is_accounted_for(
    network: Network, lowering: str, ways: int | None, fetch: bool, layout: str, allocator: str
) -> None:
    program = program_of(network, lowering)
    cache = hardware(ways=ways, fetch_on_write=fetch, layout=layout, allocator=allocator)
    trace = MANAGEMENTS["hardware"].trace(program, cache)
    for sets in (1, 2, 5, 40):
        capacity = sets * (ways or 1) * 64
        traffic = cache_pass(program, cache.resized(capacity))
        shape = (sets, ways) if ways else (1, sets)
        fetches, spills, left = plain_sets(trace, *shape)
        output = program.cell_is_output[program.touch_cell[trace.touch]]
        last_writer = {line: at for at, line in enumerate(trace.block.tolist())
                       if trace.code[at] & KIND in (WRITE, WRITE_ALLOCATE)}  # fmt: skip
        flushed = sum(bool(output[last_writer[line]]) for line in left)
        assert traffic.read_bytes == 64 * len(fetches)
        assert traffic.write_bytes == 64 * (len(spills) + flushed)
        assert traffic.traffic.sum() == traffic.tensor_traffic.sum()
        assert traffic.traffic.sum() == traffic.load_bytes.sum() + traffic.store_bytes.sum()


@few
@given(networks(most_layers=6), st.sampled_from(sorted(LOWERINGS)))
def test_law_1_with_room_for_everything_only_the_compulsory_lines_move(
    network: Network, lowering: str
) -> None:
    program = program_of(network, lowering)
    traffic = cache_pass(program, hardware(1 << 40, fetch_on_write=False))
    extra = traffic.traffic.sum() - program.compulsory_bytes
    partly_read = 128 * len(program.cell_bytes)  # a slice may begin and end inside a line
    assert 0 <= extra < partly_read
    assert not traffic.traffic[..., [Cause.RELOAD, Cause.SPILL]].any()


@few
@given(networks(most_layers=6), st.sampled_from(sorted(LOWERINGS)), st.booleans())
def test_law_3_traffic_never_grows_with_capacity(
    network: Network, lowering: str, fetch: bool
) -> None:
    program = program_of(network, lowering)
    before = None
    for count in (0, 1, 3, 10, 30, 100, 1000):
        traffic = cache_pass(program, hardware(64 * count, fetch_on_write=fetch))
        if before is not None:
            assert traffic.read_bytes <= before.read_bytes
            assert traffic.write_bytes <= before.write_bytes
        before = traffic


def test_a_capacity_that_is_no_whole_number_of_sets_is_refused() -> None:
    with pytest.raises(InputError, match=r"no whole number of sets of 16 ways x 64 B"):
        memsim.run("resnet18", management="hardware", cache="1000000B", ways=16)


def test_sets_know_lru_only() -> None:
    with pytest.raises(InputError, match="sets know lru"):
        memsim.run("resnet18", management="hardware", cache="1MiB", ways=16, policy="fifo")


def test_a_fetch_after_memory_is_reused_is_a_first_fetch() -> None:
    program = build(memsim.load("resnet18"), buffer=1 << 19, lowering="eager")
    moved = transfers(program, hardware())
    fresh = transfers(program, hardware(allocator="fresh"))
    assert moved.fetches.amount.sum() == fresh.fetches.amount.sum()
    assert moved.again.sum() == fresh.again.sum()


def plain_tasks(
    program: Program, trace: Trace, sets: int, ways: int
) -> tuple[list[int], list[int], list[bool]]:
    """Per task: bytes it loads and stores, and whether its load fetches what was just stored.

    Written from the rules alone, line by line: what happens at a read is in the load, what
    happens at a write in the store; outputs that are dirty in the end are in the last store.
    """
    cache: list[OrderedDict[int, bool]] = [OrderedDict() for _ in range(sets)]
    loads, stores, waits = [0] * program.tasks, [0] * program.tasks, [False] * program.tasks
    stored: list[set[int]] = [set() for _ in range(program.tasks)]
    writer: dict[int, int] = {}
    touches = trace.touch.tolist()
    for line, code, touch in zip(trace.block.tolist(), trace.code.tolist(), touches, strict=True):
        task, writes = int(program.touch_task[touch]), bool(program.touch_write[touch])
        moved = stores if writes else loads
        lines = cache[line % sets]
        if line not in lines:
            if code & KIND in (READ, WRITE_ALLOCATE):
                moved[task] += 64
                waits[task] |= not writes and task > 0 and line in stored[task - 1]
            if len(lines) == ways:
                victim, dirty = lines.popitem(last=False)
                moved[task] += 64 * dirty
                if dirty and writes:
                    stored[task].add(victim)
            lines[line] = False
        lines.move_to_end(line)
        if code & KIND in (WRITE, WRITE_ALLOCATE):
            lines[line] = True
            writer[line] = touch
    for lines in cache:
        for line, dirty in lines.items():
            if dirty and program.cell_is_output[program.touch_cell[writer[line]]]:
                stores[-1] += 64
    return loads, stores, waits


@few
@given(
    networks(most_layers=6),
    st.sampled_from(sorted(LOWERINGS)),
    st.sampled_from([1, 2, 7]),
    st.sampled_from([1, 3, 16]),
    st.booleans(),
)
def test_a_load_waits_for_what_was_just_stored_and_for_nothing_else(
    network: Network, lowering: str, sets: int, ways: int, fetch: bool
) -> None:
    program = program_of(network, lowering)
    cache = hardware(64 * sets * ways, ways=ways, fetch_on_write=fetch)
    moved = cache_pass(program, cache)
    trace = MANAGEMENTS["hardware"].trace(program, cache)
    loads, stores, waits = plain_tasks(program, trace, sets, ways)
    assert moved.load_bytes.tolist() == loads
    assert moved.store_bytes.tolist() == stores
    assert moved.waits.tolist() == waits
