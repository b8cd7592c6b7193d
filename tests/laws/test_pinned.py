"""Pinned: a plan is a packing, no worse than what it begins with, and its bound holds."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memsim
from memsim.engines.bounds.bounds import traffic_bound
from memsim.engines.bounds.intervals import Intervals
from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.cache.policies import POLICIES
from memsim.engines.cache.policies.belady import belady
from memsim.engines.cache.policies.lru import lru
from memsim.engines.cache.trace import LAST, READ, WRITE, Events, Trace
from memsim.engines.clock.recurrence import recurrence
from memsim.engines.clock.replay import replay
from memsim.engines.clock.steps import steps
from memsim.engines.residency.exact import best_kept, exact_packing
from memsim.engines.residency.filling import filled
from memsim.engines.residency.packing import Packing, _families, _told_apart
from memsim.engines.residency.plan import follow, plan
from memsim.engines.residency.search import Fill
from memsim.errors import SimulationError
from memsim.machine.cache import Cache
from memsim.network import Network
from tests.laws.optimum import optimum
from tests.laws.test_bounds import every_capacity, moved, tiny, trace_of
from tests.laws.test_program import all_bytes, buffers, few, lowerings, program_of
from tests.laws.traces import traces
from tests.strategies import networks

pinned = POLICIES["pinned"]


def some_capacities(trace: Trace) -> list[int]:
    total = int(trace.size.sum())
    return sorted({0, 1, total // 4, total // 3, total // 2, total - 1, total})


def held_by_hand(trace: Trace, events: Events, keeps: np.ndarray) -> int:
    """Bytes fetched and written back, access by access; the most bytes held is checked."""
    held: set[int] = set()
    dirty: set[int] = set()
    total = peak = 0
    for at, (block, code) in enumerate(zip(trace.block.tolist(), trace.code.tolist(), strict=True)):
        if code & 3 in (0, 3) and block not in held:
            total += int(trace.size[block])
            assert events.missed[at]
        if code & 3 in (1, 3):
            dirty.add(block)
        held.discard(block)
        if code & LAST:
            dirty.discard(block)
        elif keeps[at]:
            held.add(block)
        elif block in dirty:
            dirty.discard(block)
            total += int(trace.size[block])
        peak = max(peak, sum(int(trace.size[b]) for b in held))
    assert peak == events.peak
    return total


@given(tiny(), st.lists(st.booleans(), min_size=11, max_size=11))
def test_any_plan_is_followed_to_the_byte(trace: Trace, chosen: list[bool]) -> None:
    keeps = np.array(chosen[: len(trace.block)], np.bool_)
    events = follow(trace, keeps)
    assert moved(trace, events) == held_by_hand(trace, events, keeps)


@settings(max_examples=50)
@given(traces())
def test_pinned_moves_no_more_than_belady_and_lru_and_no_less_than_its_bound(trace: Trace) -> None:
    for capacity in some_capacities(trace):
        events = pinned(trace, capacity)
        mine = moved(trace, events)
        assert events.at_least <= mine
        for policy in (belady, lru):
            assert mine <= moved(trace, policy(trace, capacity)), (policy, capacity)
        assert events.occupancy.max(initial=0) <= events.peak <= capacity


@settings(max_examples=50)
@given(tiny())
def test_the_bound_of_a_plan_holds_for_the_best_cache(trace: Trace) -> None:
    for capacity in every_capacity(trace):
        assert plan(trace, capacity).at_least <= optimum(trace, capacity), capacity


@pytest.mark.needs("scipy")
@settings(max_examples=25)
@given(tiny())
def test_the_integer_program_finds_the_best_cache(trace: Trace) -> None:
    for capacity in some_capacities(trace):
        best, _ = exact_packing(trace, capacity)
        assert best == optimum(trace, capacity), capacity
        assert best <= moved(trace, pinned(trace, capacity))


@pytest.mark.needs("scipy")
@settings(max_examples=25)
@given(traces(most_blocks=4))
def test_the_integer_program_is_the_best_of_all_subsets(trace: Trace) -> None:
    for capacity in some_capacities(trace):
        packing = Packing.of(Intervals.of(trace, capacity))
        if int(np.prod(packing.most + 1.0)) > 300:
            continue
        every = (
            np.array(kept, np.int64) for kept in product(*(range(m + 1) for m in packing.most))
        )
        fitting = [
            packing.moved(kept) for kept in every if packing.used(kept).max(initial=0) <= capacity
        ]
        assert packing.moved(best_kept(packing)) == min(fitting), capacity


@given(traces())
def test_a_packing_counts_what_the_followed_plan_moves(trace: Trace) -> None:
    for capacity in some_capacities(trace):
        intervals = Intervals.of(trace, capacity)
        packing = Packing.of(intervals)
        kept = packing.most // 2
        keeps = np.zeros(len(trace.block), np.bool_)
        keeps[intervals.free] = True
        keeps[intervals.access[packing.chosen(kept)]] = True
        assert moved(trace, follow(trace, keeps)) == packing.moved(kept), capacity
        assert packing.counted(packing.chosen(kept)).tolist() == kept.tolist()


def test_a_dirty_block_that_belady_spills_is_kept_where_that_is_cheaper() -> None:
    codes = [WRITE, READ, READ | LAST, READ | LAST]
    trace = trace_of([0, 1, 1, 0], codes, [8, 8])
    assert moved(trace, belady(trace, 8)) == 8 + 8 + 8  # 1 is fetched, 0 spilled and fetched
    events = pinned(trace, 8)
    assert events.missed.tolist() == [False, True, True, False]
    assert (moved(trace, events), events.at_least) == (16, 16)


def test_of_unequal_blocks_those_are_kept_that_save_most() -> None:
    """Ten bytes of room; 0 would take six of them, 1 and 2 five each."""
    trace = trace_of([0, 1, 2, 0, 1, 2], [READ] * 6, [6, 5, 5])
    assert moved(trace, pinned(trace, 10)) == 16 + 6
    assert moved(trace, belady(trace, 10)) == 16 + 10


def test_an_integer_program_too_large_is_refused_and_the_policy_named() -> None:
    trace = trace_of([0, 1, 0, 1], [READ] * 4, [8, 7])
    with pytest.raises(SimulationError, match=r"2 items, more than 1 \(policy pinned takes any"):
        exact_packing(trace, 8, largest=1)


@few
@given(networks(most_layers=6), lowerings, buffers)
def test_pinned_on_programs(network: Network, lowering: str, buffer: int) -> None:
    """Never below what is compulsory and what is certain; rows sum up; the clocks take it."""
    program = program_of(network, buffer, lowering=lowering)
    total = all_bytes(program)
    for capacity in (0, total // 9, total // 3, total):
        found = cache_pass(program, Cache(size=capacity, policy="pinned"))
        mine = found.read_bytes + found.write_bytes
        assert mine == int(found.traffic.sum()) == int(found.tensor_traffic.sum())
        assert mine == int(found.load_bytes.sum() + found.store_bytes.sum())
        assert program.compulsory_bytes <= found.at_least <= mine
        assert found.peak_occupancy <= capacity
        for policy in ("lru", "belady"):
            other = cache_pass(program, Cache(size=capacity, policy=policy))
            assert mine <= other.read_bytes + other.write_bytes
        durations = steps(program, found, memsim.load_machine("textbook"))
        assert replay(durations).end == recurrence(durations).end
    assert mine == program.compulsory_bytes


@pytest.mark.needs("scipy")
@pytest.mark.parametrize("policy", ["belady", "pinned"])
def test_policies_that_know_the_future_run_groups_depth_first(policy: str) -> None:
    asked = {"machine": "edge", "cache": "128KiB", "schedule": "depth_first"}
    result = memsim.run("mobilenetv2", groups="inverted_residual", policy=policy, **asked)
    least = traffic_bound(result.program, result.machine.cache_bytes)
    plain = memsim.run("mobilenetv2", groups="inverted_residual", **asked)
    assert result.program.compulsory_bytes < least <= result.dram_bytes < plain.dram_bytes
    assert (
        result.time_ps
        == memsim.run(
            "mobilenetv2", groups="inverted_residual", policy=policy, clock="recurrence", **asked
        ).time_ps
    )


def test_a_run_tells_how_far_from_the_best_its_policy_may_be() -> None:
    result = memsim.run("mobilenetv2", machine="edge", cache="256KiB", policy="pinned")
    least = result.to_dict()["at_least_bytes"]
    assert least <= result.dram_bytes < 1.01 * least
    (told,) = (text for label, text in result.sheet().more if label == "policy")
    assert told.startswith("pinned moves at most 0.")
    assert "% more than the best" in told
    whole = memsim.run("mobilenetv2", machine="edge", cache="40MB", policy="pinned")
    (told,) = (text for label, text in whole.sheet().more if label == "policy")
    assert told == "pinned is exact: no policy moves less in this order of tasks"
    assert "at_least_bytes" not in memsim.run("mobilenetv2", machine="edge").to_dict()


@given(st.integers(0, 2**32))
def test_blocks_that_are_alike_are_found_by_a_sum_as_by_comparing_them(seed: int) -> None:
    draw = np.random.default_rng(seed)
    length = draw.integers(1, 4, draw.integers(0, 30))
    first, count = np.cumsum(length) - length, int(length.sum())
    within = np.arange(count) - np.repeat(first, length)
    column = draw.integers(-1, 2, (5, count)) * draw.integers(0, 2, (5, 1))
    found, apart = _families(column, first, length, within), _told_apart(column, first, length)
    assert [each.tolist() for each in found] == [each.tolist() for each in apart]


@given(traces(), st.integers(0, 2**32))
def test_a_packing_is_filled_alike_by_both_loops(trace: Trace, seed: int) -> None:
    draw = np.random.default_rng(seed)
    for capacity in range(0, int(trace.size.sum()) + 2, 3):
        packing = Packing.of(Intervals.of(trace, capacity))
        order = draw.permutation(len(packing) + len(packing.epochs))
        first, rest = np.split(order, [len(order) // 3])
        fill = Fill(packing, np.zeros(len(packing), np.int64))
        kept = np.zeros(len(packing), np.int64)
        for part in (first, rest):
            fill.fill(part.tolist())
            kept = filled(packing, kept, part)
            assert kept.tolist() == fill.kept
