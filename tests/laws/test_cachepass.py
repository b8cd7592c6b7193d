"""The cache pass equals a brute-force cache."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from memsim.engines.cache.compiled_order import compiled_order
from memsim.engines.cache.policies.in_order import plain_order
from memsim.engines.cache.trace import LAST, READ, WRITE, Events, Policy, Trace
from tests.laws.brute_force import brute_force
from tests.laws.traces import traces


def plain_lru(trace: Trace, capacity: int) -> Events:
    return plain_order(trace, capacity, refresh=True)


def compiled_lru(trace: Trace, capacity: int) -> Events:
    return compiled_order(trace, capacity, refresh=True)


both_loops = pytest.mark.parametrize("lru", [plain_lru, compiled_lru])
"""Short programs are served by plain Python, long ones by a compiled loop."""


@both_loops
@given(traces())
def test_lru_equals_brute_force_at_every_capacity(lru: Policy, trace: Trace) -> None:
    for capacity in range(int(trace.size.sum()) + 2):
        events = lru(trace, capacity)
        fetches, spills = brute_force(trace, capacity)
        assert np.flatnonzero(events.missed).tolist() == fetches
        found = zip(events.spilled.tolist(), events.spilled_at.tolist(), strict=True)
        assert list(found) == spills
        assert events.peak <= capacity
        assert len(events.occupancy) == len(trace.start) - 1


def _trace(block: list[int], code: list[int], size: list[int]) -> Trace:
    return Trace(
        np.array([0, len(block)]),
        np.array(block, np.int32),
        np.array(code, np.uint8),
        np.array(size),
    )


@both_loops
def test_a_block_fits_at_its_size_and_not_one_byte_below(lru: Policy) -> None:
    trace = _trace([0, 0], [READ, READ], [100])
    assert lru(trace, 100).missed.tolist() == [True, False]
    assert lru(trace, 99).missed.tolist() == [True, True]


@both_loops
def test_a_block_larger_than_the_cache_empties_it(lru: Policy) -> None:
    trace = _trace([0, 1, 0], [READ, READ, READ], [10, 100])
    assert lru(trace, 50).missed.tolist() == [True, True, True]


@both_loops
def test_a_dead_dirty_block_is_not_written_back(lru: Policy) -> None:
    trace = _trace([0, 0, 1], [WRITE, READ | LAST, READ], [10, 10])
    assert lru(trace, 10).spilled.tolist() == []


@both_loops
def test_a_live_dirty_block_is_written_back_once(lru: Policy) -> None:
    trace = _trace([0, 1, 0, 1, 0], [WRITE, READ, READ, READ, READ], [10, 10])
    events = lru(trace, 10)
    assert (events.spilled.tolist(), events.spilled_at.tolist()) == ([0], [1])


@both_loops
def test_a_dead_block_makes_room(lru: Policy) -> None:
    # 0 and 1 fill the cache; 1 dies, so 2 finds room and 0 stays.
    trace = _trace([0, 1, 1, 2, 0], [READ, READ, READ | LAST, READ, READ], [10, 10, 10])
    assert lru(trace, 20).missed.tolist() == [True, True, False, True, False]
