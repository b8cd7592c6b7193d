"""Register tiles: how often weights are gone through, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import memsim
from memsim.engines.cache.cachepass import cache_pass
from memsim.errors import InputError
from memsim.machine.cache import Cache
from memsim.network import Network, Node
from memsim.network.ops.base import Operator
from memsim.network.ops.conv import Conv
from memsim.network.ops.linear import Linear
from memsim.network.ops.pool import MaxPool
from memsim.network.ops.shape import Input
from memsim.program import Program, Role, build
from memsim.program.tiling.registers import NEAREST


def program(
    op: Operator, shape: tuple[int, int, int], registers: str | None, **options: Any
) -> Program:
    """One operator on one input."""
    nodes = [Node("x", Input(shape=shape)), Node("y", op, ("x",))]
    network = Network("tiny", nodes, batch=options.pop("batch", 1))
    return build(network, buffer=1 << 20, register_tile=registers, **options)


def passes(built: Program) -> list[int]:
    """How often each block of weights is gone through."""
    times = np.bincount(built.touch_cell[built.touch_role == Role.WEIGHT])
    return times[times > 0].tolist()


def rows_read(built: Program) -> list[int]:
    """The first row of each cell of inputs that is read, in order."""
    return built.cell_box[built.touch_cell[built.touch_role == Role.INPUT], 1].tolist()


# 512 x 4 x 4 inputs and 24 filters of 512 numbers: 32,768 B and 49,152 B; 1,536 B of outputs. A row
# of outputs is one register tile of 4 x 24.
POINTWISE = Conv(out=24), (512, 4, 4)
INPUTS, WEIGHTS, OUTPUTS = 32_768, 49_152, 1_536


def test_weights_that_a_cache_does_not_hold_are_read_for_each_row_of_register_tiles() -> None:
    built = program(*POINTWISE, "4x24")
    assert built.tasks == 4
    assert passes(built) == [4]
    small, large = (cache_pass(built, size) for size in (16 * 1024, 64 * 1024))
    assert small.read_bytes == INPUTS + 4 * WEIGHTS
    assert large.read_bytes == INPUTS + WEIGHTS == built.compulsory_read_bytes
    assert small.write_bytes == large.write_bytes == OUTPUTS


def test_narrower_tiles_read_them_more_often_and_the_inputs_as_before() -> None:
    built = program(*POINTWISE, "2x24")
    assert built.tasks == 8
    assert cache_pass(built, 16 * 1024).read_bytes == INPUTS + 8 * WEIGHTS


def test_a_cache_of_lines_sees_the_same() -> None:
    built = program(*POINTWISE, "4x24")
    cache = Cache(size=40 * 1024, management="hardware", ways=16, layout="nhwc", index="plain")
    # Outputs are fetched as they are written.
    assert cache_pass(built, cache).read_bytes == INPUTS + 4 * WEIGHTS + OUTPUTS


def test_tasks_of_a_tile_share_its_work_and_only_the_first_reads_and_the_last_writes() -> None:
    built = program(*POINTWISE, "1x24")  # four pixels of a row after each other
    assert built.tasks == 16
    touched = [
        built.touch_role[built.touch_start[task] : built.touch_start[task + 1]].tolist()
        for task in range(4)
    ]
    assert touched == [
        [Role.INPUT, Role.WEIGHT], [Role.WEIGHT], [Role.WEIGHT], [Role.WEIGHT, Role.OUTPUT]
    ]  # fmt: skip
    assert built.task_macs.tolist() == [24 * 512] * 16


def test_channels_are_cut_into_blocks_and_the_order_says_which_are_read_again() -> None:
    # 30 filters: blocks of 24 and of 6, of which the second one's weights lie in the nearest cache.
    assert 6 * 512 * 4 < NEAREST < 24 * 512 * 4
    built = program(Conv(out=30), (512, 4, 4), "2x24", order="rows_outer")
    assert built.tasks == 4 * 2 * 2  # parts belong to a row, whatever the block
    assert passes(built) == [8, 8]
    assert rows_read(built) == [0, 0, 1, 1, 2, 2, 3, 3]
    outer = program(Conv(out=30), (512, 4, 4), "2x24", order="weights_outer")
    assert outer.tasks == 2 * (6 + 2)
    assert rows_read(outer) == [0, 3, 0, 3]  # three rows of 8,672 B, then one; for each block


def test_the_larger_of_inputs_and_weights_is_read_in_the_outer_loop() -> None:
    # 24 filters are more than 16 pixels, and 8 are fewer.
    larger = program(*POINTWISE, "2x24", order="larger_outer")
    assert rows_read(larger) == [0, 3]
    smaller = program(Conv(out=8), (2048, 4, 4), "2x24", order="larger_outer")
    assert rows_read(smaller) == [0, 1, 2, 3]


def test_a_row_of_fewer_pixels_leaves_registers_to_more_channels() -> None:
    built = program(Conv(out=64), (512, 3, 3), "4x24")
    widths = built.cell_box[built.touch_cell[built.touch_role == Role.WEIGHT], 3:5]
    assert np.unique(widths, axis=0).tolist() == [[0, 32], [32, 64]]
    assert passes(built) == [3, 3]


def test_weights_that_lie_in_the_nearest_cache_are_gone_through_once() -> None:
    fits, more = (
        program(Conv(out=8, kernel=2, padding=0), (depth, 9, 9), "1x1") for depth in (256, 257)
    )
    assert NEAREST == 8 * 4 * 256 * 4
    # All blocks as one, and as many output rows as have 32 KiB: 8 x 8 + 256 x 2 x 9 elements a row.
    assert (fits.tasks, passes(fits)) == (8, [8])
    assert more.tasks == 8 * 8  # a filter is 4,112 B: none of them is gone through twice a row
    assert passes(more) == [8] * 8


def test_images_are_the_pixels_of_a_linear_layer() -> None:
    op, shape = Linear(out=48, bias=False), (1024, 1, 1)  # 24 filters are 98,304 B
    assert passes(program(op, shape, "4x24", batch=10)) == [3, 3]
    assert passes(program(op, shape, "4x24", batch=10, images="apart")) == [10]
    assert passes(program(op, shape, "4x24")) == [1]


def test_what_does_not_multiply_is_cut_for_the_buffers() -> None:
    pool = MaxPool(kernel=2), (64, 32, 32)
    nodes = [Node("x", Input(shape=pool[1])), Node("y", pool[0], ("x",))]
    network = Network("tiny", nodes)
    plain, tiled = (build(network, buffer=8192, register_tile=each) for each in (None, "4x24"))
    assert (plain.touch_cell == tiled.touch_cell).all()
    assert plain.tasks == tiled.tasks > 1


def test_packed_weights_are_gone_through_once_a_row() -> None:
    """Direct convolutions keep a slice of them while they go along a row."""
    op, shape = Conv(out=64, kernel=3), (64, 32, 32)
    built = program(op, shape, "1x24", lowering="eager_onednn", order="rows_outer")
    names = [tensor.name for tensor in built.tensors]
    of = built.cell_tensor[built.touch_cell] == names.index("y.weight.packed")
    read = np.bincount(built.touch_cell[of & ~built.touch_write])
    assert set(read[read > 0].tolist()) == {32}


def test_no_tile_is_no_option() -> None:
    for each in (None, "none"):
        options = program(*POINTWISE, each).options
        assert "register_tile" not in options
    assert program(*POINTWISE, "4x24").options["register_tile"] == "4x24"


@pytest.mark.parametrize("told", ["4", "4x", "0x8", "4x24x2", "x", 4, "4 x 24", "4x12345", True])
def test_what_is_no_tile_is_refused(told: Any) -> None:
    with pytest.raises(InputError) as caught:
        program(*POINTWISE, told)
    assert str(caught.value) == (
        f"register_tile: {told!r} is no register tile (PIXELSxCHANNELS such as 4x24, or none)"
    )


def test_a_kernel_that_is_one_task_is_not_cut() -> None:
    with pytest.raises(InputError) as caught:
        program(*POINTWISE, "4x24", tile="whole")
    assert str(caught.value) == (
        "register_tile: cuts kernels, and each is one task here "
        "(tile auto, or leave one of them out)"
    )
    # What the machine does gives way to what is asked for.
    result = memsim.run("patterns/harmonic", machine="cpu", tile="whole")
    assert "register_tile" not in result.program.options
    assert result.program.tasks == len(result.program.kernels)


def test_an_unknown_order_may_have_meant_the_choice_of_one() -> None:
    with pytest.raises(InputError) as caught:
        program(*POINTWISE, "4x24", order="larger_uter")
    assert str(caught.value) == "unknown task order 'larger_uter' (did you mean 'larger_outer'?)"


def test_every_kernel_touches_the_scratch_memory_and_the_first_one_finds_nothing_in_it() -> None:
    nodes = [
        Node("x", Input(shape=(4, 8, 8))),
        Node("a", Conv(out=4), ("x",)),
        Node("b", MaxPool(kernel=2), ("a",)),
        Node("c", Conv(out=4), ("b",)),
    ]
    network = Network("tiny", nodes)
    plain = build(network, buffer=1 << 20)
    built = build(network, buffer=1 << 20, kernel_scratch="1KiB")
    of = built.touch_role == Role.SCRATCH
    assert built.touch_task[of].tolist() == [0, 1, 1, 2, 2]
    assert built.touch_write[of].tolist() == [True, False, True, False, True]
    assert set(built.touch_bytes[of].tolist()) == {1024}
    assert built.compulsory_bytes == plain.compulsory_bytes
    assert built.live_bytes.tolist() == plain.live_bytes.tolist()
    # Without a cache it comes and goes with each kernel; lines of a small one, too.
    assert cache_pass(built, 0).read_bytes == cache_pass(plain, 0).read_bytes + 2 * 1024
    cache = Cache(size=64, management="hardware")  # what is written is fetched as well
    assert cache_pass(built, cache).read_bytes == cache_pass(plain, cache).read_bytes + 5 * 1024
    large = Cache(size=1 << 20, management="hardware")
    assert cache_pass(built, large).read_bytes == cache_pass(plain, large).read_bytes + 1024
    assert build(network, buffer=1 << 20, kernel_scratch=0).options == plain.options
