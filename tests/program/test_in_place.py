"""In place: the rule by itself, and what it makes of networks in both places that ask it."""

from __future__ import annotations

import itertools
from dataclasses import replace
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memsim.errors import SimulationError
from memsim.network import Network, Node
from memsim.network.ops.arrange import Concat, Slice
from memsim.network.ops.conv import Conv
from memsim.network.ops.pointwise import Add, BatchNorm, Relu
from memsim.network.ops.shape import Input
from memsim.program import LOWERINGS, build
from memsim.program.library.onednn import FORWARDS
from memsim.program.library.onednn.eager import EagerForward
from memsim.program.library.onednn.runtime import BARE
from memsim.program.lowering.eager import Eager
from memsim.program.lowering.walk import Rules
from memsim.program.memory.allocator import ALLOCATORS, plan_memory
from memsim.program.memory.in_place import PLANNED, PYTORCH, Candidate, InPlaceRule
from tests.strategies import modelled, networks

FREE = Candidate(64, whole=True, free=True)
READ_LATER = Candidate(64, whole=True, free=False)
SLICE = Candidate(64, whole=False, free=True)
LARGER = Candidate(128, whole=True, free=True)

RULES = {"planned": PLANNED, "pytorch": PYTORCH}


@pytest.mark.parametrize(
    ("operands", "planned", "pytorch"),
    [
        ([FREE], 0, 0),
        ([READ_LATER], None, None),
        ([LARGER], None, None),
        ([SLICE], None, 0),
        ([READ_LATER, FREE], None, 1),
        ([LARGER, FREE], None, 1),
        ([FREE, FREE], 0, 0),
        ([READ_LATER, SLICE, FREE], None, 1),
        ([], None, None),
    ],
)
def test_which_operand_is_written_over(
    operands: list[Candidate], planned: int | None, pytorch: int | None
) -> None:
    assert PLANNED.choose(Add(), 64, operands) == planned
    assert PYTORCH.choose(Add(), 64, operands) == pytorch


@pytest.mark.parametrize("op", [BatchNorm(), Conv(out=8), Concat(), Slice(stop=1)])
@pytest.mark.parametrize("rule", RULES)
def test_an_operator_that_does_not_work_in_place_writes_over_nothing(op: object, rule: str) -> None:
    assert RULES[rule].choose(op, 64, [FREE]) is None  # type: ignore[arg-type]


def addresses(network: Network) -> dict[str, int]:
    """Where an inference runtime that fuses nothing puts the feature maps."""
    with mock.patch.object(Eager, "rules", Rules(plans_memory=True)):
        return as_written(network)


def as_written(network: Network) -> dict[str, int]:
    """Where PyTorch puts them in eager mode, by the ideal kernels of the lowering."""
    program = build(network, buffer=1 << 20, lowering="eager")
    plan = plan_memory(program)
    return {t.name: int(a) for t, a in zip(program.tensors, plan.address, strict=True)}


def in_pytorch(network: Network, rule: InPlaceRule = PYTORCH) -> dict[str, int]:
    """Where PyTorch puts them."""
    forward = EagerForward(network, replace(BARE, in_place=rule))
    return {name: each.map.address for name, each in forward.values.items()}


def network_of(*nodes: Node) -> Network:
    return Network("small", [Node("x", Input(shape=(8, 16, 16))), *nodes])


CONV = Conv(out=8, kernel=3)


def test_a_sum_takes_its_second_operand_in_pytorch_alone() -> None:
    network = network_of(
        Node("a", CONV, ("x",)),
        Node("b", CONV, ("a",)),
        Node("s", Add(), ("a", "b")),
        Node("t", Add(), ("a", "s")),  # a is read once more, so s cannot take it
        Node("y", CONV, ("t",)),
    )
    place = addresses(network)
    assert place["s"] not in (place["a"], place["b"])
    assert place["t"] == place["a"]
    place = in_pytorch(network)
    assert place["s"] == place["b"]
    assert place["t"] == place["a"]
    assert in_pytorch(network, PLANNED)["s"] not in (place["a"], place["b"])


