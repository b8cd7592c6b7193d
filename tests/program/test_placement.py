"""Placement: cells tile the tensors they are cut from, and parts of cells tile the cells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsim.errors import SimulationError
from memsim.network import Network, Node
from memsim.network.ops.conv import Conv
from memsim.network.ops.shape import Input
from memsim.program import Program, build
from memsim.program.memory.allocator import plan_memory
from memsim.program.memory.placement import Placement
from tests.strategies import networks

LAYOUTS = ["nchw", "nhwc"]


def program_of(network: Network) -> Program | None:
    try:
        return build(network, buffer=4000, block=300)
    except SimulationError:
        return None


def bytes_of(program: Program, cell: int, layout: str, base: int) -> list[int]:
    """The addresses of a cell's bytes, element by element."""
    tensor = program.tensors[program.cell_tensor[cell]]
    _, channels, rows, row_bytes = tensor.shape
    image, top, bottom, first, last = program.cell_box[cell].tolist()
    item, columns = tensor.itemsize, row_bytes // tensor.itemsize
    planar = layout == "nchw" or tensor.kind == "weight"
    elements = [
        ((channel * rows + row) * columns + column)
        if planar
        else ((row * columns + column) * channels + channel)
        for channel in range(first, last)
        for row in range(top, bottom)
        for column in range(columns)
    ]
    start = base + image * channels * rows * row_bytes
    return [start + element * item + byte for element in elements for byte in range(item)]


@pytest.mark.parametrize("layout", LAYOUTS)
@given(networks(most_layers=5), st.data())
def test_a_cells_runs_are_its_bytes(layout: str, network: Network, data: st.DataObject) -> None:
    program = program_of(network)
    if program is None:
        return
    plan = plan_memory(program)
    placement = Placement.of(program, plan, layout)
    cell = data.draw(st.integers(0, len(program.cell_bytes) - 1))
    base = int(plan.address[program.cell_tensor[cell]])
    owner, address, nbytes = placement.spans(np.array([cell]))
    assert (owner == 0).all()
    seen = [byte for at, size in zip(address, nbytes, strict=True) for byte in range(at, at + size)]
    assert sorted(seen) == sorted(bytes_of(program, cell, layout, base))
    assert seen == sorted(seen)  # in ascending order


@pytest.mark.parametrize("layout", LAYOUTS)
@given(networks(most_layers=6))
def test_the_cells_of_a_tensor_cover_each_byte_once(layout: str, network: Network) -> None:
    program = program_of(network)
    if program is None:
        return
    plan = plan_memory(program)
    owner, address, nbytes = Placement.of(program, plan, layout).spans(
        np.arange(len(program.cell_bytes))
    )
    tensor = program.cell_tensor[owner]
    for number, stored in enumerate(program.tensors):
        start, size = address[tensor == number], nbytes[tensor == number]
        order = np.argsort(start)
        assert start[order][0] == plan.address[number]
        assert (start[order][1:] == (start + size)[order][:-1]).all()
        assert size.sum() == stored.nbytes


@pytest.mark.parametrize("layout", LAYOUTS)
@given(networks(most_layers=6))
def test_the_blocks_of_a_cell_are_ranges_of_its_runs(layout: str, network: Network) -> None:
    program = program_of(network)
    if program is None:
        return
    placement = Placement.of(program, layout=layout)
    cell = program.block_cell.astype(np.int64)
    before = np.cumsum(program.block_bytes) - program.block_bytes
    offset = before - before[program.cell_block[:-1]][cell]
    part, address, nbytes = placement.ranges(cell, offset, program.block_bytes)
    per_block = np.zeros(len(cell), np.int64)
    np.add.at(per_block, part, nbytes)
    assert (per_block == program.block_bytes).all()
    joined = np.flatnonzero(
        (np.diff(cell[part]) == 0) & (address[1:] == address[:-1] + nbytes[:-1])
    )
    blocks = np.delete(np.stack([cell[part], address])[:, :], joined + 1, axis=1)
    owner, start, _ = placement.spans(np.arange(len(program.cell_bytes)))
    whole = np.stack([owner, start])
    together = np.flatnonzero((np.diff(owner) == 0) & (start[1:] == _ends(placement, owner, start)))
    assert (blocks == np.delete(whole, together + 1, axis=1)).all()


def _ends(placement: Placement, owner: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Where each run but the last ends."""
    return (start + placement.run[owner])[:-1]


def test_the_parameters_of_an_output_channel_lie_together_in_both_layouts() -> None:
    nodes = [Node("x", Input(shape=(8, 16, 16))), Node("c", Conv(out=64, kernel=3), ("x",))]
    program = build(Network("one", nodes), buffer=16 * 1024)
    weights = [tensor.name for tensor in program.tensors].index("c.weight")
    cells = np.flatnonzero(program.cell_tensor == weights)
    assert len(cells) > 1
    for layout in LAYOUTS:
        placement = Placement.of(program, layout=layout)
        assert (placement.runs[cells] == 1).all()
        assert (placement.run[cells] == program.cell_bytes[cells]).all()
        assert (np.diff(placement.first[cells]) == program.cell_bytes[cells][:-1]).all()
