"""Lines: an independent, slow enumeration of addresses, and counts by hand."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import memsim
from memsim.engines.cache.lines import line_accesses
from memsim.errors import SimulationError
from memsim.machine.cache import Layout
from memsim.network import Network, Node
from memsim.network.ops.conv import Conv
from memsim.network.ops.shape import Input
from memsim.program import Program, build
from memsim.program.memory.allocator import plan_memory
from tests.strategies import networks


def addresses(program: Program, layout: str, allocator: str, touch: int) -> list[int]:
    """Every byte that a touch accesses, in order, one by one."""
    cell = int(program.touch_cell[touch])
    number = int(program.cell_tensor[cell])
    tensor = program.tensors[number]
    _, channels, rows, row_bytes = tensor.shape
    base = int(plan_memory(program, allocator).address[number])
    image, row, row_end, channel, channel_end = map(int, program.cell_box[cell])
    item = tensor.itemsize
    pixels = row_bytes // item
    found = []
    if tensor.kind == "weight" or layout == "nchw":
        for c in range(channel, channel_end):
            for r in range(row, row_end):
                start = base + ((image * channels + c) * rows + r) * row_bytes
                found += range(start, start + row_bytes)
    else:
        for r in range(row, row_end):
            for x in range(pixels):
                for c in range(channel, channel_end):
                    start = base + (((image * rows + r) * pixels + x) * channels + c) * item
                    found += range(start, start + item)
    return found


@given(
    networks(most_layers=4),
    st.sampled_from(get_args(Layout)),
    st.sampled_from(["caching", "arena", "cuda", "fresh"]),
    st.sampled_from([8, 64]),
    st.sampled_from([400, 4000]),
)
def test_lines_are_those_of_every_byte(
    network: Network, layout: str, allocator: str, line: int, buffer: int
) -> None:
    try:
        program = build(network, buffer=buffer, lowering="eager")
    except SimulationError:
        assume(False)
        raise
    accesses = line_accesses(program, line, layout, allocator)
    expected = []
    for touch in range(len(program.touch_cell)):
        lines = [byte // line for byte in addresses(program, layout, allocator, touch)]
        for position, each in enumerate(lines):
            if position == 0 or lines[position - 1] != each:
                expected.append((each, touch))
    assert list(zip(accesses.line.tolist(), accesses.touch.tolist(), strict=True)) == expected
    assert max(accesses.line.tolist()) < accesses.lines


def test_the_lines_of_one_convolution_by_hand() -> None:
    """3x8x8 fp32: 768 B; 4 filters of 27 taps: 432 B; 4x8x8: 1024 B."""
    nodes = [Node("x", Input(shape=(3, 8, 8))), Node("c", Conv(out=4, kernel=3), ("x",))]
    program = memsim.build(Network("one", nodes), buffer=1 << 16)
    accesses = line_accesses(program)
    assert len(accesses.line) == 12 + 7 + 16
    assert accesses.lines == 12 + 7 + 16


def test_the_longest_trace_is_told_and_not_a_line_more(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [Node("x", Input(shape=(3, 8, 8))), Node("c", Conv(out=4, kernel=3), ("x",))]
    program = memsim.build(Network("one", nodes), buffer=1 << 16)
    monkeypatch.setattr("memsim.engines.cache.lines.MOST_LINES", 12 + 7 + 16)
    assert len(line_accesses(program).line) == 12 + 7 + 16
    monkeypatch.setattr("memsim.engines.cache.lines.MOST_LINES", 12 + 7 + 16 - 1)
    with pytest.raises(SimulationError, match="one accesses more than 34 lines"):
        line_accesses(program)
    monkeypatch.setattr("memsim.engines.cache.lines.MOST_LINES", 2)
    with pytest.raises(SimulationError, match="one accesses more than 2 lines"):
        line_accesses(program)
