"""Law 5: the curve at any capacity is the cache pass there, byte for byte, in every column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memsim.engines.cache.cachepass import CachePass, cache_pass
from memsim.engines.cache.trace import LAST, READ, WRITE, WRITE_THROUGH, PartTrace, Trace
from memsim.engines.compiled import INFINITE
from memsim.engines.curve import thresholds as engine
from memsim.engines.curve.curve import Curve, curve
from memsim.engines.curve.knees import knees
from memsim.errors import InputError
from memsim.machine.cache import Cache
from memsim.network import Network
from memsim.program import Cause, Role
from tests.laws.brute_force import brute_force
from tests.laws.plain_curve import plain_curve
from tests.laws.test_program import (
    all_bytes,
    buffers,
    capacities,
    few,
    lowerings,
    orders,
    program_of,
)
from tests.laws.test_shipped import CASES, program
from tests.laws.traces import traces
from tests.strategies import networks


@st.composite
def rewritten(draw: st.DrawFn) -> Trace:
    """Any code at any access: blocks rewritten while dirty, and accessed after their death."""
    size = draw(st.lists(st.integers(1, 6), min_size=1, max_size=8))
    count = draw(st.integers(0, 50))
    kinds = [READ, READ, WRITE, WRITE_THROUGH]
    kinds += [READ, WRITE, *(kind + LAST for kind in (READ, WRITE, WRITE_THROUGH))]
    block = draw(st.lists(st.integers(0, len(size) - 1), min_size=count, max_size=count))
    code = draw(st.lists(st.sampled_from(kinds), min_size=count, max_size=count))
    return Trace(
        np.array([0, count]),
        np.array(block, np.int32),
        np.array(code, np.uint8),
        np.array(size, np.int64),
    )


@dataclass
class Found:
    """The thresholds of a whole trace."""

    fetches: list[bool]
    accesses: list[float]
    epochs: list[tuple[int, int]]


def find(trace: Trace, *, chunk: int = engine.CHUNK, slots: int = engine.FEWEST_SLOTS) -> Found:
    """With few slots and short chunks, so that small traces exercise what long ones need."""
    found = Found([], [], [])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "CHUNK", chunk)
        patch.setattr(engine, "FEWEST_SLOTS", slots)
        for run in engine.thresholds(trace):
            found.accesses += [_plain(threshold) for threshold in run.threshold.tolist()]
            found.fetches += run.fetches.tolist()
            ended = zip(run.dirtied_at.tolist(), run.spilled_below.tolist(), strict=True)
            found.epochs += list(ended)
    return found


@st.composite
def parted(draw: st.DrawFn) -> PartTrace:
    """Blocks of one to five parts."""
    trace = draw(traces() | rewritten())
    part = draw(
        st.lists(
            st.lists(st.integers(1, 6), min_size=1, max_size=5),
            min_size=len(trace.size),
            max_size=len(trace.size),
        )
    )
    size = np.array([sum(each) for each in part], np.int64)
    touch = np.arange(len(trace.block), dtype=np.int32)
    return PartTrace(
        trace.start, trace.block, trace.code, size, touch,
        parts=np.cumsum([0, *map(len, part)]), part=np.array(list(chain(*part)), np.int64),
    )  # fmt: skip


def sums(entries: Iterable[tuple[int, float, int]]) -> Counter[tuple[int, float]]:
    """Bytes by access and capacity."""
    found: Counter[tuple[int, float]] = Counter()
    for at, below, amount in entries:
        found[at, below] += amount
    return found


@pytest.mark.parametrize("plain", [True, False])
@given(parted(), st.sampled_from([1, 3, 1 << 16]))
def test_parts_are_served_as_blocks_of_their_own_would_be(
    plain: bool, trace: PartTrace, chunk: int
) -> None:
    rows, epochs = [], []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "CHUNK", chunk)
        patch.setattr(engine, "FEWEST_SLOTS", 8)
        patch.setattr(engine, "_is_short", lambda _: plain)
        for run in engine.thresholds(trace):
            columns = run.at, run.threshold, run.missed
            rows += zip(*(column.tolist() for column in columns), strict=True)
            columns = run.dirtied_at, run.spilled_below, run.spilled
            epochs += zip(*(column.tolist() for column in columns), strict=True)
    whole = trace.whole
    accesses, ended = plain_curve(whole)
    size = whole.size[whole.block].tolist()
    at = whole.touch.tolist()
    assert sums((at, _plain(below), amount) for at, below, amount in rows) == sums(
        zip(at, accesses, size, strict=True)
    )
    assert sums(epochs) == sums((at[began], below, size[began]) for began, below in ended)


def _plain(threshold: int) -> float:
    return inf if threshold == INFINITE else threshold


@given(traces() | rewritten(), st.sampled_from([1, 3, 1 << 16]))
def test_thresholds_equal_the_plain_ones(trace: Trace, chunk: int) -> None:
    found = find(trace, chunk=chunk, slots=8)
    accesses, epochs = plain_curve(trace)
    assert found.accesses == accesses
    assert sorted(found.epochs) == sorted(epochs)


@given(traces() | rewritten())
def test_thresholds_say_what_a_brute_force_cache_does_at_every_capacity(trace: Trace) -> None:
    found = find(trace, chunk=16, slots=8)
    writes = {block: [] for block in range(len(trace.size))}
    for at in np.flatnonzero((trace.code & ~np.uint8(LAST)) == WRITE).tolist():
        writes[trace.block[at]].append(at)
    for capacity in range(int(trace.size.sum()) + 2):
        fetches, spills = brute_force(trace, capacity)
        missed = [
            at
            for at, threshold in enumerate(found.accesses)
            if found.fetches[at] and capacity < threshold
        ]
        assert missed == fetches
        dirtied = [max(at for at in writes[block] if at <= when) for block, when in spills]
        assert sorted(dirtied) == sorted(at for at, below in found.epochs if capacity < below)


@pytest.mark.parametrize("dying", [0.0, 0.1, 0.6])
def test_thresholds_of_a_long_trace(dying: float) -> None:
    """Hundreds of live blocks, which come, grow in number and go: slots grow and are compacted."""
    random = np.random.default_rng(5)
    count = 12_000
    live, block, code, born = list(range(20)), [], [], 20
    for at in range(count):
        if random.random() < 0.05 and len(live) < (700 if at < count // 2 else 100):
            live += [born, born + 1]
            born += 2
        chosen = int(len(live) * random.random() ** 2)
        block.append(live[chosen])
        code.append(int(random.choice([READ, READ, READ, WRITE, WRITE_THROUGH])))
        if random.random() < dying and len(live) > 1:
            code[-1] += LAST
            live.pop(chosen)
    trace = Trace(
        np.array([0, count]),
        np.array(block, np.int32),
        np.array(code, np.uint8),
        random.integers(1, 16384, born),
    )
    accesses, epochs = plain_curve(trace)
    found = find(trace, chunk=5000, slots=64)
    assert found.accesses == accesses
    assert sorted(found.epochs) == sorted(epochs)


def test_a_block_is_kept_at_its_threshold_and_not_one_byte_below() -> None:
    trace = Trace(
        np.array([0, 3]),
        np.array([0, 1, 0], np.int32),
        np.array([WRITE, READ, READ], np.uint8),
        np.array([100, 7]),
    )
    found = find(trace)
    assert found.accesses == [inf, inf, 107]
    assert found.epochs == [(0, 107)]
    assert brute_force(trace, 107) == ([1], [])
    assert brute_force(trace, 106) == ([1, 2], [(0, 1)])


def agree(found: Curve, passed: CachePass) -> None:
    capacity = passed.capacity
    assert (found.at(capacity) == passed.traffic).all(), capacity
    assert (found.tensors_at(capacity) == passed.tensor_traffic).all(), capacity
    assert found.read_bytes(capacity) == passed.read_bytes, capacity
    assert found.write_bytes(capacity) == passed.write_bytes, capacity


@few
@given(networks(), lowerings, orders, buffers, st.integers(0, 10**6))
def test_law_5_on_random_networks(
    network: Network, lowering: str, order: str, buffer: int, seed: int
) -> None:
    program = program_of(network, buffer, lowering=lowering, order=order)
    found = curve(program)
    steps = found.steps.cache_bytes
    edges = np.random.default_rng(seed).choice(steps, 3)
    spots = {*capacities(program), *edges.tolist(), *np.maximum(edges - 1, 0).tolist()}
    for capacity in spots:
        agree(found, cache_pass(program, capacity))


@settings(few, max_examples=25)
@given(networks(most_layers=5), lowerings, st.sampled_from([300, 4000]))
def test_every_step_is_where_the_cache_pass_has_it(
    network: Network, lowering: str, buffer: int
) -> None:
    """At every threshold and one byte below: so at every capacity."""
    program = program_of(network, buffer, lowering=lowering)
    found = curve(program)
    for size in np.unique(found.threshold[found.threshold < INFINITE]).tolist():
        agree(found, cache_pass(program, size))
        agree(found, cache_pass(program, size - 1))


@few
@given(networks(), lowerings, buffers)
def test_all_views_of_a_curve_agree(network: Network, lowering: str, buffer: int) -> None:
    program = program_of(network, buffer, lowering=lowering)
    found = curve(program)
    steps = found.steps
    assert steps.cache_bytes[0] == 0
    assert (np.diff(steps.cache_bytes) > 0).all()
    assert (np.diff(steps.read_bytes) <= 0).all()  # law 3
    assert (np.diff(steps.write_bytes) <= 0).all()
    assert (np.diff(steps.dram_bytes) < 0).all()
    assert steps.read_bytes[-1] == program.compulsory_read_bytes  # law 1
    assert steps.write_bytes[-1] == program.compulsory_write_bytes
    assert steps.read_bytes[0] == program.touch_bytes[~program.touch_write].sum()  # law 2

    spots = [all_bytes(program), *capacities(program), 0]
    each, tensors = found.at_each(spots), found.tensors_at_each(spots)
    columns = found.columns()
    for place, capacity in enumerate(spots):
        assert (each[place] == found.at(capacity)).all()
        assert (tensors[place] == found.tensors_at(capacity)).all()
        assert each[place].sum() == tensors[place].sum() == found.dram_bytes(capacity)
        from_columns = np.zeros_like(each[place])
        for (kernel, role, cause), (sizes, moved) in columns.items():
            index = np.searchsorted(sizes, capacity, side="right") - 1
            from_columns[kernel, role, cause] = moved[index]
        assert (from_columns == each[place]).all()
    for sizes, moved in columns.values():
        assert sizes[0] == 0
        assert (np.diff(moved) != 0).all()
    assert each.shape[1:] == (len(program.kernels), len(Role), len(Cause))


@few
@given(networks(), lowerings, buffers, st.integers(0, 120))
def test_the_smallest_cache_does_it_and_one_byte_less_does_not(
    network: Network, lowering: str, buffer: int, percent: int
) -> None:
    program = program_of(network, buffer, lowering=lowering)
    found = curve(program)
    traffic = found.dram_bytes(0) * percent // 100
    size = found.smallest(traffic)
    if size is None:
        assert found.steps.dram_bytes[-1] > traffic
    else:
        assert found.dram_bytes(size) <= traffic
        assert size == 0 or found.dram_bytes(size - 1) > traffic
    assert found.dram_bytes(found.smallest_within(0)) == program.compulsory_bytes


@few
@given(networks(), lowerings, buffers, st.integers(1, 8))
def test_knees_are_drops_of_the_curve_and_do_not_overlap(
    network: Network, lowering: str, buffer: int, most: int
) -> None:
    program = program_of(network, buffer, lowering=lowering)
    found = curve(program)
    before = -1
    drops = knees(found, most)
    assert len(drops) <= most
    for knee in drops:
        assert before <= knee.start_bytes < knee.cache_bytes
        assert knee.cache_bytes <= (knee.start_bytes + 1) * 9 / 8
        before = knee.cache_bytes
        reads = [found.read_bytes(size) for size in (knee.start_bytes, knee.cache_bytes)]
        assert reads[0] - reads[1] == knee.saved_read_bytes
        assert knee.dram_bytes == found.dram_bytes(knee.cache_bytes)
        assert knee.dram_bytes + knee.saved_bytes == found.dram_bytes(knee.start_bytes)
        shares = [share.nbytes for share in knee.shares]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == knee.saved_bytes


@pytest.mark.parametrize(("name", "lowering"), CASES)
def test_law_5_on_shipped_networks(name: str, lowering: str) -> None:
    built = program(name, lowering)
    found = curve(built)
    for capacity in (100_000, 1_000_000, found.smallest_within(0.1)):
        agree(found, cache_pass(built, capacity))
        agree(found, cache_pass(built, max(0, capacity - 1)))


@settings(few, max_examples=60)
@given(
    networks(most_layers=8),
    lowerings,
    buffers,
    st.sampled_from(["nchw", "nhwc"]),
    st.sampled_from(["caching", "arena", "fresh"]),
    st.booleans(),
    st.sampled_from([8, 64]),
)
def test_law_5_on_fully_associative_hardware(
    network: Network,
    lowering: str,
    buffer: int,
    layout: str,
    allocator: str,
    fetch_on_write: bool,
    line: int,
) -> None:
    program = program_of(network, buffer, lowering=lowering)
    cache = Cache(
        size=0, management="hardware", line=line, fetch_on_write=fetch_on_write, layout=layout,
        allocator=allocator,
    )  # fmt: skip
    found = curve(program, cache)
    steps = found.steps.cache_bytes
    for capacity in {0, 1, *steps[:: 1 + len(steps) // 8].tolist(), all_bytes(program)}:
        agree(found, cache_pass(program, cache.resized(capacity)))
        agree(found, cache_pass(program, cache.resized(max(capacity - 1, 0))))


def test_a_curve_of_sets_is_refused() -> None:
    built = program("resnet18", "fused")
    with pytest.raises(InputError, match="fully associative cache, this one has 4 ways"):
        curve(built, Cache(size=0, management="hardware", ways=4))
