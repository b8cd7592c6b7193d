"""Layers that do not depend on each other may be listed in any order: the same kernels run.

What is compared is all that does not depend on when a kernel runs. The schedule follows the
listing, so what a cache of middling size still holds when a kernel runs may differ, and so may who
is the first to fetch what two kernels read. Two caches know nothing of that: none at all, where
each access moves its bytes, and one that holds everything, where each byte moves once.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import permutations
from typing import Any

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import memsim
from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.clock.steps import steps
from memsim.machine import load_machine
from memsim.network import Network, Node
from memsim.network.ops import OPERATORS, Operator
from memsim.network.ops.arrange import Permute, Reshape, Slice
from memsim.network.ops.conv import Conv
from memsim.network.ops.pointwise import BatchNorm, Relu
from memsim.network.ops.shape import Dropout, Identity, Input
from memsim.network.patterns import PATTERNS
from memsim.program import LOWERINGS, Program, Role, build
from tests.laws.test_program import all_bytes, buffers, few, lowerings, program_of
from tests.strategies import Sketch, networks

Facts = dict[str, Any]


def facts(program: Program) -> Facts:
    """Everything that the order of kernels does not change."""
    names = [kernel.name for kernel in program.kernels]
    of_task = [names[number] for number in program.task_kernel.tolist()]
    found: Facts = {
        "kernels": {kernel.name: kernel for kernel in program.kernels},
        "count": len(names),
        "compulsory": (program.compulsory_read_bytes, program.compulsory_write_bytes),
        "weights": program.weight_bytes,
        "tasks": sorted(
            zip(of_task, program.task_macs.tolist(), program.task_work.tolist(), strict=True)
        ),
    }
    nothing, everything = cache_pass(program, 0), cache_pass(program, all_bytes(program))
    of_role = nothing.traffic.sum(axis=2)
    found["by kernel and role"] = dict(zip(names, of_role.tolist(), strict=True))
    timed = steps(program, nothing, load_machine("gtx1080"))
    found["durations"] = sorted(zip(of_task, timed.load, timed.compute, timed.store, strict=True))
    for cache, passed in (("none", nothing), ("all", everything)):
        found[f"{cache}, by cause"] = passed.traffic.sum(axis=(0, 1)).tolist()
        found[f"{cache}, read and written"] = passed.read_bytes, passed.write_bytes
        # An input is fetched for what its first reader reads it for; weights and outputs are not.
        found[f"{cache}, by role and cause"] = passed.traffic.sum(axis=0)[
            [Role.WEIGHT, Role.OUTPUT]
        ].tolist()
    return found


def listed(network: Network, nodes: Any) -> Network:
    """The network with its layers in another order."""
    outputs = network.outputs
    return Network(network.name, nodes, outputs, dtype=network.dtype, batch=network.batch)


def topological_orders(network: Network, most: int = 12) -> Iterator[list[Node]]:
    """All orders in which each layer stands behind what it reads; if there are many, some."""
    graph, by_name = nx.DiGraph(network.graph), {node.name: node for node in network.nodes}
    names = [node.name for node in network.nodes]
    draw = random.Random(1)
    if graph.number_of_nodes() <= 8:
        yield from ([by_name[name] for name in each] for each in nx.all_topological_sorts(graph))
        return
    for _ in range(most):
        draw.shuffle(names)
        place = {name: at for at, name in enumerate(names)}
        order = nx.lexicographical_topological_sort(graph, key=place.__getitem__)
        yield [by_name[name] for name in order]


def same_in_every_order(network: Network) -> None:
    for lowering in sorted(LOWERINGS):
        plain = facts(build(network, buffer=4096, lowering=lowering))
        for nodes in topological_orders(network):
            assert facts(build(listed(network, nodes), buffer=4096, lowering=lowering)) == plain


# ---- networks in which who fuses what is in question


def view_between(view: Operator) -> Network:
    """A convolution, a view of it, another convolution, and the sum of the two."""
    nodes = [
        Node("a", Input(shape=(4, 8, 8))),
        Node("b", Input(shape=(4, 8, 8))),
        Node("z", Conv(out=8 if view.kind == "slice" else 4, kernel=3), ("a",)),
        Node("s", view, ("z",)),
        Node("x", Conv(out=4, kernel=3), ("b",)),
        Node("y", OPERATORS["add"](), ("x", "s")),
    ]
    return Network("view between", nodes)


def hardblock_v2(layers: int, growth: int = 2) -> Network:
    """A harmonic block as HarDNet v2 computes it.

    A layer computes at once what all layers that it is linked to take from it; each of them adds
    up the slices that are its own.
    """
    links = {at: PATTERNS["harmonic"].links(at) for at in range(1, layers + 1)}
    readers = {at: [to for to in links if at in links[to]] for at in range(layers + 1)}
    nodes = [Node("l0", Input(shape=(growth, 6, 6)))]
    for at in range(layers + 1):
        if at:
            parts = []
            for source in links[at]:
                start = growth * readers[source].index(at)
                parts.append(f"s{source}.{at}")
                nodes.append(
                    Node(parts[-1], Slice(start=start, stop=start + growth), (f"c{source}",))
                )
            total = parts[0]
            if len(parts) > 1:
                total = f"add{at}"
                nodes.append(Node(total, OPERATORS["add"](), tuple(parts)))
            nodes += [Node(f"bn{at}", BatchNorm(), (total,)), Node(f"l{at}", Relu(), (f"bn{at}",))]
        if readers[at]:
            width = growth * len(readers[at])
            nodes.append(Node(f"c{at}", Conv(out=width, kernel=3), (f"l{at}",)))
    leaves = tuple(f"l{at}" for at in range(1, layers + 1) if at % 2 or at == layers)
    nodes.append(Node("leaves", OPERATORS["concat"](), leaves))
    return Network("hardblock v2", nodes)


class TestByHand:
    """What is right can be counted."""

    @pytest.mark.parametrize("lowering", sorted(LOWERINGS))
    @pytest.mark.parametrize(
        "view",
        [
            Slice(start=0, stop=4),
            Identity(),
            Dropout(rate=0.5),
            Reshape(shape=(4, 8, 8)),
            Permute(order=(0, 2, 1)),
        ],
    )
    def test_a_view_before_a_sum_in_every_order(self, view: Operator, lowering: str) -> None:
        network = view_between(view)
        plain = facts(build(network, buffer=4096, lowering=lowering))
        for nodes in topological_orders(network):
            program = build(listed(network, nodes), buffer=4096, lowering=lowering)
            assert facts(program) == plain

    @pytest.mark.parametrize("order", ["zsxy", "zxsy", "xzsy", "ysxz"])
    def test_a_sum_with_half_of_a_map_moves_five_maps(self, order: str) -> None:
        text = {
            "z": "{name: z, conv: {out: 16, kernel: 3, bias: false}, from: a}",
            "s": "{name: s, slice: {start: 0, stop: 8}, from: z}",
            "x": "{name: x, conv: {out: 8, kernel: 3, bias: false}, from: b}",
            "y": "{name: y, add: {}, from: [x, s]}",
        }
        layers = ",\n".join(text[name] for name in order)
        network = memsim.loads(
            "{name: n, inputs: {a: [8, 16, 16], b: [8, 16, 16]}, layers: [\n" + layers + "]}"
        )
        result = memsim.run(
            network, cache=0, tile="whole", lowering="fused", buffer="64MiB", machine="textbook"
        )
        weights = 4 * 9 * 8 * (16 + 8)
        # a is read, half of z, which is two maps, is written, b and the half read, y written.
        assert result.dram_bytes - weights == 5 * 4 * 8 * 16 * 16

    @pytest.mark.parametrize("last", ["two", "shortcut"])
    def test_the_last_operand_fuses_the_sum_whichever_is_listed_first(self, last: str) -> None:
        first = {"two": "shortcut", "shortcut": "two"}[last]
        nodes = [
            Node("x", Input(shape=(4, 8, 8))),
            Node("one", Conv(out=4, kernel=3), ("x",)),
            Node("two", Conv(out=4, kernel=3), ("one",)),
            Node("shortcut", Conv(out=4), ("x",)),
            Node("sum", OPERATORS["add"](), (first, last)),
        ]
        for order in ([0, 1, 2, 3, 4], [0, 3, 1, 2, 4]):
            network = Network("residual", [nodes[at] for at in order])
            kernels = LOWERINGS["fused"].lower(network)
            layers = {kernel.name: kernel.layers for kernel in kernels}
            assert layers == {"one": ("one",), first: (first,), last: (last, "sum")}
            assert kernels[-1].name == last

    def test_a_tensor_lies_in_the_deeper_concat_or_else_in_the_last_by_name(self) -> None:
        nodes = [
            Node("x", Input(shape=(4, 8, 8))),
            Node("one", Conv(out=4), ("x",)),
            Node("two", Conv(out=4), ("x",)),
            Node("three", Conv(out=4), ("x",)),
            Node("p", OPERATORS["concat"](), ("one", "two")),
            Node("q", OPERATORS["concat"](), ("one", "three")),
            Node("r", OPERATORS["concat"](), ("two", "three")),
        ]
        for order in permutations(nodes[4:]):
            network = Network("n", [*nodes[:4], *order])
            kernels = LOWERINGS["concat_in_place"].lower(network)
            copies = {kernel.name: kernel.output.shape[1] for kernel in kernels if not kernel.macs}
            assert copies == {"p": 8, "q": 4}


@pytest.mark.parametrize("layers", [2, 3, 4, 6])
def test_a_hardblock_v2_runs_the_same_kernels_in_every_order(layers: int) -> None:
    same_in_every_order(hardblock_v2(layers))


# ---- random networks


@st.composite
def tangles(draw: st.DrawFn) -> Network:
    """Maps of one size that are convolved, sliced, stacked, added and viewed in any order."""
    sketch = Sketch(most_channels=16, most_size=4)
    for _ in range(draw(st.integers(1, 2))):
        sketch.add(Input(shape=(4, 4, 4)))
    moves = st.sampled_from(
        [
            "conv", "conv", "add", "add", "slice", "concat", "batchnorm", "relu", "view", "mul",
            "reshape", "permute", "shuffle",
        ]
    )  # fmt: skip
    for move in draw(st.lists(moves, min_size=3, max_size=14)):
        latest = list(sketch.shapes)[-1:-6:-1]
        source = draw(st.sampled_from(latest))
        shape = sketch.shapes[source]
        if move == "conv":
            sketch.add(Conv(out=draw(st.sampled_from([4, 8])), bias=False), source)
        elif move in ("add", "mul"):
            alike = [name for name in latest if sketch.shapes[name] == shape]
            sketch.add(OPERATORS[move](), source, draw(st.sampled_from(alike)))
        elif move == "slice":
            start = draw(st.integers(0, (shape[0] - 1) // 4)) * 4
            sketch.add(Slice(start=start, stop=start + 4), source)
        elif move == "concat":
            sketch.add(OPERATORS["concat"](), source, draw(st.sampled_from(latest)))
        elif move == "view":
            sketch.add(draw(st.sampled_from([Identity(), Dropout(rate=0.1)])), source)
        elif move == "reshape":  # and where it is drawn again, back
            sizes = (4, 4) if shape[1:] == (2, 8) else (2, 8)
            sketch.add(Reshape(shape=(shape[0], *sizes)), source)
        elif move == "permute":
            sketch.add(Permute(order=(0, 2, 1)), source)
        elif move == "shuffle":  # channels in two groups change places
            nodes = [
                (Reshape(shape=(2, shape[0] // 2, *shape[1:])), source),
                (Permute(order=(1, 0, 2, 3)), f"apart{len(sketch.nodes)}"),
                (Reshape(shape=shape), f"turned{len(sketch.nodes)}"),
            ]
            names = [f"{word}{len(sketch.nodes)}" for word in ("apart", "turned", "shuffled")]
            sketch.nodes += [
                Node(name, op, (read,)) for name, (op, read) in zip(names, nodes, strict=True)
            ]
            sketch.shapes[names[-1]] = shape
        else:
            sketch.add(OPERATORS[move](), source)
    return Network("tangle", sketch.nodes)


@few
@given(tangles(), lowerings, buffers, st.data())
def test_tangles_run_the_same_kernels_in_every_order(
    network: Network, lowering: str, buffer: int, data: st.DataObject
) -> None:
    plain = facts(program_of(network, buffer, lowering=lowering))
    for _ in range(2):
        permuted = listed(network, data.draw(st.permutations(network.nodes)))
        assert facts(program_of(permuted, buffer, lowering=lowering)) == plain


@few
@given(networks(shuffle=False), lowerings, buffers, st.data())
def test_any_network_runs_the_same_kernels_in_every_order(
    network: Network, lowering: str, buffer: int, data: st.DataObject
) -> None:
    plain = facts(program_of(network, buffer, lowering=lowering))
    permuted = listed(network, data.draw(st.permutations(network.nodes)))
    assert facts(program_of(permuted, buffer, lowering=lowering)) == plain
