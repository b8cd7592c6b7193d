"""The cache pass equals a brute-force cache."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from memsim.engines.cache.cachepass import account, cache_pass
from memsim.engines.cache.management import MANAGEMENTS, Lines
from memsim.engines.cache.policies import POLICIES
from memsim.engines.cache.trace import LAST, READ, WRITE, Trace
from memsim.engines.cache.transfers import Transfers, written_through
from memsim.errors import SimulationError
from memsim.network import Network
from memsim.program import LOWERINGS, build
from tests.laws.brute_force import brute_force
from tests.laws.traces import traces
from tests.strategies import networks


@given(traces())
def test_lru_equals_brute_force_at_every_capacity(trace: Trace) -> None:
    for capacity in range(int(trace.size.sum()) + 2):
        events = POLICIES["lru"](trace, capacity)
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


def test_a_block_fits_at_its_size_and_not_one_byte_below() -> None:
    trace = _trace([0, 0], [READ, READ], [100])
    assert POLICIES["lru"](trace, 100).missed.tolist() == [True, False]
    assert POLICIES["lru"](trace, 99).missed.tolist() == [True, True]


def test_a_block_larger_than_the_cache_empties_it() -> None:
    trace = _trace([0, 1, 0], [READ, READ, READ], [10, 100])
    assert POLICIES["lru"](trace, 50).missed.tolist() == [True, True, True]


def test_a_dead_dirty_block_is_not_written_back() -> None:
    trace = _trace([0, 0, 1], [WRITE, READ | LAST, READ], [10, 10])
    assert POLICIES["lru"](trace, 10).spilled.tolist() == []


def test_a_live_dirty_block_is_written_back_once() -> None:
    trace = _trace([0, 1, 0, 1, 0], [WRITE, READ, READ, READ, READ], [10, 10])
    events = POLICIES["lru"](trace, 10)
    assert (events.spilled.tolist(), events.spilled_at.tolist()) == ([0], [1])


def test_a_dead_block_makes_room() -> None:
    # 0 and 1 fill the cache; 1 dies, so 2 finds room and 0 stays.
    trace = _trace([0, 1, 1, 2, 0], [READ, READ, READ | LAST, READ, READ], [10, 10, 10])
    assert POLICIES["lru"](trace, 20).missed.tolist() == [True, True, False, True, False]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    networks(most_layers=6),
    st.sampled_from(sorted(LOWERINGS)),
    st.sampled_from([300, 1000, 100_000]),
    st.sampled_from([1, 3, 7, 30, 1 << 14]),
)
def test_cells_equal_blocks_at_every_capacity(
    network: Network, lowering: str, buffer: int, block: int
) -> None:
    """The fast pass over cells, against the plain one over blocks, in every column."""
    try:
        program = build(network, buffer=buffer, lowering=lowering, block=block)
    except SimulationError:
        assume(False)
        raise
    trace = MANAGEMENTS["scratchpad"](program, Lines())
    total = int(program.block_bytes.sum())
    sizes = np.unique(program.block_bytes)
    spots = np.concatenate([np.linspace(0, total, 23).astype(int), sizes, sizes - 1, sizes * 2])
    for capacity in np.unique(spots).tolist():
        fast = cache_pass(program, capacity)
        events = POLICIES["lru"](trace, capacity)
        results = written_through(program)
        plain = account(program, Transfers.of(program, trace, events, results), capacity)
        for column in ("load_bytes", "store_bytes", "waits", "traffic", "tensor_traffic"):
            assert (getattr(fast, column) == getattr(plain, column)).all(), (capacity, column)
        assert (fast.occupancy == plain.occupancy).all(), capacity
        assert fast.peak_occupancy <= capacity
