"""Tasks read the rows that some window of theirs touches, and no others."""

from __future__ import annotations

from collections import defaultdict
from itertools import product
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import memsim
from memsim.engines.cache.cachepass import cache_pass
from memsim.errors import SimulationError
from memsim.network import Network, Node
from memsim.network.ops import Operator, ShapeError
from memsim.network.ops.arrange import Slice
from memsim.network.ops.conv import Conv, ConvTranspose
from memsim.network.ops.pool import AdaptiveAvgPool, AvgPool, MaxPool
from memsim.network.ops.shape import Input, Upsample
from memsim.program import LOWERINGS, Program, Role, build
from memsim.program.lowering import on_library
from memsim.program.tiling import IMAGES, LARGER_OUTER, ORDERS
from tests.laws.plain_rows import channels_of, rows_of
from tests.laws.test_program import few, program_of
from tests.strategies import networks

ROW_BYTES = 16 * 256 * 4
"""One row of the maps below, in bytes."""


def one(op: Operator, shape: tuple[int, int, int] = (16, 256, 256)) -> Network:
    return Network("one", [Node("x", Input(shape=shape)), Node("y", op, ("x",))])


def rows_read(op: Operator, **options: Any) -> float:
    """Rows of a map of 16 x 256 x 256 that are fetched, all its channels at a time."""
    return memsim.run(one(op), **options).by_role["input"] / ROW_BYTES


def touched_by(program: Program) -> dict[tuple[int, str], set[int]]:
    """Rows that each task reads of each feature map."""
    found = defaultdict(set)
    for touch in np.flatnonzero(~program.touch_write):
        cell = program.touch_cell[touch]
        tensor = program.tensors[program.cell_tensor[cell]]
        _, low, high, *_ = program.cell_box[cell].tolist()
        found[int(program.touch_task[touch]), tensor.name] |= set(range(low, high))
    return found


def written_by(program: Program) -> dict[int, set[int]]:
    """Rows that each task writes."""
    found = defaultdict(set)
    for touch in np.flatnonzero(program.touch_write):
        _, low, high, *_ = program.cell_box[program.touch_cell[touch]].tolist()
        found[int(program.touch_task[touch])] |= set(range(low, high))
    return found


def agrees_with_loops(program: Program) -> None:
    """Check that every task of a program reads the rows that it touches, and no others.

    Of a tensor whose channels another task reads (groups, slices) it reads none.
    """
    read, written = touched_by(program), written_by(program)
    stored = {tensor.name: tensor for tensor in program.tensors}
    for task, number in enumerate(program.task_kernel):
        kernel = program.kernels[number]
        expected = defaultdict(set)
        for operand in kernel.operands:
            view = operand.view
            if operand.packed:
                continue  # parameters, in another layout
            rows = set()
            for row in written[task]:
                rows |= rows_of(operand.op, row, view.shape, kernel.output.image)
            for segment in view.segments:
                whole = set(range(stored[segment.tensor].shape[2]))
                expected[segment.tensor] |= whole if view.flat else rows
        for tensor, rows in expected.items():
            assert read.get((task, tensor), set()) in (rows, set())


Elements = set[tuple[str, int, int, int]]
"""Tensor, image, row and channel; a row has all its columns."""


def tiles_of(program: Program) -> list[tuple[int, Elements, Elements]]:
    """Kernel of each tile, what its tasks read and what they write.

    Parameters are left out, and so is their copy in another layout. Tasks that share a tile stand
    in a row, and the last of them writes it.
    """
    operands = [operand for kernel in program.kernels for operand in kernel.operands]
    packed = {part.tensor for each in operands if each.packed for part in each.view.segments}
    found: list[tuple[int, Elements, Elements]] = []
    read, written = Elements(), Elements()
    for task, number in enumerate(program.task_kernel.tolist()):
        for touch in range(program.touch_start[task], program.touch_start[task + 1]):
            cell = program.touch_cell[touch]
            tensor = program.tensors[program.cell_tensor[cell]]
            if tensor.kind != "weight" and tensor.name not in packed:
                image, *box = program.cell_box[cell].tolist()
                elements = product(range(*box[:2]), range(*box[2:]))
                box_of = {(tensor.name, image, row, channel) for row, channel in elements}
                if program.touch_write[touch]:
                    written |= box_of
                else:
                    read |= box_of
        if written:
            found.append((number, read, written))
            read, written = Elements(), Elements()
    assert not read
    return found


