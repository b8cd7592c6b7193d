"""The microscope: what it sees come and go is what the engines move, task by task."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import memsim
from memsim.engines.cache.cachepass import cache_pass, transfers
from memsim.engines.cache.departures import WATCHED, departures
from memsim.engines.cache.policies import POLICIES
from memsim.engines.cache.trace import LAST, Trace
from memsim.machine.cache import Cache
from memsim.network import Network
from memsim.network.patterns.harmonic import Harmonic
from memsim.program.program import Program
from memsim.results.moments.microscope import Microscope
from memsim.results.moments.residency import COMES, EVICTED, LEAVES, Residency, What
from tests.laws.test_program import all_bytes, buffers, few, lowerings, program_of
from tests.laws.traces import traces
from tests.strategies import networks


def check_equals_the_engine(program: Program, capacity: int, policy: str) -> None:
    cache = Cache(size=capacity, policy=policy)
    seen = Residency.of(program, cache, policy)
    told, moved = cache_pass(program, cache), transfers(program, cache)
    task, size = program.touch_task, program.tasks
    read, spilled, stored = (
        np.bincount(task[flow.at], flow.amount, size).astype(np.int64)
        for flow in (moved.fetches, moved.spills, moved.results)
    )
    assert (seen.per_task(What.FETCHED) == read).all()
    assert (seen.per_task(What.SPILLED) == spilled).all()
    assert (seen.per_task(What.STORED) == stored).all()
    assert seen.total(What.FETCHED) == told.read_bytes
    assert seen.total(What.SPILLED, What.STORED) == told.write_bytes
    # what came less what left is held, of every tensor and in all, and is never less than nothing
    held = seen.held(len(program.tensors))
    assert (held >= 0).all()
    assert (held.sum(axis=1) == told.occupancy).all()
    assert (held <= [tensor.nbytes for tensor in program.tensors]).all()
    assert (seen.occupancy == told.occupancy).all()
    # what is evicted is needed again, by a kernel that has not run yet or runs now
    gone = seen.of_kind(*EVICTED)
    assert (seen.again[gone] >= program.task_kernel[seen.task[gone]]).all()
    assert (seen.by[gone] >= 0).all()
    assert (seen.by[~gone] == -1).all()
    assert (seen.nbytes > 0).all()


@few
@given(networks(), lowerings, buffers, st.sampled_from(list(WATCHED)), st.integers(0, 8))
def test_what_is_seen_is_what_the_engine_moves(
    network: Network, lowering: str, buffer: int, policy: str, eighths: int
) -> None:
    program = program_of(network, buffer, lowering=lowering)
    check_equals_the_engine(program, all_bytes(program) * eighths // 8, policy)


@pytest.mark.parametrize("policy", ["lru", "belady"])
@pytest.mark.parametrize(
    ("network", "lowering"),
    [("hardnet68", "concat_free"), ("densenet121", "fused"), ("resnet50", "eager")],
)
def test_so_it_is_on_real_networks(network: str, lowering: str, policy: str) -> None:
    program = memsim.build(memsim.load(network), buffer=512 * 1024, lowering=lowering)
    check_equals_the_engine(program, 500_000, policy)


@few
@given(traces(), st.sampled_from(list(WATCHED)), st.integers(0, 6))
def test_who_watches_changes_nothing(trace: Trace, policy: str, sixths: int) -> None:
    capacity = int(trace.size.sum()) * sixths // 6
    watched, alone = departures(trace, capacity, policy), POLICIES[policy](trace, capacity)
    for name in ("missed", "spilled", "spilled_at", "occupancy"):
        assert (getattr(watched.events, name) == getattr(alone, name)).all(), name
    # A departure is of a live block, and each write-back is one.
    gone = set(zip(watched.block.tolist(), watched.at.tolist(), strict=True))
    assert len(gone) == len(watched.block)
    assert set(zip(alone.spilled.tolist(), alone.spilled_at.tolist(), strict=True)) <= gone
    held: set[int] = set()
    leaves: dict[int, list[int]] = {}
    for block, at in zip(watched.block.tolist(), watched.at.tolist(), strict=True):
        leaves.setdefault(at, []).append(block)
    for at, (block, code) in enumerate(zip(trace.block.tolist(), trace.code.tolist(), strict=True)):
        if block not in held and code & 3 in (0, 3):
            assert watched.events.missed[at]
        held.add(block)
        for victim in leaves.get(at, ()):
            assert victim in held
            held.remove(victim)
        if code & LAST:
            held.discard(block)
        assert sum(trace.size[sorted(held)]) <= capacity


# ---- the question: which tensors can leave when layer 2^n of a harmonic block is done?


def harmonic(layers: int) -> Microscope:
    text = f"""
    name: harmonic
    input: [8, 8, 8]
    layers:
      - block: {{pattern: harmonic, layers: {layers}, growth: 4, multiplier: 1.7}}
        name: b
    """
    return memsim.microscope(
        memsim.loads(text), cache="4KiB", machine="textbook", lowering="concat_free"
    )


@pytest.mark.parametrize("layers", [8, 16, 32])
def test_layers_below_a_power_of_two_leave_when_it_is_done_and_not_before(layers: int) -> None:
    seen = harmonic(layers)
    name = {f"b.{number}.act": number for number in range(1, layers + 1)}
    n = 1
    while (power := 2**n) <= layers:
        dead = {name[each] for each in seen.dead_after(f"b.{power}.conv") if each in name}
        assert dead == set(range(1, power))
        before = {name[each] for each in seen.dead_after(f"b.{power - 1}.conv") if each in name}
        assert power // 2 not in before  # layer 2^n reads layer 2^(n-1)
        n += 1
    # by the rule itself: a layer is dead when the last layer that links to it is done
    for layer in range(1, layers + 1):
        dead = {name[each] for each in seen.dead_after(f"b.{layer}.conv") if each in name}
        read_later = {
            each for later in range(layer + 1, layers + 1) for each in Harmonic().links(later)
        }
        assert dead == set(range(1, layer)) - read_later


@pytest.mark.parametrize("policy", ["lru", "belady"])
def test_what_is_dead_is_not_held(policy: str) -> None:
    seen = harmonic(16)
    held = seen.seen[policy].held(len(seen.program.tensors))
    numbers = {tensor.name: number for number, tensor in enumerate(seen.program.tensors)}
    for power in (2, 4, 8, 16):
        kernel = [each.name for each in seen.program.kernels].index(f"b.{power}.conv")
        after = held[seen.end_of[kernel]]
        assert not any(after[numbers[f"b.{layer}.act"]] for layer in range(1, power))
    assert all(seen.seen[policy].total(*kinds) for kinds in (COMES, LEAVES, EVICTED))
