"""What must scale when a number of the question does: bytes with the data type, time with DRAM."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import memsim
from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.clock.recurrence import finish
from memsim.engines.clock.steps import steps
from memsim.network import Network
from tests.laws.test_program import all_bytes, buffers, few, lowerings, program_of
from tests.strategies import networks


def in_dtype(network: Network, dtype: str) -> Network:
    return Network(network.name, network.nodes, network.outputs, dtype=dtype, batch=network.batch)


@few
@given(networks(), lowerings, st.integers(0, 40))
def test_half_the_data_type_in_half_the_cache_is_half_of_all_traffic(
    network: Network, lowering: str, part: int
) -> None:
    """Whole tiles in blocks of any size are the same tasks, blocks and decisions."""
    options = {"lowering": lowering, "tile": "whole", "block": "1GB"}
    full, half = (program_of(in_dtype(network, dtype), 1, **options) for dtype in ("fp32", "fp16"))
    assert full.compulsory_bytes == 2 * half.compulsory_bytes
    assert full.weight_bytes == 2 * half.weight_bytes
    assert (full.live_bytes == 2 * half.live_bytes).all()
    capacity = all_bytes(full) * part // 40 // 2
    traffic, halved = cache_pass(full, 2 * capacity), cache_pass(half, capacity)
    assert (traffic.traffic == 2 * halved.traffic).all()
    assert (traffic.load_bytes == 2 * halved.load_bytes).all()
    assert traffic.peak_occupancy == 2 * halved.peak_occupancy


@few
@given(
    networks(), lowerings, buffers, st.sampled_from(["all", "kernel", "none"]), st.integers(0, 9)
)
def test_four_times_the_bandwidth_takes_a_quarter_of_the_time_at_best_and_never_more(
    network: Network, lowering: str, buffer: int, overlap: str, part: int
) -> None:
    program = program_of(in_dtype(network, "fp32"), buffer, lowering=lowering)
    traffic = cache_pass(program, all_bytes(program) * part // 9)
    machine = memsim.load_machine("textbook")
    compute = machine.compute.model_copy(update={"overlap": overlap})
    slow = machine.model_copy(update={"compute": compute})
    fast = slow.with_overrides(bandwidth=4 * slow.dram.bandwidth)
    times = [finish(steps(program, traffic, each)) for each in (slow, fast)]
    assert times[1] <= times[0] <= 4 * times[1]


@pytest.mark.parametrize("name", ["hardnet68", "densenet121"])
def test_of_a_real_network_by_the_verb(name: str) -> None:
    asked = {"machine": "textbook", "cache": "1MB"}
    rate = Fraction(25_600_000_000)
    slow, fast = (memsim.run(name, bandwidth=int(rate * n), **asked) for n in (1, 4))
    assert slow.by_role_and_cause == fast.by_role_and_cause
    assert slow.time_ps / 4 < fast.time_ps < slow.time_ps
