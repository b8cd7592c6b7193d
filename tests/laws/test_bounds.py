"""Bounds, the optimum and policies, in this order; law 4."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from memsim.engines.bounds import bounds
from memsim.engines.bounds.bounds import (
    Bound,
    best_prices,
    coarse_bound,
    lower_bound,
    traffic_bound,
)
from memsim.engines.bounds.intervals import Intervals
from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.cache.policies import POLICIES
from memsim.engines.cache.trace import (
    LAST,
    NEW,
    READ,
    WRITE,
    WRITE_ALLOCATE,
    WRITE_THROUGH,
    Events,
    Trace,
)
from memsim.errors import SimulationError
from memsim.machine.cache import Cache
from memsim.network import Network
from tests.laws.optimum import optimum
from tests.laws.test_program import all_bytes, buffers, few, lowerings, program_of
from tests.laws.traces import traces
from tests.strategies import networks

KINDS = [READ, READ, WRITE, WRITE_THROUGH, WRITE_ALLOCATE]
UNEQUAL = sorted(set(POLICIES) - {"min"})


@st.composite
def tiny(draw: st.DrawFn, most_size: int = 4) -> Trace:
    """Any code at any access: blocks rewritten while dirty, and accessed after their death."""
    size = draw(st.lists(st.integers(1, most_size), min_size=1, max_size=4))
    count = draw(st.integers(0, 11))
    block = draw(st.lists(st.integers(0, len(size) - 1), min_size=count, max_size=count))
    codes = st.builds(
        lambda kind, *flags: kind + sum(flags),
        st.sampled_from(KINDS),
        st.sampled_from([0, 0, 0, LAST]),
        st.sampled_from([0, NEW]),
    )
    code = draw(st.lists(codes, min_size=count, max_size=count))
    cut = draw(st.integers(0, count))
    return Trace(
        np.array([0, cut, count]),
        np.array(block, np.int32),
        np.array(code, np.uint8),
        np.array(size, np.int64),
    )


def reads(trace: Trace, events: Events) -> int:
    return int(trace.size[trace.block[events.missed]].sum())


def moved(trace: Trace, events: Events) -> int:
    return reads(trace, events) + int(trace.size[events.spilled].sum())


def every_capacity(trace: Trace) -> range:
    return range(int(trace.size.sum()) + 2)


# ---- law 4


@given(traces(most_blocks=5, most_size=1))
def test_min_reads_no_more_than_any_other_policy(trace: Trace) -> None:
    """Equal blocks, each written at most once and before its reads: what a scratchpad sees."""
    for capacity in every_capacity(trace):
        least = reads(trace, POLICIES["min"](trace, capacity))
        for policy in UNEQUAL:
            assert least <= reads(trace, POLICIES[policy](trace, capacity)), (policy, capacity)


@given(tiny(most_size=1))
def test_min_reads_as_little_as_can_be(trace: Trace) -> None:
    for capacity in every_capacity(trace):
        events = POLICIES["min"](trace, capacity)
        assert reads(trace, events) == optimum(trace, capacity, spills=False), capacity


# ---- bound <= optimum <= policy


def check_order(trace: Trace, bound: Bound) -> None:
    policies = UNEQUAL if len(set(trace.size.tolist())) > 1 else sorted(POLICIES)
    for capacity in every_capacity(trace):
        best = optimum(trace, capacity)
        parts, whole = bound(trace, capacity, True), bound(trace, capacity, False)
        assert max(parts, whole) <= best, capacity
        for policy in policies:
            assert best <= moved(trace, POLICIES[policy](trace, capacity)), (policy, capacity)


@given(tiny())
def test_no_cache_does_better_than_the_coarse_bound(trace: Trace) -> None:
    check_order(trace, coarse_bound)


@pytest.mark.needs("scipy")
@settings(max_examples=60)
@given(tiny())
def test_no_cache_does_better_than_the_linear_program(trace: Trace) -> None:
    check_order(trace, lower_bound)
    for capacity in every_capacity(trace):
        found = lower_bound(trace, capacity)
        assert max(coarse_bound(trace, capacity), lower_bound(trace, capacity, True)) <= found


@given(tiny(), st.lists(st.floats(-1, 4), min_size=12, max_size=12))
@example(Trace(np.array([0, 0]), np.zeros(0, np.int32), np.zeros(0, np.uint8), np.ones(1)), [0.0])
def test_any_prices_give_a_bound(trace: Trace, prices: list[float]) -> None:
    for capacity in every_capacity(trace):
        intervals = Intervals.of(trace, capacity)
        assert intervals.moments < 12
        bound = intervals.bound(np.array(prices)[: intervals.moments])
        assert intervals.fixed <= bound <= optimum(trace, capacity)


@pytest.mark.needs("scipy")
@given(tiny(most_size=1))
def test_for_reads_of_equal_blocks_the_linear_program_is_exact(trace: Trace) -> None:
    """Its matrix is then an interval matrix, so a vertex is integral: it finds what MIN does."""
    clean = Trace(trace.start, trace.block, trace.code & LAST, trace.size)
    for capacity in every_capacity(trace):
        assert lower_bound(clean, capacity) == reads(clean, POLICIES["min"](clean, capacity))


def trace_of(block: list[int], code: list[int], size: list[int]) -> Trace:
    return Trace(
        np.array([0, len(block)]),
        np.array(block, np.int32),
        np.array(code, np.uint8),
        np.array(size, np.int64),
    )


@pytest.mark.needs("scipy")
def test_a_dirty_block_that_gives_way_costs_its_write_back_and_its_fetch() -> None:
    trace = trace_of([0, 1, 0, 1], [WRITE, READ, READ | LAST, READ | LAST], [10, 10])
    # Keep the dirty block, and fetch the clean one twice.
    assert lower_bound(trace, 10) == optimum(trace, 10) == 20
    # Both are dirty: one of them is written back and fetched.
    trace = trace_of([0, 1, 0, 1], [WRITE, WRITE, READ | LAST, READ | LAST], [10, 10])
    assert lower_bound(trace, 10) == optimum(trace, 10) == 20


@pytest.mark.needs("scipy")
def test_the_bound_falls_at_the_byte_at_which_both_blocks_fit() -> None:
    trace = trace_of([0, 1, 0, 1], [READ] * 4, [10, 7])
    assert [lower_bound(trace, capacity) for capacity in (17, 16, 10, 9, 6)] == [17, 18, 24, 27, 34]


@pytest.mark.needs("scipy")
def test_a_linear_program_too_large_is_refused_and_the_sweep_named() -> None:
    trace = trace_of([0, 1, 0, 1], [READ] * 4, [8, 8])
    with pytest.raises(SimulationError, match=r"2 intervals, more than 1 \(coarse_bound takes"):
        lower_bound(trace, 8, largest=1)


def test_a_linear_program_of_100_000_intervals_is_solved_and_no_larger_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounds, "best_prices", lambda intervals: np.zeros(intervals.moments))
    for intervals, solved in ((100_000, True), (100_001, False)):
        trace = trace_of([0, *[1, 0] * 50_002][: intervals + 2], [READ] * (intervals + 2), [8, 8])
        assert len(Intervals.of(trace, 8)) == intervals
        if solved:
            assert lower_bound(trace, 8) == 16  # at no price, what is fetched first
        else:
            with pytest.raises(SimulationError, match="100,001 intervals, more than 100,000"):
                lower_bound(trace, 8)


@pytest.mark.needs("scipy")
def test_rounded_prices_cannot_lift_the_bound() -> None:
    """Prices that are off by a little, either way, give a bound that is lower by a little."""
    trace = trace_of([0, 1, 2, 0, 1, 2, 0, 1, 2], [READ] * 9, [1000, 999, 998])
    intervals = Intervals.of(trace, 1500)
    prices = best_prices(intervals)
    best = intervals.bound(prices)
    assert best <= optimum(trace, 1500)
    for off in (-1e-3, -1e-9, 1e-9, 1e-3):
        assert intervals.bound(prices * (1 + off)) <= best


@pytest.mark.needs("scipy")
def test_the_sweep_looks_for_moments_at_which_fetches_are_wanted() -> None:
    """Room for one of three blocks, each of which moves at least once.

    After the second access both 0 and 1 are wanted, so one of them is fetched again, and after
    the fifth both are wanted once more, by other accesses. The written block, which nobody
    fetches, makes no moment between the two the better one to look at.
    """
    trace = trace_of([1, 0, 1, 2, 0, 0, 1], [READ] * 3 + [WRITE] + [READ] * 3, [1, 1, 1])
    assert coarse_bound(trace, 1) == lower_bound(trace, 1) == optimum(trace, 1) == 5


# ---- programs


@pytest.mark.needs("scipy")
@few
@given(networks(most_layers=8), lowerings, buffers)
def test_no_policy_moves_less_than_the_bound_of_its_program(
    network: Network, lowering: str, buffer: int
) -> None:
    program = program_of(network, buffer, lowering=lowering)
    total = all_bytes(program)
    bounds = []
    for capacity in (0, 1, total // 9, total // 4, total // 2, total):
        coarse = traffic_bound(program, capacity, coarse_bound)
        bounds.append(traffic_bound(program, capacity))
        assert program.compulsory_bytes <= coarse <= bounds[-1]
        for policy in UNEQUAL:
            found = cache_pass(program, Cache(size=capacity, policy=policy))
            assert bounds[-1] <= found.read_bytes + found.write_bytes, (policy, capacity)
    assert all(larger <= smaller for smaller, larger in pairwise(bounds))
    assert bounds[-1] == program.compulsory_bytes
