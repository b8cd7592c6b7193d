"""The operators that foreign graphs need: a number applied to every element, and the unknown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import memsim
from memsim.network import Network, Node
from memsim.network.ops.conv import Conv
from memsim.network.ops.opaque import Opaque
from memsim.network.ops.pointwise import Scale
from memsim.network.ops.shape import Input

SIZES = st.tuples(*[st.integers(1, 9)] * 3)


@given(SIZES, SIZES, st.integers(1, 9), st.integers(1, 9))
def test_the_tiles_of_an_unknown_operator_cover_every_input(source, output, rows, channels):
    op = Opaque(op="Any", shape=output)
    for covers, size, source_size, step in (
        (op.input_rows, output[1], source[1], rows),
        (op.input_channels, output[0], source[0], channels),
    ):
        at = 0
        for start in range(0, size, step):
            first, last = covers(start, min(start + step, size), source, output)
            assert first <= at <= last <= source_size
            at = last
        assert at == source_size


def test_an_unknown_operator_reads_its_inputs_and_parameters_and_writes_its_output():
    nodes = [
        Node("x", Input(shape=(8, 64, 64))),
        Node("y", Opaque(op="Any", shape=(4, 32, 32), params=4000), ("x",)),
    ]
    network = Network("net", nodes)
    assert (network.macs, network.params) == (0, 4000)
    for tile, tasks, strips in (("whole", 1, 1), ("auto", 4, 2)):
        result = memsim.run(network, cache=0, buffer="16KiB", tile=tile)
        assert len(result.program.task_macs) == tasks
        assert result.dram_read_bytes == 4 * (8 * 64 * 64 + 4000 * strips)
        assert result.dram_write_bytes == 4 * 4 * 32 * 32


def test_the_file_holds_an_unknown_operator():
    nodes = [
        Node("x", Input(shape=(8, 6, 6))),
        Node("y", Opaque(op="com.vendor.Any", shape=(4, 3, 3), params=5), ("x",)),
        Node("z", Scale(factor=0.5, shift=-1), ("y",)),
    ]
    network = Network("net", nodes)
    from memsim.formats.architecture.file import from_text

    assert from_text(memsim.dump(network)).nodes[1:] == network.nodes[1:]


@pytest.mark.parametrize("lowering", ["fused", "concat_free"])
def test_a_scale_is_fused_into_the_convolution_before_it(lowering):
    nodes = [
        Node("x", Input(shape=(8, 6, 6))),
        Node("c", Conv(out=8), ("x",)),
        Node("s", Scale(factor=0.5), ("c",)),
    ]
    (row,) = memsim.run(Network("net", nodes), lowering=lowering).layers
    assert row.layers == ("c", "s")


def test_an_unknown_operator_has_no_parameters_unless_they_are_told():
    op = Opaque(op="Any", shape=(3, 1, 1))
    assert (op.learnable((), op.shape), op.stored((), op.shape)) == (0, 0)
