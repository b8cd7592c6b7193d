"""Batches: how many images a task holds, and what that moves, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from memsim.engines.cache.cachepass import cache_pass
from memsim.network import Network, Node
from memsim.network.ops.arrange import Flatten
from memsim.network.ops.base import Operator
from memsim.network.ops.conv import Conv
from memsim.network.ops.linear import Linear
from memsim.network.ops.pointwise import Relu
from memsim.network.ops.pool import GlobalAvgPool
from memsim.network.ops.shape import Input
from memsim.program import Program, Role, build
from memsim.program.tiling import IMAGES


def program(
    op: Operator, shape: tuple[int, int, int], batch: int = 4, buffer: int = 1 << 20, **options: Any
) -> Program:
    """One operator on one fp32 input."""
    nodes = [Node("x", Input(shape=shape)), Node("y", op, ("x",))]
    return build(Network("tiny", nodes, batch=batch), buffer=buffer, **options)


def moved(built: Program, cache: int = 0) -> dict[str, int]:
    """Bytes by role, of those that move any."""
    by_role = cache_pass(built, cache).traffic.sum(axis=(0, 2))
    return {role.name.lower(): int(by_role[role]) for role in Role if by_role[role]}


def images(built: Program) -> list[list[int]]:
    """For each task the images of which it writes."""
    found: list[list[int]] = [[] for _ in range(built.tasks)]
    for touch in np.flatnonzero(built.touch_write).tolist():
        found[built.touch_task[touch]].append(int(built.cell_box[built.touch_cell[touch], 0]))
    return found


class TestTraffic:
    """Without a cache weights move once per batch where images go together, else once per image."""

    LINEAR = Linear(out=3, bias=False), (5, 1, 1)
    CONV = Conv(out=3, kernel=3), (2, 7, 7)

    @pytest.mark.parametrize(("together", "times"), [("together", 1), ("apart", 4)])
    def test_of_a_linear_layer(self, together: str, times: int) -> None:
        built = program(*self.LINEAR, images=together)
        assert built.tasks == times
        assert moved(built) == {
            "weight": times * 3 * 5 * 4,
            "input": 4 * 5 * 4,
            "output": 4 * 3 * 4,
        }

    @pytest.mark.parametrize(("together", "times"), [("together", 1), ("apart", 4)])
    def test_of_a_convolution_on_a_small_map(self, together: str, times: int) -> None:
        built = program(*self.CONV, images=together)
        assert built.tasks == times
        assert moved(built) == {
            "weight": times * 3 * (2 * 9) * 4,
            "input": 4 * 2 * 49 * 4,
            "output": 4 * 3 * 49 * 4,
        }

    def test_is_compulsory_where_all_images_are_one_task(self) -> None:
        for op, shape in (self.LINEAR, self.CONV):
            built = program(op, shape)
            assert sum(moved(built).values()) == built.compulsory_bytes

    def test_a_task_computes_for_all_its_images(self) -> None:
        built = program(*self.CONV, batch=3)
        assert built.task_macs.tolist() == [3 * 3 * 49 * 2 * 9]
        assert program(Relu(), (2, 3, 3), batch=5).task_work.tolist() == [5 * 2 * 9]

    def test_of_a_flattened_map(self) -> None:
        nodes = [
            Node("x", Input(shape=(2, 3, 3))),
            Node("f", Flatten(), ("x",)),
            Node("y", Linear(out=2, bias=False), ("f",)),
        ]
        built = build(Network("tiny", nodes, batch=4), buffer=1 << 20)
        assert (built.tasks, images(built)) == (1, [[0, 1, 2, 3]])
        assert moved(built) == {"weight": 2 * 18 * 4, "input": 4 * 18 * 4, "output": 4 * 2 * 4}


class TestBuffers:
    """Images are rows: accumulators for each, inputs of each twice, the weights once."""

    # A linear layer of 5 to 3: 12 B of sums and 2 x 4 B of inputs an image, 2 x 12 B of weights.
    @pytest.mark.parametrize(("need", "groups"), [(20 * 4 + 24, [4]), (20 * 4 + 23, [2, 2])])
    def test_a_linear_layer_takes_the_images_that_fit(self, need: int, groups: list[int]) -> None:
        built = program(Linear(out=3, bias=False), (5, 1, 1), buffer=need)
        assert [len(each) for each in images(built)] == groups
        assert moved(built)["weight"] == len(groups) * 60

    def test_images_are_shared_out_evenly(self) -> None:
        # Three of seven would fit; three groups of 3, 3 and 1 are no fewer than 3, 2 and 2.
        built = program(Linear(out=3, bias=False), (5, 1, 1), batch=7, buffer=20 * 3 + 24)
        assert images(built) == [[0, 1, 2], [3, 4, 5], [6]]
        # Four of six would: two of three are no more.
        built = program(Linear(out=3, bias=False), (5, 1, 1), batch=6, buffer=20 * 4 + 24)
        assert images(built) == [[0, 1, 2], [3, 4, 5]]

    def test_where_weights_are_many_inputs_are_read_again_instead(self) -> None:
        # 64 to 64 of 4 images: 1 KiB of inputs beside 16 KiB of weights. In blocks of half the
        # channels all images fit: 4 x (4 x 32 + 8) + 8 x 32 bytes.
        buffer = 4 * (4 * 32 + 8) + 8 * 32
        built = program(Linear(out=64, bias=False), (64, 1, 1), buffer=buffer)
        assert images(built) == [[0, 1, 2, 3]] * 2
        assert moved(built) == {"weight": 64 * 64 * 4, "input": 2 * 4 * 256, "output": 4 * 256}

    def test_without_sums_a_row_of_one_image_streams_at_a_time(self) -> None:
        need = 4 * (3 * 16 + 2 * 4)  # three 4 x 4 maps, two rows of 4
        assert images(program(Relu(), (1, 4, 4), batch=3, buffer=need)) == [[0, 1, 2]]
        assert images(program(Relu(), (1, 4, 4), batch=3, buffer=need - 1)) == [[0, 1], [2]]

    def test_a_map_that_is_cut_into_strips_is_of_one_image(self) -> None:
        # As in test_tiling: two strips of four rows. A third of the buffers would be left over.
        options = {"batch": 2, "buffer": 64 + 8 * (6 * 4 + 9)}
        built = program(Conv(out=1, kernel=3), (1, 8, 4), **options)
        assert images(built) == [[0], [0], [1], [1]]
        apart = program(Conv(out=1, kernel=3), (1, 8, 4), images="apart", **options)
        assert built.touch_cell.tolist() == apart.touch_cell.tolist()


def weights(order: str, cache: int) -> int:
    """Of a convolution of 64 to 64 channels on four 2 x 2 maps, in two blocks of channels."""
    buffer = 4 * 128 + 8 * (4 + 32)
    built = program(Conv(out=64), (64, 2, 2), 4, buffer, images="apart", order=order)
    assert built.tasks == 8
    return moved(built, cache)["weight"]


class TestOrders:
    """A cache that holds one block of weights, 8 KiB, beside two images of 1 KiB."""

    @pytest.mark.parametrize(
        ("order", "times"), [("rows_outer", 4), ("weights_outer", 4), ("images_inner", 1)]
    )
    def test_a_block_of_weights_serves_the_whole_batch(self, order: str, times: int) -> None:
        assert weights(order, 8192 + 3 * 1024) == times * 16384

    def test_without_a_cache_no_order_helps(self) -> None:
        orders = "rows_outer", "weights_outer", "images_inner"
        assert {weights(order, 0) for order in orders} == {4 * 16384}


def test_a_classifier_of_a_batch_is_a_task_per_kernel() -> None:
    nodes = [
        Node("x", Input(shape=(8, 7, 7))),
        Node("mean", GlobalAvgPool(), ("x",)),
        Node("y", Linear(out=10), ("mean",)),
    ]
    network = Network("head", nodes, batch=64)
    tasks = [build(network, buffer=1 << 20, images=images).tasks for images in IMAGES]
    assert tasks == [2, 128]
