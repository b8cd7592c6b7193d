"""Allocators: no two tensors that live at the same time share memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import memsim
from memsim.errors import SimulationError
from memsim.network import Network
from memsim.program import build
from memsim.program.memory.allocator import ALLOCATORS, Lifetime, plan_memory
from memsim.program.memory.best_fit import ALIGNMENT
from tests.strategies import networks

NAMES = sorted(ALLOCATORS)


@st.composite
def lifetimes(draw: st.DrawFn) -> list[Lifetime]:
    found = []
    for number in range(draw(st.integers(0, 12))):
        first = draw(st.integers(0, 20))
        last = draw(st.integers(first, 21))
        found.append(Lifetime(number, 64 * draw(st.integers(1, 9)), first, last))
    return sorted(found, key=lambda each: each.first)


@given(lifetimes(), st.sampled_from(NAMES))
def test_what_lives_together_lies_apart(born: list[Lifetime], name: str) -> None:
    offsets = ALLOCATORS[name](born)
    assert set(offsets) == {each.tensor for each in born}
    for one in born:
        assert offsets[one.tensor] >= 0
        assert offsets[one.tensor] % ALIGNMENT == 0
        for other in born:
            apart = one.last < other.first or other.last < one.first
            begin, end = offsets[one.tensor], offsets[one.tensor] + one.size
            start, stop = offsets[other.tensor], offsets[other.tensor] + other.size
            assert one is other or apart or end <= start or stop <= begin


@given(lifetimes())
def test_reuse_never_needs_more_than_no_reuse(born: list[Lifetime]) -> None:
    def peak(name: str) -> int:
        offsets = ALLOCATORS[name](born)
        return max((offsets[each.tensor] + each.size for each in born), default=0)

    live = [
        sum(each.size for each in born if each.first <= task <= each.last) for task in range(22)
    ]
    assert max(live) <= peak("arena") <= peak("fresh")
    assert max(live) <= peak("caching") <= peak("fresh")


@given(networks(), st.sampled_from(["eager", "fused", "concat_free"]), st.sampled_from(NAMES))
def test_every_touched_tensor_of_a_network_has_its_place(
    network: Network, lowering: str, name: str
) -> None:
    try:
        program = build(network, buffer=4000, lowering=lowering)
    except SimulationError:
        return
    plan = plan_memory(program, name)
    for number, tensor in enumerate(program.tensors):
        assert 0 <= plan.address[number] <= plan.total_bytes - tensor.nbytes


def test_an_activation_takes_its_inputs_address_and_a_batch_norm_does_not() -> None:
    program = build(memsim.load("resnet18"), buffer=1 << 19, lowering="eager")
    plan = plan_memory(program, "caching")
    address = {t.name: int(a) for t, a in zip(program.tensors, plan.address, strict=True)}
    assert address["conv1.act"] == address["conv1.bn"]
    assert address["conv1.bn"] != address["conv1.conv"]


@pytest.mark.parametrize("name", ["caching", "arena"])
def test_reuse_keeps_a_long_chain_small(name: str) -> None:
    program = build(memsim.load("hardnet68"), buffer=1 << 19)
    live = int(program.live_bytes.max())
    assert live <= plan_memory(program, name).peak_bytes <= 1.6 * live
