"""Allocators: no two tensors that live at the same time share memory."""

from __future__ import annotations

from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

import memsim
from memsim.errors import SimulationError
from memsim.network import Network, Node
from memsim.network.ops.arrange import Slice
from memsim.network.ops.conv import Conv
from memsim.network.ops.pointwise import Add, Mul, Relu
from memsim.network.ops.pool import GlobalAvgPool
from memsim.network.ops.shape import Input
from memsim.program import build
from memsim.program.lowering.eager import Eager
from memsim.program.lowering.walk import Rules
from memsim.program.memory.allocator import ALLOCATORS, plan_memory
from memsim.program.memory.best_fit import ALIGNMENT
from memsim.program.memory.lifetimes import Lifetime
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


def placed(name: str, *lifetimes: tuple[int, int, int]) -> list[int]:
    """Offsets of feature maps, given as size, first and last task."""
    found = ALLOCATORS[name]([Lifetime(i, *each) for i, each in enumerate(lifetimes)])
    return [found[number] for number in range(len(lifetimes))]


class TestCaching:
    """Best fit among what was freed, the lowest of equal gaps, neighbours merged."""

    def test_the_smallest_gap_that_fits_is_taken(self) -> None:
        kept = (192, 0, 1), (64, 0, 9), (64, 0, 1), (64, 0, 9)  # gaps: 192 at 0, 64 at 256
        assert placed("caching", *kept, (64, 2, 3))[-1] == 256
        assert placed("caching", *kept, (128, 2, 3))[-1] == 0

    def test_of_equal_gaps_the_lowest_is_taken(self) -> None:
        kept = (64, 0, 1), (64, 0, 9), (64, 0, 1), (64, 0, 9)
        assert placed("caching", *kept, (64, 2, 3))[-1] == 0

    def test_what_is_left_of_a_gap_is_used(self) -> None:
        assert placed("caching", (192, 0, 1), (64, 0, 9), (64, 2, 9), (128, 2, 9)) == [
            0,
            192,
            0,
            64,
        ]

    def test_a_gap_that_is_a_byte_too_small_is_left(self) -> None:
        assert placed("caching", (64, 0, 1), (64, 0, 9), (65, 2, 9))[-1] == 128

    def test_neighbouring_gaps_are_one(self) -> None:
        assert placed("caching", (64, 0, 1), (64, 0, 2), (64, 0, 9), (128, 3, 9))[-1] == 0

    def test_a_gap_at_the_top_lowers_the_top(self) -> None:
        assert placed("caching", (64, 0, 9), (64, 0, 1), (128, 2, 9))[-1] == 64

    def test_memory_is_free_after_the_last_task_and_not_with_it(self) -> None:
        assert placed("caching", (64, 0, 1), (64, 1, 2), (64, 2, 3)) == [0, 64, 0]


class TestArena:
    """The largest first, the earliest of equals, each into the smallest gap that fits."""

    def test_the_smallest_gap_is_taken(self) -> None:
        # When the last is placed, 192 B are free at 0 and 64 B at 256.
        kept = (320, 0, 1), (256, 0, 9), (192, 2, 3), (64, 2, 9)
        assert placed("arena", *kept, (64, 5, 9)) == [0, 320, 0, 192, 256]

    def test_of_equal_gaps_the_lowest_is_taken(self) -> None:
        # 64 B are free at 0 and at 128 when the last is placed.
        kept = (192, 0, 1), (128, 0, 9), (64, 2, 3), (64, 2, 9)
        assert placed("arena", *kept, (64, 5, 9)) == [0, 192, 0, 64, 0]

    def test_a_gap_as_large_as_the_tensor_fits(self) -> None:
        assert placed("arena", (128, 0, 1), (128, 0, 9), (128, 2, 3)) == [0, 128, 0]

    def test_what_lives_in_one_common_task_lies_apart(self) -> None:
        assert placed("arena", (64, 0, 1), (64, 1, 2), (64, 2, 3)) == [0, 64, 0]


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
    with mock.patch.object(Eager, "rules", Rules(plans_memory=True)):
        program = build(memsim.load("resnet18"), buffer=1 << 19, lowering="eager")
        plan = plan_memory(program, "caching")
    address = {t.name: int(a) for t, a in zip(program.tensors, plan.address, strict=True)}
    assert address["conv1.act"] == address["conv1.bn"]
    assert address["conv1.bn"] != address["conv1.conv"]


class TestInPlace:
    """An activation, and an add onto its first operand, where nobody else needs the input.

    By a runtime that plans memory ahead, here of kernels that are not fused.
    """

    def address(self, *nodes: Node, outputs: list[str] | None = None) -> dict[str, int]:
        network = Network("tiny", [Node("x", Input(shape=(2, 4, 8))), *nodes], outputs)
        with mock.patch.object(Eager, "rules", Rules(plans_memory=True)):
            program = build(network, buffer=1 << 19, lowering="eager")
            plan = plan_memory(program)
        return {t.name: int(a) for t, a in zip(program.tensors, plan.address, strict=True)}

    def test_an_add_takes_its_first_operands_place(self) -> None:
        convs = Node("a", Conv(out=2), ("x",)), Node("b", Conv(out=2), ("x",))
        address = self.address(*convs, Node("s", Add(), ("a", "b")))
        assert address["s"] == address["a"]
        address = self.address(*convs, Node("s", Add(), ("b", "a")))
        assert address["s"] == address["b"]

    def test_what_is_read_later_stays(self) -> None:
        conv, relu = Node("a", Conv(out=2), ("x",)), Node("r", Relu(), ("a",))
        address = self.address(conv, relu, Node("s", Add(), ("r", "a")))
        assert address["r"] != address["a"]
        assert address["s"] == address["r"]

    def test_a_network_input_stays(self) -> None:
        address = self.address(Node("r", Relu(), ("x",)))
        assert (address["x"], address["r"]) == (0, 256)

    def test_part_of_a_tensor_is_not_written_over(self) -> None:
        conv = Node("a", Conv(out=2), ("x",))
        half = Node("h", Slice(stop=1), ("a",))
        address = self.address(conv, half, Node("r", Relu(), ("h",)))
        assert address["r"] != address["a"]

    def test_a_broadcast_result_needs_room_of_its_own(self) -> None:
        pool = Node("p", GlobalAvgPool(), ("x",))
        address = self.address(pool, Node("m", Mul(), ("p", "x")))
        assert address["m"] != address["p"]

    def test_what_lies_in_an_outputs_place_is_kept_to_the_end(self) -> None:
        nodes = (
            Node("a", Conv(out=2), ("x",)),
            Node("r", Relu(), ("a",)),
            Node("b", Conv(out=2), ("x",)),
        )
        address = self.address(*nodes, outputs=["r", "b"])
        assert address["r"] == address["a"] != address["b"]


def test_parameters_and_inputs_come_first_and_on_whole_lines() -> None:
    nodes = Node("x", Input(shape=(1, 3, 3))), Node("c", Conv(out=3, kernel=3), ("x",))
    plan = plan_memory(build(Network("tiny", nodes), buffer=1 << 19))
    # 36 B of input, 108 B of output, 108 B of weights
    assert plan.address.tolist() == [0, 192, 64]
    assert (plan.fixed_bytes, plan.peak_bytes, plan.total_bytes) == (192, 128, 320)


@pytest.mark.parametrize("name", ["caching", "arena"])
def test_reuse_keeps_a_long_chain_small(name: str) -> None:
    program = build(memsim.load("hardnet68"), buffer=1 << 19)
    live = int(program.live_bytes.max())
    assert live <= plan_memory(program, name).peak_bytes <= 1.6 * live