def under(program: Program, number: int, written: Elements) -> Elements:
    """What a kernel needs of its operands for what it writes, by loops over rows and taps."""
    kernel, found = program.kernels[number], Elements()
    for operand in kernel.operands:
        ((name, start),) = [(each.tensor, each.start) for each in operand.view.segments]
        source, output = operand.view.shape, kernel.output.image
        if operand.packed:
            continue  # parameters, in another layout
        rows = {row: rows_of(operand.op, row, source, output) for row in range(output[1])}
        channels = {
            channel: channels_of(operand.op, channel, source, output)
            for channel in range(output[0])
        }
        for _, image, row, channel in written:
            for one_row, one_channel in product(rows[row], channels[channel]):
                found.add((name, image, one_row, start + one_channel))
    return found


class TestByHand:
    """What is wanted can be counted."""

    def test_a_shortcut_of_stride_2_reads_every_other_row(self) -> None:
        for cache in (0, "64MiB"):
            assert rows_read(Conv(out=16, stride=2), cache=cache) == 128
        assert rows_read(Conv(out=16, stride=2), cache="64MiB", rows="streamed") == 256

    @pytest.mark.parametrize("machine", memsim.machine_names())
    def test_no_machine_reads_more_unless_it_is_told_to(self, machine: str) -> None:
        loaded = memsim.load_machine(machine)
        program, kernels = loaded.program, loaded.compute.kernels
        if program.library != "none":
            pytest.skip("its rows are those of a library's loops")
        # Another kernel copies the whole map into blocks of channels before the convolution.
        copied = on_library(program.lowering, kernels) == "eager_onednn"
        nodes = one(Conv(out=16, stride=2)).nodes
        shortcut = Network("shortcut", nodes, dtype=program.dtype or "fp32")
        row = shortcut["x"].output.nbytes // 256
        for rows, count in ((None, 128), ("touched", 128), ("streamed", 256)):
            read = memsim.run(shortcut, machine=machine, cache="64MiB", rows=rows).by_role["input"]
            assert read == (256 if copied else count) * row

    @pytest.mark.parametrize(("size", "touched"), [(1, 1), (2, 1), (7, 4), (8, 4), (9, 5)])
    def test_stride_2_touches_half_the_rows_rounded_up(self, size: int, touched: int) -> None:
        result = memsim.run(
            one(Conv(out=4, stride=2), (4, size, 8)), cache="1MiB", machine="textbook"
        )
        assert result.by_role["input"] == touched * 4 * 8 * 4

    def test_a_dilation_larger_than_the_strip_reads_three_rows_for_each(self) -> None:
        # One row of half the channels at a time: 3 rows for each of 256, of which the first and
        # the last 8 have two, twice.
        dilated = Conv(out=16, kernel=3, dilation=8, padding=8)
        assert rows_read(dilated, cache=0, buffer="48KiB") == 2 * (3 * 256 - 2 * 8)
        assert rows_read(dilated, cache=0, buffer="48KiB", rows="streamed") == 8560

    def test_a_dilation_of_12_on_strips_of_4_reads_the_rows_of_three_strips(self) -> None:
        # Sums of 4 rows of 8 columns; the 28 rows that they span and 9 weights, twice.
        op = Conv(out=1, kernel=3, dilation=12, padding=12)
        program = build(one(op, (1, 48, 8)), buffer=4 * 32 + 8 * (28 * 8 + 9))
        read = touched_by(program)
        assert program.tasks == 12
        assert read[0, "x"] == {0, 1, 2, 3, 12, 13, 14, 15}
        assert read[5, "x"] == {8, 9, 10, 11, 20, 21, 22, 23, 32, 33, 34, 35}
        assert read[11, "x"] == {32, 33, 34, 35, 44, 45, 46, 47}

    @pytest.mark.parametrize("pool", [MaxPool, AvgPool])
    def test_a_pool_of_2_with_stride_3_leaves_every_third_row(self, pool: type) -> None:
        # 85 windows, the last on rows 252 and 253.
        assert rows_read(pool(kernel=2, stride=3), cache=0) == 2 * 85
        assert rows_read(pool(kernel=2, stride=3), cache=0, rows="streamed") == 256

    def test_a_depthwise_1x1_of_stride_2_reads_half(self) -> None:
        assert rows_read(Conv(out=16, groups=16, stride=2), cache=0) == 128

    def test_a_transposed_convolution_with_gaps_reads_nothing_for_them(self) -> None:
        op = ConvTranspose(out=1, kernel=1, stride=3)
        program = build(one(op, (1, 3, 4)), buffer=4 * 10 + 8 * (4 + 1))  # row by row
        assert program.tasks == 7
        assert touched_by(program) == {
            **{(3 * row, "x"): {row} for row in range(3)},
            **{(task, "y.weight"): {0} for task in range(7)},
        }

    def test_what_a_window_leaves_at_the_end_is_not_read(self) -> None:
        # 3x3 windows of stride 2 without padding: 127 of them end at row 254.
        op = Conv(out=16, kernel=3, stride=2, padding="valid")
        assert rows_read(op, cache="64MiB") == 255

    def test_bilinear_from_9_to_3_rows_reads_two_for_each(self) -> None:
        program = build(
            one(Upsample(size=(3, 4), mode="bilinear"), (1, 9, 4)), buffer=4 * 4 + 8 * 8
        )
        assert [touched_by(program)[task, "x"] for task in range(3)] == [{1, 2}, {4, 5}, {7, 8}]

    def test_only_what_is_touched_is_compulsory(self) -> None:
        program = build(one(Conv(out=16, stride=2)), buffer="512KiB")
        assert program.compulsory_read_bytes == 128 * ROW_BYTES + 16 * 16 * 4
        assert program.compulsory_write_bytes == 16 * 128 * 128 * 4