def test_a_slice_is_written_over_in_pytorch_alone() -> None:
    network = network_of(
        Node("a", CONV, ("x",)),
        Node("half", Slice(start=4), ("a",)),
        Node("r", Relu(), ("half",)),
        Node("y", Conv(out=8), ("r",)),
    )
    assert addresses(network)["r"] != addresses(network)["a"]
    place = in_pytorch(network)
    assert place["r"] == place["half"] == place["a"] + 4 * 16 * 16 * 4


def test_what_leaves_the_network_is_not_written_over() -> None:
    nodes = [Node("a", CONV, ("x",)), Node("r", Relu(), ("a",)), Node("y", CONV, ("r",))]
    network = Network("two", [Node("x", Input(shape=(8, 16, 16))), *nodes], ["a", "y"])
    for place in (addresses(network), in_pytorch(network)):
        assert place["r"] != place["a"]


def test_the_networks_input_is_not_written_over() -> None:
    network = network_of(Node("r", Relu(), ("x",)), Node("y", CONV, ("r",)))
    for place in (addresses(network), in_pytorch(network)):
        assert place["r"] != place["x"]


def test_a_sum_of_a_map_with_itself_is_its_last_reader() -> None:
    network = network_of(
        Node("a", CONV, ("x",)), Node("s", Add(), ("a", "a")), Node("y", CONV, ("s",))
    )
    for place in (addresses(network), in_pytorch(network)):
        assert place["s"] == place["a"]


def test_nothing_is_written_over_where_no_operand_comes_into_question() -> None:
    network = network_of(
        Node("a", CONV, ("x",)), Node("r", Relu(), ("a",)), Node("y", CONV, ("r",))
    )
    place = in_pytorch(network, InPlaceRule(operands=0))
    assert place["r"] != place["a"]


few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@few
@given(networks(), st.sampled_from(sorted(LOWERINGS)), st.sampled_from(sorted(ALLOCATORS)))
def test_no_kernel_writes_over_what_is_still_to_be_read(
    network: Network, lowering: str, allocator: str
) -> None:
    try:
        program = build(network, buffer=1 << 16, lowering=lowering)
    except SimulationError:
        return
    plan = plan_memory(program, allocator)
    last = program.tensor_spans[1]
    place = {
        tensor.name: (int(plan.address[i]), int(plan.address[i]) + tensor.nbytes)
        for i, tensor in enumerate(program.tensors)
    }
    number = {tensor.name: i for i, tensor in enumerate(program.tensors)}
    for index, kernel in enumerate(program.kernels):
        tasks = program.task_kernel == index
        end, (begin, stop) = int(tasks.nonzero()[0][-1]), place[kernel.output.name]
        for tensor, (low, high) in place.items():
            if tensor == kernel.output.name or stop <= low or high <= begin:
                continue
            if program.tensor_spans[0][number[tensor]] <= end:  # it was there before
                assert last[number[tensor]] <= end
                assert program.tensors[number[tensor]].kind == "activation"


@few
@given(networks(most_layers=6).filter(modelled), st.sampled_from(sorted(FORWARDS)))
def test_where_maps_lie_does_not_change_how_much_is_read_and_written(
    network: Network, mode: str
) -> None:
    network = network.with_options(batch=1, dtype="fp32")
    touched = [
        FORWARDS[mode](network, replace(BARE, in_place=rule)).steady.nbytes
        for rule in (PYTORCH, PLANNED, InPlaceRule(operands=0))
    ]
    assert len(set(touched)) == 1


def test_a_rule_is_data() -> None:
    names = ("operands", "parts")
    options = itertools.product((0, 1, None), (False, True))
    rules = [InPlaceRule(**dict(zip(names, each, strict=True))) for each in options]
    chosen = [rule.choose(Add(), 64, [SLICE, FREE]) for rule in rules]
    assert chosen == [None, None, None, 0, 1, 0]
