"""The columns of a program, worked out by hand."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from memsim import limits
from memsim.errors import InputError, SimulationError
from memsim.network import Network, Node
from memsim.network.ops.arrange import Concat, Slice
from memsim.network.ops.conv import Conv, ConvTranspose
from memsim.network.ops.pointwise import Add, Relu
from memsim.network.ops.pool import GlobalAvgPool, MaxPool
from memsim.network.ops.shape import Input
from memsim.program import Program, Role, build

build_module = sys.modules["memsim.program.build"]  # its name is the function's too


def program(*nodes: Node, shape: tuple[int, int, int] = (2, 4, 2), **options: Any) -> Program:
    batch, outputs = options.pop("batch", 1), options.pop("outputs", None)
    net = Network("tiny", [Node("x", Input(shape=shape)), *nodes], outputs, batch=batch)
    return build(net, **{"buffer": 1 << 20, **options})


def names(built: Program) -> list[str]:
    return [tensor.name for tensor in built.tensors]


def cells(built: Program, tensor: str) -> list[int]:
    """The bytes of a tensor's cells."""
    return built.cell_bytes[built.cell_tensor == names(built).index(tensor)].tolist()


def blocks(built: Program, tensor: str) -> list[int]:
    """The bytes of a tensor's blocks."""
    return built.block_bytes[built.block_tensor == names(built).index(tensor)].tolist()


@pytest.fixture(scope="module")
def built() -> Program:
    """A 1x1 convolution of 2 x 4 x 2 to 1 x 4 x 2, two rows at a time."""
    return program(Node("y", Conv(out=1), ("x",)), buffer=4 * 4 + 8 * (4 + 2))


class TestTwoStrips:
    def test_tensors(self, built: Program) -> None:
        kinds = [(tensor.name, tensor.kind, tensor.shape) for tensor in built.tensors]
        assert kinds == [
            ("x", "input", (1, 2, 4, 8)),
            ("y", "output", (1, 1, 4, 8)),
            ("y.weight", "weight", (1, 1, 1, 8)),
        ]
        assert [tensor.nbytes for tensor in built.tensors] == [64, 32, 8]
        assert built.weight_bytes == 8

    def test_cells(self, built: Program) -> None:
        assert built.cell_bytes.tolist() == [32, 32, 16, 16, 8]
        assert built.cell_tensor.tolist() == [0, 0, 1, 1, 2]
        assert built.cell_box.tolist() == [
            [0, 0, 2, 0, 2], [0, 2, 4, 0, 2], [0, 0, 2, 0, 1], [0, 2, 4, 0, 1], [0, 0, 1, 0, 1],
        ]  # fmt: skip
        assert built.cell_block.tolist() == [0, 1, 2, 3, 4, 5]

    def test_touches(self, built: Program) -> None:
        assert built.touch_start.tolist() == [0, 3, 6]
        assert built.touch_cell.tolist() == [0, 4, 2, 1, 4, 3]
        assert built.touch_write.tolist() == [False, False, True] * 2
        assert built.touch_role.tolist() == [Role.INPUT, Role.WEIGHT, Role.OUTPUT] * 2
        assert built.touch_last.tolist() == [True, False, True, True, True, True]
        assert built.touch_task.tolist() == [0, 0, 0, 1, 1, 1]
        assert built.task_bytes.tolist() == [56, 56]

    def test_lives(self, built: Program) -> None:
        assert built.cell_birth.tolist() == [0, 1, 0, 1, 0]
        assert built.cell_death.tolist() == [0, 1, 0, 1, 1]
        assert built.cell_writer.tolist() == [-1, -1, 2, 5, -1]
        assert built.live_bytes.tolist() == [48, 48]
        first, last = built.tensor_spans
        assert (first.tolist(), last.tolist()) == ([0, 0, 0], [1, 1, 1])

    def test_costs(self, built: Program) -> None:
        assert built.task_macs.tolist() == [8, 8]
        assert built.task_work.tolist() == [0, 0]
        assert (built.compulsory_read_bytes, built.compulsory_write_bytes) == (72, 32)


