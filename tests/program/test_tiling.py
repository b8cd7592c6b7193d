"""Tiles: what fills the buffers exactly, and what a tile reads, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from memsim.errors import SimulationError
from memsim.network import Network, Node
from memsim.network.ops.base import Operator
from memsim.network.ops.conv import Conv, ConvTranspose
from memsim.network.ops.linear import Linear
from memsim.network.ops.pointwise import Add, BatchNorm, Relu
from memsim.network.ops.pool import GlobalAvgPool, MaxPool
from memsim.network.ops.shape import Input, Upsample
from memsim.program import Program, build
from memsim.program.tiling import ORDERS, orders_of


def program(
    op: Operator, shape: tuple[int, int, int], buffer: int = 1 << 20, **options: Any
) -> Program:
    """One operator on one input."""
    dtype, batch = options.pop("dtype", "fp32"), options.pop("batch", 1)
    nodes = [Node("x", Input(shape=shape)), Node("y", op, ("x",))]
    return build(Network("tiny", nodes, dtype=dtype, batch=batch), buffer=buffer, **options)


def tiles(built: Program) -> tuple[int, int]:
    """Strips and channel blocks of the last tensor written."""
    boxes = built.cell_box[built.touch_cell[built.touch_write]]
    return len(np.unique(boxes[:, 1])), len(np.unique(boxes[:, 3]))


def reads(built: Program, tensor: str = "x") -> list[tuple[int, int, int, int]]:
    """For each task the rows and the channels that it reads of a tensor."""
    number = [each.name for each in built.tensors].index(tensor)
    found = []
    for task in range(built.tasks):
        touched = np.arange(built.touch_start[task], built.touch_start[task + 1])
        cells = built.touch_cell[touched[~built.touch_write[touched]]]
        boxes = built.cell_box[cells[built.cell_tensor[cells] == number]]
        if len(boxes):
            _, row, row_end, channel, channel_end = boxes.T
            found.append((row.min(), row_end.max(), channel.min(), channel_end.max()))
    return [tuple(int(n) for n in each) for each in found]


# A 4 x 4 map of 1 channel, a 1x1 convolution to 1 channel: an accumulator of 4 bytes for each of
# 16 outputs; two buffers each for 16 inputs and 1 weight.
@pytest.mark.parametrize(
    ("dtype", "need"),
    [("int8", 64 + 2 * 17), ("fp16", 64 + 4 * 17), ("bf16", 64 + 4 * 17), ("fp32", 64 + 8 * 17)],
)
def test_partial_sums_are_held_in_four_bytes(dtype: str, need: int) -> None:
    assert program(Conv(out=1), (1, 4, 4), need, dtype=dtype).tasks == 1
    assert program(Conv(out=1), (1, 4, 4), need - 1, dtype=dtype).tasks == 2


@pytest.mark.parametrize(("dtype", "item"), [("int8", 1), ("fp16", 2), ("fp32", 4)])
def test_what_has_no_partial_sums_needs_a_tile_and_two_input_rows(dtype: str, item: int) -> None:
    need = item * (16 + 2 * 4)
    assert program(Relu(), (1, 4, 4), need, dtype=dtype).tasks == 1
    assert program(Relu(), (1, 4, 4), need - 1, dtype=dtype).tasks == 2


def test_a_convolution_holds_the_rows_under_its_tile_and_its_weights() -> None:
    # 2 x 6 x 5 inputs, 3 filters of 2 x 3 x 3 and a bias; one input channel streams at a time.
    need = 4 * (3 * 6 * 5) + 2 * 4 * (6 * 5 + 3 * 10)  # 19 parameters over 2 channels: 10 taps
    op = Conv(out=3, kernel=3, bias=True)
    assert program(op, (2, 6, 5), need).tasks == 1
    assert program(op, (2, 6, 5), need - 1).tasks > 1


def test_an_add_holds_a_row_of_each_operand() -> None:
    nodes = [Node("x", Input(shape=(1, 4, 4))), Node("y", Add(), ("x", "x", "x"))]
    network = Network("tiny", nodes)
    need = 4 * (16 + 2 * 3 * 4)
    assert build(network, buffer=need).tasks == 1
    assert build(network, buffer=need - 1).tasks == 2


def test_a_batch_norm_holds_its_numbers_twice() -> None:
    need = 4 * (16 + 2 * (4 + 4))
    assert program(BatchNorm(), (1, 4, 4), need, lowering="eager").tasks == 1
    assert program(BatchNorm(), (1, 4, 4), need - 1, lowering="eager").tasks == 2


class TestSmallest:
    """One row of one channel; not one byte less."""

    @pytest.mark.parametrize(
        ("op", "shape", "need"),
        [
            (Conv(out=2), (3, 5, 4), 4 * 4 + 8 * (4 + 1)),
            (Conv(out=2, kernel=3), (3, 5, 4), 4 * 4 + 8 * (3 * 4 + 9)),
            (Conv(out=4, groups=2), (4, 5, 4), 4 * 4 + 8 * (4 + 1)),
            (Conv(out=2, stride=2), (3, 5, 4), 4 * 2 + 8 * (4 + 1)),
            (Relu(), (3, 5, 4), 4 * 4 + 8 * 4),
            (MaxPool(kernel=2), (3, 6, 4), 4 * 2 + 8 * 4),  # a window's rows one by one
            (GlobalAvgPool(), (3, 5, 4), 4 * 1 + 8 * 4),
            (Linear(out=7, bias=False), (3, 1, 1), 4 * 1 + 8 * (1 + 1)),
        ],
    )
    def test_it_is_refused_below(
        self, op: Operator, shape: tuple[int, int, int], need: int
    ) -> None:
        assert program(op, shape, need)
        with pytest.raises(SimulationError) as error:
            program(op, shape, need - 1)
        assert str(error.value) == (
            f"the streaming buffers hold {need - 1:,} B, but the smallest tile of y "
            f"(one row of one channel) needs {need:,} B (--buffer {need} or more)"
        )


class TestWhatATileReads:
    def test_strips_share_the_rows_of_their_halo(self) -> None:
        # Two strips of four rows: 4 accumulators of 16 B, 2 x (5 x 4 inputs + 9 weights).
        built = program(Conv(out=1, kernel=3), (1, 8, 4), 64 + 8 * (6 * 4 + 9))
        assert reads(built) == [(0, 5, 0, 1), (3, 8, 0, 1)]

    def test_the_first_strip_begins_at_the_first_row_and_the_last_ends_at_the_last(self) -> None:
        # 1x1 windows of stride 3 skip rows; where rows stream, all are read, as CIO counts.
        op, shape, buffer = Conv(out=1, stride=3), (1, 9, 3), 4 + 8 * (3 + 1)
        built = program(op, shape, buffer, rows="streamed")
        assert reads(built) == [(0, 3, 0, 1), (3, 6, 0, 1), (6, 9, 0, 1)]
        assert reads(program(op, shape, buffer)) == [(0, 1, 0, 1), (3, 4, 0, 1), (6, 7, 0, 1)]

    def test_padding_is_not_read(self) -> None:
        built = program(Conv(out=1, kernel=5), (1, 3, 2), 4 * 2 + 8 * (3 * 2 + 25))
        assert reads(built) == [(0, 3, 0, 1)] * 3

    def test_a_transposed_convolution_reads_each_row_for_the_rows_it_makes(self) -> None:
        op = ConvTranspose(out=1, kernel=2, stride=2)
        built = program(op, (1, 2, 2), 4 * 8 + 8 * (4 + 4))  # the rows in the middle need two
        assert reads(built) == [(0, 1, 0, 1), (1, 2, 0, 1)]

    def test_bilinear_upsampling_reads_the_rows_on_both_sides(self) -> None:
        built = program(Upsample(factor=2, mode="bilinear"), (1, 4, 1), 4 * 8 + 8 * 3)
        assert built.tasks == 2
        assert reads(built) == [(0, 3, 0, 1), (1, 4, 0, 1)]

    def test_a_grouped_convolution_reads_the_channels_of_its_groups(self) -> None:
        built = program(Conv(out=4, groups=2), (6, 1, 8), 4 * 16 + 8 * (8 + 2 * 3))
        assert tiles(built) == (1, 2)
        assert reads(built) == [(0, 1, 0, 3), (0, 1, 3, 6)]


class TestChoice:
    """Of the tiles that fill the buffers the one that streams the fewest bytes."""

    def test_rows_are_cut_where_weights_are_few(self) -> None:
        # 16 x 16 maps and 2 x 2 weights: an input read twice costs more than weights read twice.
        assert tiles(program(Conv(out=2), (2, 16, 16), 4 * 256 + 8 * (128 + 2))) == (2, 1)

    def test_channels_are_cut_where_weights_are_many(self) -> None:
        # 2 x 2 maps and 64 x 64 weights.
        assert tiles(program(Conv(out=64), (64, 2, 2), 4 * 128 + 8 * (4 + 32))) == (1, 2)

    @pytest.mark.parametrize(("images", "tasks"), [("together", 1), ("apart", 3)])
    def test_whole_is_one_task_whatever_the_buffers_hold(self, images: str, tasks: int) -> None:
        options = {"tile": "whole", "images": images, "batch": 3}
        built = program(Conv(out=64), (64, 2, 2), 100, **options)
        assert built.tasks == tasks
        written = built.cell_box[built.touch_cell[built.touch_write], 0]
        assert written.tolist() == [0, 1, 2]

    def test_strips_are_of_equal_height_but_for_the_last(self) -> None:
        # 10 rows where 4 fit at most: three strips of 4, 4 and 2.
        built = program(Conv(out=1), (1, 10, 4), 4 * 16 + 8 * (16 + 1))
        assert reads(built) == [(0, 4, 0, 1), (4, 8, 0, 1), (8, 10, 0, 1)]
        # 9 rows where 4 fit: three of 3.
        built = program(Conv(out=1), (1, 9, 4), 4 * 16 + 8 * (16 + 1))
        assert reads(built) == [(0, 3, 0, 1), (3, 6, 0, 1), (6, 9, 0, 1)]


def test_orders_differ_in_what_is_innermost() -> None:
    def listed(name: str) -> list[tuple[int, ...]]:
        return [tuple(map(int, each)) for each in zip(*ORDERS[name](2, 2, 3), strict=True)]

    every = [(i, s, b) for i in range(2) for s in range(2) for b in range(3)]
    assert listed("rows_outer") == every
    assert listed("weights_outer") == sorted(every, key=lambda each: (each[0], each[2], each[1]))
    assert listed("images_inner") == sorted(every, key=lambda each: (each[2], each[0], each[1]))


def test_orders_that_do_not_differ_count_once() -> None:
    assert orders_of(1) == ("rows_outer", "weights_outer")
    assert orders_of(2) == orders_of(64) == tuple(ORDERS)
