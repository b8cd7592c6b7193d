"""What is stored: its bytes are its elements' bytes, and a tile reads its own part of it."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import memsim
from memsim.engines.cache.cachepass import cache_pass
from memsim.formats.architecture.file import from_text
from memsim.network import Network, Node
from memsim.network.ops import Operator, Shape
from memsim.network.ops.arrange import Flatten, Permute
from memsim.network.ops.conv import Conv
from memsim.network.ops.linear import Linear
from memsim.network.ops.norm import LayerNorm, RmsNorm
from memsim.network.ops.opaque import Opaque
from memsim.network.ops.parametric import Parametric, PRelu
from memsim.network.ops.pointwise import Relu
from memsim.network.ops.sampling import Embedding
from memsim.network.ops.shape import Input
from memsim.program import LOWERINGS, Program, Role
from memsim.program.tiling import LARGER_OUTER, ORDERS
from tests.laws.test_program import few, program_of
from tests.shipped import on_shipped
from tests.strategies import networks

lowerings = st.sampled_from(sorted(LOWERINGS))
orders = st.sampled_from([*sorted(ORDERS), LARGER_OUTER])
buffers = st.sampled_from([120, 200, 400, 1000, 100_000])


@st.composite
def tables(draw: Any, image: Shape) -> tuple[int, ...]:
    """The sizes of a tensor that can be repeated to an image, perhaps without leading axes."""
    sizes = [draw(st.sampled_from([1, size])) for size in image]
    return tuple(sizes[draw(st.integers(0, len(sizes) - 1)) :])


@st.composite
def stored(draw: Any) -> Network:
    """Layers in a row that read tensors of all kinds, some of them the same."""
    image = Shape(draw(st.lists(st.integers(1, 7), min_size=1, max_size=4)))
    nodes = [Node("x", Input(shape=tuple(image)))]

    def add(op: Operator, **owner: str) -> None:
        nonlocal image
        nodes.append(Node(f"l{len(nodes)}", op, (nodes[-1].name,), **owner))
        image = Network("n", nodes)[nodes[-1].name].output.image

    for _ in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(["table", "two", "slope", "norm", "product", "moved", "again"]))
        if kind == "table":
            add(Parametric(function="add", shapes=(draw(tables(image)),)))
        elif kind == "two":
            add(Parametric(function="addcmul", shapes=("channel", draw(tables(image)))))
        elif kind == "slope":
            add(PRelu(slope=draw(tables(image) | st.just("channel"))))
        elif kind == "norm":
            of = draw(st.sampled_from([LayerNorm, RmsNorm]))
            add(of(axes=draw(st.integers(1, len(image)))))
        elif kind == "product" and len(image) == 3 and not image.channel:
            add(Conv(out=draw(st.integers(1, 5)), kernel=1))
        elif kind == "product":
            add(Linear(out=draw(st.integers(1, 5))))
        elif kind == "moved" and len(image) == 3:
            add(draw(st.sampled_from([Permute(order=(1, 2, 0)), Flatten(), Relu()])))
        elif kind == "again":
            for each in nodes[1:]:
                pieces = Network("n", nodes)[each.name]
                fits = pieces.output.image == image and isinstance(each.op, PRelu | Parametric)
                if fits and not each.weights:
                    add(each.op, weights=each.name)
                    break
    return Network("n", nodes)


def elements(network: Network) -> int:
    """What PyTorch stores for the module of a network, each tensor once."""
    module = memsim.to_torch(network)
    state = module.state_dict(keep_vars=True)
    found = {
        tensor.data_ptr(): tensor.numel()
        for name, tensor in state.items()
        if not name.endswith("num_batches_tracked")
    }
    return sum(found.values())


@few
@given(stored(), lowerings, orders, buffers, st.integers(1, 2))
def test_parameters_are_stored_and_needed_to_the_byte(
    network: Network, lowering: str, order: str, buffer: int, batch: int
) -> None:
    """No lowering folds any of these."""
    network = Network("n", network.nodes, dtype="fp16", batch=batch)
    program = program_of(network, buffer, lowering=lowering, order=order)
    assert program.compulsory_weight_bytes == program.weight_bytes == 2 * network.params
    traffic = cache_pass(program, 1 << 40).traffic[:, Role.WEIGHT].sum()
    assert traffic == 2 * network.params


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", [case.values[0] for case in on_shipped() if not case.marks])
def test_eager_reads_of_a_shipped_network_what_its_module_stores(name: str) -> None:
    network = memsim.load(name)
    program = memsim.build(network, buffer="512KiB", lowering="eager")
    assert program.compulsory_weight_bytes == 4 * elements(network)


@pytest.mark.needs("torch")
@few
@given(networks())
def test_eager_reads_of_any_network_what_its_module_stores(network: Network) -> None:
    program = program_of(network, 100_000, lowering="eager")
    item = program.tensors[0].itemsize
    assert program.weight_bytes == item * elements(network)


def positions(box: tuple[int, ...]) -> set[tuple[int, int]]:
    """Channels and rows of a cell."""
    _, top, bottom, left, right = box
    return {(channel, row) for channel in range(left, right) for row in range(top, bottom)}


def places(sizes: tuple[int, ...], output: Shape) -> Any:
    """For each channel and row of an output the numbers of the elements of a table it reads."""
    count = int(np.prod(sizes))
    whole = np.broadcast_to(np.arange(count).reshape(sizes), tuple(output))
    channels, rows, columns = output.box
    return np.moveaxis(whole, output.channel, 0).reshape(channels, rows, columns)


def by_task(program: Program, tensor: str, write: bool) -> dict[int, list[set[tuple[int, int]]]]:
    """The cells of a tensor that each task touches."""
    found: dict[int, list[set[tuple[int, int]]]] = {}
    for touch in np.flatnonzero(program.touch_write == write):
        cell = program.touch_cell[touch]
        if program.tensors[program.cell_tensor[cell]].name == tensor:
            box = tuple(program.cell_box[cell].tolist())
            found.setdefault(int(program.touch_task[touch]), []).append(positions(box))
    return found


@few
@given(stored(), lowerings, orders, buffers)
def test_a_tile_reads_those_elements_of_a_table_that_its_own_need(
    network: Network, lowering: str, order: str, buffer: int
) -> None:
    program = program_of(network, buffer, lowering=lowering, order=order)
    owners = Counter(table.name for kernel in program.kernels for table in kernel.tables)
    for kernel in program.kernels:
        output = kernel.output.image
        written = by_task(program, kernel.output.name, True)
        for table in kernel.tables:
            if owners[table.name] > 1:
                continue  # who else reads it may cut it along other axes
            needs = places(table.sizes, output)
            held = Shape(table.sizes, output.channel)
            lie = places(table.sizes, held)
            read = by_task(program, table.name, False)
            assert read.keys() == written.keys()
            for task, cells in written.items():
                needed = {int(n) for at in set.union(*cells) for n in needs[at]}
                touched = [int(n) for cell in read[task] for at in cell for n in lie[at]]
                assert sorted(touched) == sorted(needed)


def test_a_position_embedding_by_hand() -> None:
    """49 tokens of 8 channels: a strip of tokens reads its rows, and each is read once."""
    network = from_text(
        "name: t\ninput: [49, 8]\nlayers:\n  - parametric: {function: add, shapes: [[49, 8]]}\n"
    )
    assert network.params == 49 * 8
    for buffer in ("64KiB", 400):
        result = memsim.run(network, cache=0, buffer=buffer)
        assert result.by_role["weight"] == 4 * 49 * 8
        assert result.dram_bytes == 3 * 4 * 49 * 8
    assert memsim.build(network, buffer=400).tasks == 5


@pytest.mark.parametrize(("shapes", "once"), [("[[1]]", 1), ("[[8]]", 8), ("[[6, 1]]", 6)])
def test_a_scalar_a_row_and_a_column_by_hand(shapes: str, once: int) -> None:
    """8 x 6 x 8 outputs in 6 strips of a row: a scalar is read by all, a number per row by one."""
    text = (
        f"name: t\ninput: [8, 6, 8]\nlayers:\n  - parametric: {{shapes: {shapes}, function: mul}}\n"
    )
    network = from_text(text)
    assert network.params == once
    assert memsim.build(network, buffer="64KiB").compulsory_weight_bytes == 4 * once
    program = memsim.build(network, buffer=8 * 8 * 4 + 4 * 8 * 4)
    assert program.tasks == 6
    read = cache_pass(program, 0).traffic[:, Role.WEIGHT].sum()
    assert read == 4 * (once if shapes == "[[6, 1]]" else 6 * once)
    assert cache_pass(program, 4096).traffic[:, Role.WEIGHT].sum() == 4 * once


def test_rows_that_are_looked_up_are_read_once_in_a_pass() -> None:
    """24 tokens in tiles: 24 of 1000 rows of 8 numbers, each of them once."""
    nodes = [
        Node("x", Input(shape=(24,))),
        Node("e", Embedding(rows=1000, features=8, read=24), ("x",)),
    ]
    program = memsim.build(Network("n", nodes), buffer=256)
    assert program.tasks > 2
    assert cache_pass(program, 0).traffic[:, Role.WEIGHT].sum() == 4 * 24 * 8


@given(st.integers(1, 1000), st.integers(1, 8))
def test_an_unknown_operator_has_the_parameters_that_it_has(params: int, channels: int) -> None:
    nodes = [
        Node("x", Input(shape=(3, 4, 4))),
        Node("o", Opaque(op="Odd", shape=(channels, 4, 4), params=params), ("x",)),
    ]
    network = Network("n", nodes)
    program = memsim.build(network, buffer=100_000)
    assert (network.params, program.weight_bytes) == (params, 4 * params)


def test_a_norm_over_other_axes_than_the_channels_of_a_product_is_not_folded_into_it() -> None:
    """A linear layer's channels are features, this norm's are the tokens: 4 numbers each."""
    text = "name: t\ninput: [6, 8]\nlayers:\n  - linear: {out: 3, bias: false}\n  - batchnorm\n"
    network = from_text(text)
    program = memsim.build(network, buffer="64KiB")
    assert [kernel.layers for kernel in program.kernels] == [("linear1", "batchnorm1")]
    assert program.weight_bytes == 4 * (8 * 3 + 2 * 6)
    eager = memsim.build(network, buffer="64KiB", lowering="eager")
    assert eager.weight_bytes == 4 * (8 * 3 + 4 * 6)


def test_a_table_is_read_by_tiles_and_not_by_register_tiles() -> None:
    """A product goes through its weights for each register tile, what it adds is at hand."""
    text = (
        "name: t\ninput: [64, 4, 32]\nlayers:\n  - conv: {out: 256, kernel: 3, bias: false}\n"
        "  - parametric: {function: add, shapes: [[256, 4, 32]]}\n"
    )
    program = memsim.build(from_text(text), buffer="64KiB", register_tile="4x24")
    table = [each.name for each in program.tensors].index("parametric1.table")
    touched = program.touch_cell[~program.touch_write]
    nbytes = program.cell_bytes[touched[program.cell_tensor[touched] == table]].sum()
    assert nbytes == 4 * 256 * 4 * 32
    assert Fraction(program.tasks, 4) > 8
