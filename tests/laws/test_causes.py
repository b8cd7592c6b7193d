"""Causes: what is compulsory is the same at every cache; all else was on chip before."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import memsim
from memsim.engines.cache.cachepass import cache_pass, read_bytes, write_bytes
from memsim.engines.cache.managements import MANAGEMENTS
from memsim.machine.cache import Cache
from memsim.network import Network
from memsim.program import Cause, Program, Role
from tests.laws.brute_force import brute_force
from tests.laws.test_program import (
    all_bytes,
    buffers,
    capacities,
    few,
    lowerings,
    orders,
    program_of,
)
from tests.shipped import SAMPLE
from tests.strategies import networks


def plain_causes(program: Program, capacity: int) -> np.ndarray:
    """Kernels x roles x causes of a scratchpad, counted one access at a time."""
    trace = MANAGEMENTS["scratchpad"].trace(program, Cache(size=capacity))
    fetches, spills = brute_force(trace, capacity)
    found = np.zeros((len(program.kernels), len(Role), len(Cause)), np.int64)
    on_chip_before: set[int] = set()
    writer: dict[int, int] = {}

    def count(touch: int, cause: Cause, block: int) -> None:
        kernel = program.task_kernel[program.touch_task[touch]]
        found[kernel, program.touch_role[touch], cause] += trace.size[block]

    for at, (block, touch) in enumerate(zip(trace.block.tolist(), trace.touch, strict=True)):
        if program.touch_write[touch]:
            writer[block] = touch
            if program.cell_is_output[program.touch_cell[touch]]:
                count(touch, Cause.COMPULSORY, block)
        elif at in fetches:
            again = block in on_chip_before
            count(touch, Cause.RELOAD if again else Cause.COMPULSORY, block)
        on_chip_before.add(block)
        for other in (other for other, when in spills if when == at):
            count(writer[other], Cause.SPILL, other)
    return found


@few
@given(networks(most_layers=6), lowerings, orders, st.sampled_from([300, 4000]))
def test_a_reload_was_on_chip_before_and_what_is_compulsory_was_not(
    network: Network, lowering: str, order: str, buffer: int
) -> None:
    program = program_of(network, buffer, lowering=lowering, order=order)
    for capacity in capacities(program):
        expected = plain_causes(program, capacity)
        assert (cache_pass(program, capacity).traffic == expected).all()


def compulsory(program: Program, cache: Cache | int) -> np.ndarray:
    """Compulsory bytes by kernel and role."""
    found: np.ndarray = cache_pass(program, cache).traffic[..., Cause.COMPULSORY]
    return found


@few
@given(networks(), lowerings, buffers, st.sampled_from(["lru", "fifo", "belady"]))
def test_compulsory_bytes_are_the_same_at_every_capacity(
    network: Network, lowering: str, buffer: int, policy: str
) -> None:
    program = program_of(network, buffer, lowering=lowering)
    least = compulsory(program, all_bytes(program))
    assert least.sum() == program.compulsory_bytes
    for capacity in capacities(program):
        cache = Cache(size=capacity, policy=policy)
        assert (compulsory(program, cache) == least).all()


@few
@given(
    networks(most_layers=6),
    lowerings,
    st.sampled_from([None, 1, 4]),
    st.booleans(),
    st.sampled_from(["nchw", "nhwc"]),
    st.sampled_from(["caching", "arena", "fresh"]),
)
def test_compulsory_bytes_are_the_same_in_every_hardware_cache(
    network: Network,
    lowering: str,
    ways: int | None,
    fetch_on_write: bool,
    layout: str,
    allocator: str,
) -> None:
    program = program_of(network, 4000, lowering=lowering)
    cache = Cache(
        size=0, management="hardware", line=16, ways=ways, fetch_on_write=fetch_on_write,
        layout=layout, allocator=allocator,
    )  # fmt: skip
    least = compulsory(program, cache.resized(64 * (2 + all_bytes(program) // 16)))
    assert least.sum() >= program.compulsory_bytes  # whole lines
    for capacity in (64, 256, 1024, 4096):
        assert (compulsory(program, cache.resized(capacity)) == least).all()


@pytest.mark.parametrize("name", sorted(SAMPLE))
def test_reads_and_writes_of_shipped_networks(name: str) -> None:
    program = memsim.build(memsim.load(name), buffer="512KiB")
    least = compulsory(program, 10**10)
    for capacity in (0, 10**5, 10**6, 10**7):
        found = cache_pass(program, capacity)
        assert (found.traffic[..., Cause.COMPULSORY] == least).all()
        assert int(read_bytes(found.traffic).sum()) == found.read_bytes
        assert int(write_bytes(found.traffic).sum()) == found.write_bytes
        assert found.read_bytes + found.write_bytes == found.traffic.sum()
        # A scratchpad writes back what it loads again, and no more.
        maps = [role for role in Role if role not in (Role.WEIGHT, Role.INPUT)]
        reloads = found.traffic[:, maps, Cause.RELOAD].sum()
        assert found.traffic[..., Cause.SPILL].sum() <= reloads