def test_images_have_their_own_cells_and_share_the_weights() -> None:
    built = program(Node("y", Conv(out=1), ("x",)), batch=2, images="apart")
    assert built.cell_tensor.tolist() == [0, 0, 1, 1, 2]
    assert built.cell_box[:, 0].tolist() == [0, 1, 0, 1, 0]
    assert built.touch_cell.tolist() == [0, 4, 2, 1, 4, 3]
    assert built.task_macs.tolist() == [16, 16]


def test_a_task_of_several_images_touches_the_cells_of_each_and_the_weights_once() -> None:
    built = program(Node("y", Conv(out=1), ("x",)), batch=2)
    assert built.cell_tensor.tolist() == [0, 0, 1, 1, 2]
    assert built.touch_cell.tolist() == [0, 1, 4, 2, 3]
    assert built.task_macs.tolist() == [32]


def test_another_order_of_tasks_moves_all_that_belongs_to_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def backwards(columns: Any, *groups: Any) -> Any:
        return np.arange(len(columns.task_kernel))[::-1]

    nodes = [Node("y", Conv(out=1), ("x",))]
    first = program(*nodes, batch=2, buffer=4 * 4 + 8 * (4 + 2))
    monkeypatch.setattr(build_module, "SCHEDULES", {"backwards": backwards})
    built = program(*nodes, batch=2, buffer=4 * 4 + 8 * (4 + 2), schedule="backwards")
    assert first.touch_cell.tolist() == [0, 8, 4, 1, 8, 5, 2, 8, 6, 3, 8, 7]
    assert built.touch_cell.tolist() == [3, 8, 7, 2, 8, 6, 1, 8, 5, 0, 8, 4]
    assert built.touch_write.tolist() == [False, False, True] * 4
    assert built.touch_start.tolist() == [0, 3, 6, 9, 12]
    assert built.cell_birth.tolist() == [3, 2, 1, 0, 3, 2, 1, 0, 0]


def test_blocks_are_whole_channels_where_these_fit() -> None:
    def of(block: int) -> list[int]:
        return blocks(program(Node("y", Relu(), ("x",)), shape=(3, 8, 8), block=block), "x")

    assert of(767) == of(512) == [512, 256]
    assert of(511) == of(256) == [256] * 3
    assert of(768) == [768]


def test_a_channel_larger_than_a_block_is_cut_into_equal_pieces() -> None:
    built = program(Node("y", Relu(), ("x",)), shape=(2, 8, 8), block=100)
    assert blocks(built, "x") == [85, 85, 86] * 2
    assert built.cell_block.tolist() == [0, 6, 12]
    assert built.access_block.tolist() == list(range(12))
    assert built.task_start.tolist() == [0, 12]


def test_the_cuts_of_a_tensor_are_those_of_all_who_touch_it() -> None:
    built = program(
        Node("a", Conv(out=5), ("x",)),
        Node("b", Slice(stop=2), ("a",)),
        Node("c", Slice(start=1, stop=4), ("a",)),
        Node("d", GlobalAvgPool(), ("b",)),
        Node("e", GlobalAvgPool(), ("c",)),
    )
    assert cells(built, "a") == [32, 32, 64, 32]  # 0, 1, 2 and 3, 4: 32 B a channel
    last = built.cell_death[built.cell_tensor == names(built).index("a")]
    assert last.tolist() == [1, 2, 2, 0]


def test_a_kernel_reads_its_operands_then_its_weights_then_its_residuals() -> None:
    built = program(
        Node("a", Conv(out=3), ("x",)), Node("b", Conv(out=3), ("x",)), Node("s", Add(), ("a", "b"))
    )
    listed = [
        (names(built)[built.cell_tensor[cell]], Role(role))
        for cell, role in zip(built.touch_cell, built.touch_role, strict=True)
    ]
    assert listed == [
        ("x", Role.INPUT), ("a.weight", Role.WEIGHT), ("a", Role.ACTIVATION),
        ("x", Role.INPUT), ("b.weight", Role.WEIGHT), ("a", Role.RESIDUAL), ("s", Role.OUTPUT),
    ]  # fmt: skip


def test_an_input_that_is_added_is_a_residual_and_not_an_input() -> None:
    built = program(Node("c", Conv(out=2), ("x",)), Node("s", Add(), ("c", "x")))
    assert built.touch_role.tolist() == [Role.INPUT, Role.WEIGHT, Role.RESIDUAL, Role.OUTPUT]


