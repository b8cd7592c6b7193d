"""When feature maps hold memory: as written in eager mode, as planned elsewhere."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import memsim
from memsim.errors import SimulationError
from memsim.network import Network
from memsim.network.storage import sound_writes
from memsim.program import LOWERINGS, build
from memsim.program.memory.allocator import plan_memory
from memsim.program.memory.lifetimes import Share, lifetimes_of, taken_of
from tests.strategies import networks

MAP = 4 * 8 * 8 * 4
"""Bytes of each feature map below."""


def network(layers: str, rest: str = "") -> Network:
    return memsim.loads(f"{{name: n, input: [4, 8, 8], layers: [{layers}]{rest}}}")


def peak(layers: str, rest: str = "", lowering: str = "eager") -> int:
    found = memsim.memory(network(layers, rest), lowering=lowering, machine="textbook")
    assert found.peak_tensor_bytes <= found.plan.peak_bytes
    assert found.to_dict()["totals"]["peak_tensor_bytes"] == found.peak_tensor_bytes
    return found.peak_tensor_bytes


CHAIN = "{name: c, conv: {out: 4}}, {name: b, batchnorm: {}}, {name: r, relu: {}}"


def test_a_module_as_it_is_by_default_gives_every_output_memory_of_its_own() -> None:
    assert peak(CHAIN) == 2 * MAP
    assert peak("{name: c, conv: {out: 4}}, {name: r, relu: {inplace: true}}") == MAP
    assert peak("{name: c, conv: {out: 4}}, {name: r, relu: {}}") == 2 * MAP


def test_a_runtime_that_plans_memory_does_not_need_to_be_told() -> None:
    chain = "{name: c, conv: {out: 4}}, {name: p, maxpool: {kernel: 3, stride: 1, padding: 1}}, "
    for lowering in ("fused", "concat_free", "concat_in_place"):
        kept = peak(chain + "{name: r, relu: {}}", lowering=lowering)
        assert kept == peak(chain + "{name: r, relu: {inplace: true}}", lowering=lowering)


# conv a, conv b, conv c, sum of c and a: while c is computed a, b and c hold memory.
SUM = "{name: a, conv: {out: 4}}, {name: b, conv: {out: 4}}, {name: c, conv: {out: 4}}, "


@pytest.mark.parametrize(
    ("last", "maps"),
    [
        ("{name: s, add: [a]}", 3),
        ("{name: s, add: {inplace: true}, from: [c, a]}", 3),
        ("{name: s, add: [a]}, {name: e, concat: {}, from: [s, c]}", 4),  # a is not needed any more
    ],
)
def test_a_sum_takes_memory_of_its_own_unless_it_is_in_place(last: str, maps: int) -> None:
    assert peak(SUM + last) == maps * MAP


def test_what_a_variable_holds_is_free_after_the_layer_that_the_network_names() -> None:
    chain = "{name: a, conv: {out: 4}}, {name: b, conv: {out: 4}}, {name: c, conv: {out: 4}}"
    assert peak(chain) == 2 * MAP
    assert peak(chain, ", held: {a: c}") == 3 * MAP
    assert peak(chain, ", held: {a: b}") == 2 * MAP
    assert peak(chain, ", held: {a: c}", "fused") == 2 * MAP


def test_held_until_a_view_is_held_until_what_ran_before_it() -> None:
    chain = "{name: a, conv: {out: 4}}, {name: b, conv: {out: 4}}, {name: d, dropout: 0.5}, "
    assert peak(chain + "{name: c, conv: {out: 4}}", ", held: {a: d}") == 2 * MAP
    assert peak(chain + "{name: c, conv: {out: 4}}", ", held: {a: c}") == 3 * MAP


def test_holding_what_was_written_over_holds_the_memory_that_it_lies_in() -> None:
    chain = "{name: a, conv: {out: 4}}, {name: r, relu: {inplace: true}}, "
    chain += "{name: b, conv: {out: 4}}, {name: c, conv: {out: 4}}"
    assert peak(chain) == 2 * MAP
    for name in ("a", "r"):
        assert peak(chain, f", held: {{{name}: c}}") == 3 * MAP


def test_part_of_a_tensor_is_written_over_where_it_lies() -> None:
    layers = "{name: c, conv: {out: 4}}, {name: h, slice: {start: 2}}, "
    program = build(
        network(layers + "{name: r, relu: {inplace: true}}"), buffer=1 << 20, lowering="eager"
    )
    number = {tensor.name: i for i, tensor in enumerate(program.tensors)}
    assert taken_of(program) == {number["r"]: Share(number["c"], MAP // 2)}
    plan = plan_memory(program)
    assert plan.address[number["r"]] == plan.address[number["c"]] + MAP // 2
    # The images of a batch do not lie together, so there it takes memory of its own.
    assert not taken_of(build(program.network.with_options(batch=2), buffer=1 << 20,
                              lowering="eager"))  # fmt: skip


def test_a_bias_that_cudnn_adds_is_added_in_place() -> None:
    layers = "{name: c, conv: {out: 4, bias: true}}"
    assert peak(layers, lowering="eager_cudnn") == MAP


def flagged(found: Network, draw: st.DrawFn) -> Network:
    """Some of what can be in place is, and some memory is held for longer."""
    names = [layer.name for layer in found if layer.op.in_place]
    chosen = {name for name in names if draw(st.booleans())}
    sound = sound_writes(found, found.outputs, chosen)
    nodes = [
        replace(node, op=node.op.model_copy(update={"inplace": True}))
        if node.name in sound
        else node
        for node in found.nodes
    ]
    layers = [layer.name for layer in found]
    held = {}
    for number, name in enumerate(layers[:-1]):
        if draw(st.integers(0, 3)) == 0:
            held[name] = draw(st.sampled_from(layers[number + 1 :]))
    return Network(
        found.name, nodes, found.outputs, dtype=found.dtype, batch=found.batch, held=held
    )


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Network, Network]:
    plain = draw(networks(most_layers=8))
    return plain, flagged(plain, draw)


few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@few
@given(pairs(), st.sampled_from(sorted(LOWERINGS)))
def test_the_flags_change_addresses_in_eager_mode_and_nothing_else(
    pair: tuple[Network, Network], lowering: str
) -> None:
    try:
        first, second = (build(each, buffer=1 << 16, lowering=lowering) for each in pair)
    except SimulationError:
        return
    assert first.accesses == second.accesses
    assert (first.touch_cell == second.touch_cell).all()
    assert (first.cell_bytes == second.cell_bytes).all()
    if LOWERINGS[lowering].rules.plans_memory:
        assert (plan_memory(first).address == plan_memory(second).address).all()


@few
@given(pairs())
def test_what_the_network_says_of_memory_survives_a_file(pair: tuple[Network, Network]) -> None:
    _, told = pair
    assert memsim.loads(memsim.dump(told)) == told


@few
@given(pairs())
def test_in_eager_mode_nobody_writes_over_what_is_still_to_be_read(
    pair: tuple[Network, Network],
) -> None:
    _, told = pair
    try:
        program = build(told, buffer=1 << 16, lowering="eager")
    except SimulationError:
        return
    taken = taken_of(program)
    owner = list(range(len(program.tensors)))
    for heir, share in taken.items():
        owner[heir] = owner[share.giver]
    lives = {each.tensor: each for each in lifetimes_of(program, taken)}
    first, last = program.tensor_spans
    for number, tensor in enumerate(program.tensors):
        if tensor.kind in ("activation", "output") and owner[number] in lives and last[number] >= 0:
            life = lives[owner[number]]
            assert life.first <= first[number] <= last[number] <= life.last