@st.composite
def operators(draw: st.DrawFn) -> Operator:
    """Operators whose windows leave gaps, in every direction."""
    kernel, stride = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    dilation, padding = draw(st.integers(1, 13)), draw(st.integers(0, 6))
    coordinates = st.sampled_from([None, "half_pixel", "align_corners", "asymmetric"])
    half = draw(st.integers(0, kernel // 2))
    return draw(
        st.sampled_from(
            [
                Conv(out=2, kernel=kernel, stride=stride, dilation=dilation, padding=padding),
                Conv(out=2, kernel=kernel, stride=stride, groups=2, padding=padding),
                ConvTranspose(
                    out=2, kernel=kernel, stride=stride, dilation=dilation, padding=padding
                ),
                MaxPool(kernel=kernel, stride=stride, padding=half, ceil_mode=draw(st.booleans())),
                AdaptiveAvgPool(size=draw(st.integers(1, 40))),
                Upsample(size=draw(st.integers(1, 40))),
                Upsample(
                    size=draw(st.integers(1, 40)), mode="bilinear", coordinates=draw(coordinates)
                ),
            ]
        )
    )


cuts = st.fixed_dictionaries(
    {
        "buffer": st.integers(1, 4000),
        "order": st.sampled_from([*ORDERS, LARGER_OUTER]),
        "images": st.sampled_from(IMAGES),
        "lowering": st.sampled_from(sorted(LOWERINGS)),
    },
    optional={"tile": st.just("whole"), "register_tile": st.sampled_from(["1x2", "3x1", "4x24"])},
)
"""Every way in which kernels are cut into tasks."""


@given(operators(), st.integers(1, 40), st.integers(1, 3), cuts)
def test_any_geometry_reads_what_a_loop_over_rows_and_taps_reads(
    op: Operator, height: int, batch: int, cut: dict[str, Any]
) -> None:
    shape = (2, height, 3)
    if "tile" in cut:
        cut.pop("register_tile", None)  # the two contradict each other
    try:
        # Weights of a few numbers are near already: below 16 B nothing is gone through again.
        with mock.patch("memsim.program.tiling.registers.NEAREST", 16):
            program = build(Network("one", one(op, shape).nodes, batch=batch), **cut)
    except (ShapeError, memsim.InputError, SimulationError):
        return
    for number, read, written in tiles_of(program):
        assert read == under(program, number, written)
    output = program.network["y"].output.image
    rows = set()
    for row in range(output[1]):
        rows |= rows_of(op, row, shape, output)
    everything = int(program.block_bytes.sum())
    read_once = cache_pass(program, everything).traffic[:, 1].sum()  # of a network input
    assert read_once == batch * len(rows) * 2 * 3 * 4


@few
@given(networks(), st.sampled_from(sorted(LOWERINGS)), st.sampled_from([200, 1000, 100_000]))
def test_random_networks_read_what_loops_over_rows_and_taps_read(
    network: Network, lowering: str, buffer: int
) -> None:
    agrees_with_loops(program_of(network, buffer, lowering=lowering))


@few
@given(networks(), st.sampled_from(sorted(LOWERINGS)), st.sampled_from([200, 1000, 100_000]))
def test_streaming_reads_no_less_and_differs_in_feature_maps_alone(
    network: Network, lowering: str, buffer: int
) -> None:
    touched = program_of(network, buffer, lowering=lowering)
    streamed = program_of(network, buffer, lowering=lowering, rows="streamed")
    assert touched.tasks == streamed.tasks
    assert (touched.task_macs == streamed.task_macs).all()
    few_rows, all_rows = cache_pass(touched, 0).traffic, cache_pass(streamed, 0).traffic
    assert (few_rows[:, 0] == all_rows[:, 0]).all()  # weights
    assert few_rows.sum() <= all_rows.sum()
    assert touched.compulsory_bytes <= streamed.compulsory_bytes


@few
@given(networks())
def test_law_12_cio_counts_the_rows_that_no_window_reads(network: Network) -> None:
    program = program_of(network, 1, lowering="concat_free", tile="whole")
    convolutions = [kernel for kernel in program.kernels if kernel.op.convolves]
    # Of some channels of a flattened map whole rows are read, more than CIO counts.
    assume(not any(kernel.operands[0].view.flat for kernel in convolutions))
    roles = [Role.INPUT, Role.ACTIVATION]
    moved = cache_pass(program, 0).traffic[[kernel.op.convolves for kernel in program.kernels]]
    moved_bytes = int(moved[:, roles][:, :, :2].sum())
    itemsize = network[network.inputs[0]].output.itemsize
    for kernel in convolutions:
        source, output = kernel.operands[0].view.shape, kernel.output
        under = set()
        for row in range(output.image[1]):
            under |= rows_of(kernel.op, row, source, output.image)
        unread = (source[1] - len(under)) * source[0] * source[2] * itemsize
        moved_bytes += output.nbytes + network.batch * unread
    left_out = sum(layer.cio for layer in program.left_out)
    assert moved_bytes == (network.cio - left_out) * itemsize


class TestRowsThatNobodyReads:
    """They are written, and dead as they are born."""

    @pytest.fixture
    def network(self) -> Network:
        nodes = [
            Node("x", Input(shape=(4, 16, 16))),
            Node("a", Conv(out=4), ("x",)),
            Node("b", Conv(out=4, stride=2), ("a",)),
        ]
        return Network("gaps", nodes)

    def test_they_die_at_their_write(self, network: Network) -> None:
        program = build(network, buffer=1 << 20)
        of_a = program.cell_tensor == [each.name for each in program.tensors].index("a")
        rows = program.cell_box[of_a, 1]
        assert rows.tolist() == list(range(16))
        born, dead = program.cell_birth[of_a], program.cell_death[of_a]
        assert born.tolist() == [0] * 16
        assert dead.tolist() == [1, 0] * 8
        assert (program.cell_writer[of_a] >= 0).all()

    def test_a_scratchpad_never_writes_them_back(self, network: Network) -> None:
        row = 4 * 16 * 4
        nothing = memsim.run(network, cache=0, machine="textbook")
        assert nothing.by_cause["spill"] == 8 * row
        assert (
            memsim.run(network, cache=0, rows="streamed", machine="textbook").by_cause["spill"]
            == 16 * row
        )
        # Seven rows that live, and the one at hand.
        assert (
            memsim.run(network, cache=9 * row, buffer="1MiB", machine="textbook").by_cause["spill"]
            == 0
        )

    def test_they_are_live_while_they_are_written(self, network: Network) -> None:
        program = build(network, buffer=1 << 20)
        row = 4 * 16 * 4
        assert program.live_bytes.tolist() == [32 * row, 8 * row + 4 * 8 * 8 * 4]

    @pytest.mark.parametrize("layout", ["nchw", "nhwc"])
    def test_a_cache_of_lines_writes_back_what_it_does_not_know_to_be_dead(
        self, network: Network, layout: str
    ) -> None:
        # A row of one channel is a line of 64 B in nchw, one of all channels four in nhwc.
        options = {"management": "hardware", "layout": layout, "cache": "1KiB"}
        touched, streamed = (
            memsim.run(network, rows=rows, machine="textbook", **options)
            for rows in ("touched", "streamed")
        )
        assert touched.by_cause["spill"] == streamed.by_cause["spill"]
        assert touched.dram_bytes == streamed.dram_bytes - 8 * 4 * 16 * 4

    def test_half_a_line_that_is_touched_is_a_line_that_moves(self) -> None:
        half = one(Conv(out=4, stride=2), (4, 16, 8))  # a row of one channel is 32 B
        options = {"management": "hardware", "layout": "nchw", "cache": "64KiB"}
        touched, streamed = (
            memsim.run(half, rows=rows, machine="textbook", **options)
            for rows in ("touched", "streamed")
        )
        assert touched.by_role["input"] == streamed.by_role["input"] == 4 * 16 * 8 * 4


def test_a_slice_that_leaves_the_network_is_no_exception() -> None:
    nodes = [Node("x", Input(shape=(4, 6, 6))), Node("s", Slice(start=1, stop=3), ("x",))]
    agrees_with_loops(build(Network("slice", nodes), buffer=1 << 16))
