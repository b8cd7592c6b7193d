"""Policies against caches written for reading, and at their edges."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given

from memsim.engines.cache.policies import POLICIES
from memsim.engines.cache.trace import (
    DIRTIES,
    FETCHES,
    KIND,
    LAST,
    NEW,
    READ,
    WRITE,
    WRITE_ALLOCATE,
    WRITE_THROUGH,
    Events,
    Trace,
)
from memsim.errors import InputError
from tests.laws.test_bounds import every_capacity, tiny, trace_of
from tests.laws.traces import traces

Moved = tuple[list[int], list[tuple[int, int]]]
"""The accesses that fetch, and the write-backs as (block, access that displaced it)."""


def plain_fifo(trace: Trace, capacity: int) -> Moved:
    size = [int(n) for n in trace.size]
    queue: list[int] = []
    dirty: set[int] = set()
    fetches: list[int] = []
    spills: list[tuple[int, int]] = []
    for at, (block, code) in enumerate(zip(trace.block.tolist(), trace.code.tolist(), strict=True)):
        kind, dies = code & KIND, bool(code & LAST)
        if block not in queue:
            queue.append(block)
            if FETCHES[kind]:
                fetches.append(at)
        if DIRTIES[kind]:
            dirty.add(block)
        if dies:
            dirty.discard(block)
        while sum(size[b] for b in queue) > capacity:
            victim = queue.pop(0)
            if victim in dirty:
                dirty.remove(victim)
                spills.append((victim, at))
        if dies and block in queue:
            queue.remove(block)
    return fetches, spills


def plain_belady(trace: Trace, capacity: int) -> Moved:
    size, blocks = [int(n) for n in trace.size], trace.block.tolist()
    held: set[int] = set()
    dirty: set[int] = set()
    fetches: list[int] = []
    spills: list[tuple[int, int]] = []
    for at, (block, code) in enumerate(zip(blocks, trace.code.tolist(), strict=True)):
        kind, dies = code & KIND, bool(code & LAST)
        comes = block not in held
        if comes and FETCHES[kind]:
            fetches.append(at)
        if dies:
            held.discard(block)
            dirty.discard(block)
            continue
        if DIRTIES[kind]:
            dirty.add(block)

        def distance(b: int, at: int = at) -> tuple[bool, int]:
            return (False, blocks.index(b, at + 1)) if b in blocks[at + 1 :] else (True, b)

        need = sum(size[b] for b in held | {block}) - capacity
        victims: list[int] = []
        for victim in sorted(held | {block}, key=distance, reverse=True):
            if need <= 0 or victim == block:
                break
            victims.append(victim)
            need -= size[victim]
        if need > 0:  # evicting all that is used later does not make room: it does not stay
            victims = [block]
        held = (held | {block}) - set(victims)
        for victim in victims:
            if victim in dirty:
                dirty.remove(victim)
                spills.append((victim, at))
    return fetches, spills


def moved(events: Events) -> Moved:
    spilled = zip(events.spilled.tolist(), events.spilled_at.tolist(), strict=True)
    return np.flatnonzero(events.missed).tolist(), list(spilled)


@given(tiny())
def test_fifo_equals_a_plain_queue(trace: Trace) -> None:
    for capacity in every_capacity(trace):
        assert moved(POLICIES["fifo"](trace, capacity)) == plain_fifo(trace, capacity), capacity


@given(tiny())
def test_belady_equals_a_plain_search_for_the_farthest(trace: Trace) -> None:
    for capacity in every_capacity(trace):
        assert moved(POLICIES["belady"](trace, capacity)) == plain_belady(trace, capacity), capacity


@given(traces())
def test_belady_equals_a_plain_search_on_longer_traces(trace: Trace) -> None:
    for capacity in every_capacity(trace):
        assert moved(POLICIES["belady"](trace, capacity)) == plain_belady(trace, capacity), capacity


@given(traces(most_size=1))
def test_every_policy_holds_no_more_than_fits_and_fetches_all_at_capacity_0(trace: Trace) -> None:
    fetches = FETCHES[trace.code & KIND]
    for name, policy in POLICIES.items():
        for capacity in every_capacity(trace):
            events = policy(trace, capacity)
            assert len(events.occupancy) == len(trace.start) - 1
            assert events.occupancy.max(initial=0) <= events.peak <= capacity, name
            assert not events.missed[~fetches].any(), name
        assert (policy(trace, 0).missed == fetches).all(), name
        everything = policy(trace, int(trace.size.sum()))
        assert len(everything.spilled) == 0, name
        assert everything.missed.sum() <= len(set(trace.block.tolist())), name


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_codes_mean_the_same_to_every_policy(name: str) -> None:
    codes = [WRITE, WRITE_ALLOCATE + NEW, READ, WRITE_THROUGH, WRITE + LAST]
    trace = trace_of([0, 0, 0, 0, 0], codes, [8])
    # With room nothing moves; without, each access is a new encounter.
    assert moved(POLICIES[name](trace, 8)) == ([], [])
    assert moved(POLICIES[name](trace, 7)) == ([1, 2], [(0, 0), (0, 1)])


def test_fifo_evicts_what_came_first_though_it_was_just_used() -> None:
    trace = trace_of([0, 1, 0, 2, 0], [READ] * 5, [8, 8, 8])
    assert POLICIES["fifo"](trace, 16).missed.tolist() == [True, True, False, True, True]
    assert POLICIES["lru"](trace, 16).missed.tolist() == [True, True, False, True, False]


def test_belady_lets_a_block_pass_that_is_used_later_than_all_others() -> None:
    trace = trace_of([0, 1, 0, 1], [READ, WRITE, READ, READ], [8, 8])
    events = POLICIES["belady"](trace, 8)
    assert events.missed.tolist() == [True, False, False, True]
    assert moved(events)[1] == [(1, 1)]  # it is dirty, so it is written back as it passes


def test_belady_evicts_nothing_for_a_block_that_does_not_fit_beside_nearer_ones() -> None:
    # 2 is used before 1 and after 0, but evicting 1 alone makes no room for it.
    trace = trace_of([0, 1, 2, 0, 2, 1], [READ] * 6, [8, 2, 4])
    assert POLICIES["belady"](trace, 10).missed.tolist() == [True] * 3 + [False, True, False]


def test_a_dead_block_takes_no_room_from_others_under_belady() -> None:
    trace = trace_of([0, 1, 0], [READ, READ + LAST, READ], [8, 8])
    assert POLICIES["belady"](trace, 8).missed.tolist() == [True, True, False]


def test_min_needs_no_fetch_for_what_is_overwritten_before_it_is_read() -> None:
    # 0 is used first, but overwritten: the only place goes to 1.
    trace = trace_of([1, 0, 0, 1], [READ, READ, WRITE, READ], [8, 8])
    assert POLICIES["min"](trace, 8).missed.tolist() == [True, True, False, False]


def test_min_names_the_two_sizes_it_cannot_order() -> None:
    trace = trace_of([0, 1], [READ, READ], [64, 16384, 7])  # block 2 is never accessed
    message = "policy min needs blocks of one size, the trace has 64 B and 16,384 B"
    with pytest.raises(InputError, match=re.escape(message)):
        POLICIES["min"](trace, 1000)