def test_a_concat_reads_and_writes_in_its_own_role() -> None:
    nodes = Node("k", Concat(), ("x", "x")), Node("p", MaxPool(kernel=1), ("k",))
    built = program(*nodes, lowering="eager")
    roles = [Role.CONCAT, Role.CONCAT, Role.CONCAT, Role.ACTIVATION, Role.OUTPUT]
    assert built.touch_role.tolist() == roles
    assert (cells(built, "x"), cells(built, "k")) == ([64], [128])


def test_macs_that_do_not_divide_are_shared_out_without_loss() -> None:
    op = ConvTranspose(out=1, kernel=3, stride=2)
    built = program(Node("y", op, ("x",)), buffer=4 * 10 + 8 * (4 + 18))
    assert built.tasks > 2
    assert built.task_macs.sum() == 2 * 4 * 2 * 9
    outputs = [(end - begin) * 5 for _, begin, end, _, _ in built.cell_box[
        built.touch_cell[built.touch_write]]]  # fmt: skip
    for done, share in zip(outputs, built.task_macs, strict=True):
        assert abs(share - 144 * done / 45) < 1


def test_work_is_per_element_of_the_output() -> None:
    nodes = Node("p", MaxPool(kernel=2), ("x",)), Node("r", Relu(), ("p",))
    assert program(*nodes).task_work.tolist() == [4 * 4, 4]
    assert program(*nodes).task_macs.tolist() == [0, 0]


def test_tensors_that_nobody_reads_are_no_traffic() -> None:
    built = program(Node("r", Relu(), ("x",)), Node("s", Slice(stop=1), ("x",)), outputs=["r"])
    assert built.compulsory_bytes == 64 + 64
    built = program(Node("s", Slice(stop=1), ("x",)), Node("r", Relu(), ("s",)), outputs=["r"])
    assert built.compulsory_bytes == 32 + 32
    unread = names(built).index("x")
    assert built.cell_birth[built.cell_tensor == unread].tolist() == [0, -1]
    assert built.cell_death[built.cell_tensor == unread].tolist() == [0, -1]


def test_what_cannot_be_built() -> None:
    with pytest.raises(InputError, match=r"unknown tile 'whol' \(did you mean 'whole'\?\)"):
        program(Node("r", Relu(), ("x",)), tile="whol")
    with pytest.raises(InputError, match=r"unknown images 'part' \(did you mean 'apart'\?\)"):
        program(Node("r", Relu(), ("x",)), images="part")
    with pytest.raises(SimulationError, match="computes nothing: there is nothing to simulate"):
        program()


def test_the_largest_program_is_built_and_not_a_touch_more(monkeypatch: pytest.MonkeyPatch) -> None:
    for most in (6, 5):
        monkeypatch.setattr(limits, "MOST_TOUCHES", most)
        one = {"buffer": 4 * 4 + 8 * (4 + 2)}  # 5 cells; two tasks of 3 touches
        two = {"batch": 2, "images": "apart"}  # 5 cells in one kernel, 6 touches
        for options in (one, two):
            if most == 6:
                assert len(program(Node("y", Conv(out=1), ("x",)), **options).touch_cell) == 6
                continue
            with pytest.raises(SimulationError, match="tiny takes more than 5 accesses"):
                program(Node("y", Conv(out=1), ("x",)), **options)
    monkeypatch.setattr(limits, "MOST_TOUCHES", 4)
    with pytest.raises(SimulationError, match="tiny takes more than 4 accesses"):
        program(Node("y", Conv(out=1), ("x",)), batch=2)
    relus = Node("y", Relu(), ("x",)), Node("z", MaxPool(kernel=1), ("y",))
    monkeypatch.setattr(limits, "MOST_TOUCHES", 4)  # two kernels of two touches each
    assert len(program(*relus).touch_cell) == 4
    monkeypatch.setattr(limits, "MOST_TOUCHES", 3)
    with pytest.raises(SimulationError, match="tiny takes more than 3 accesses"):
        program(*relus)


def test_columns_cannot_be_written() -> None:
    built = program(Node("r", Relu(), ("x",)))
    with pytest.raises(ValueError, match="read-only"):
        built.task_macs[0] = 1
