"""Which layers become one kernel, what it reads and what it costs, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from memsim.network import Network, Node
from memsim.network.ops.arrange import Concat, Flatten, Slice
from memsim.network.ops.conv import Conv
from memsim.network.ops.linear import Linear
from memsim.network.ops.pointwise import Add, BatchNorm, Mul, Relu
from memsim.network.ops.pool import GlobalAvgPool, MaxPool
from memsim.network.ops.shape import Dropout, Input
from memsim.program import LOWERINGS, Kernel, Program, Role, build

X = Node("x", Input(shape=(2, 4, 4)))
FUSING = [name for name, rule in LOWERINGS.items() if rule.rules.fuses]


def network(*nodes: Node, outputs: list[str] | None = None, batch: int = 1) -> Network:
    return Network("tiny", [X, *nodes], outputs, batch=batch)


def lowered(net: Network, lowering: str) -> dict[str, Kernel]:
    return {kernel.name: kernel for kernel in LOWERINGS[lowering].lower(net)}


def layers(net: Network, lowering: str) -> list[tuple[str, ...]]:
    return [kernel.layers for kernel in LOWERINGS[lowering].lower(net)]


def read_by(program: Program, tensor: str) -> list[int]:
    """The tasks that read a tensor, one entry for each cell."""
    number = [each.name for each in program.tensors].index(tensor)
    read = (program.cell_tensor[program.touch_cell] == number) & ~program.touch_write
    return [int(task) for task in program.touch_task[read]]


class TestEager:
    def test_every_layer_that_moves_something_is_a_kernel(self) -> None:
        net = network(
            Node("c", Conv(out=4), ("x",)),
            Node("n", BatchNorm(), ("c",)),
            Node("d", Dropout(), ("n",)),
            Node("s", Slice(start=1, stop=3), ("d",)),
            Node("k", Concat(), ("s", "d")),
            Node("f", Flatten(), ("k",)),
        )
        assert layers(net, "eager") == [("c",), ("n",), ("k",)]
        kernels = lowered(net, "eager")
        assert kernels["n"].stored == 4
        assert kernels["k"].output_role is Role.CONCAT
        (operand,) = kernels["k"].operands
        parts = [(each.tensor, each.start, each.stop) for each in operand.view.segments]
        assert parts == [("n", 1, 3), ("n", 0, 4)]
        assert operand.role is Role.CONCAT

    def test_a_slice_that_leaves_is_copied(self) -> None:
        net = network(Node("s", Slice(stop=1), ("x",)), Node("r", Relu(), ("s",)))
        assert layers(net, "eager") == [("r",)]
        net = network(*net.nodes[1:], outputs=["s", "r"])
        assert layers(net, "eager") == [("s",), ("r",)]

    def test_the_first_operand_is_an_activation_and_the_others_are_residuals(self) -> None:
        net = network(Node("a", Add(), ("x", "x", "x")))
        roles = [each.role for each in lowered(net, "eager")["a"].operands]
        assert roles == [Role.ACTIVATION, Role.RESIDUAL, Role.RESIDUAL]


@pytest.mark.parametrize("lowering", FUSING)
class TestFollowers:
    def test_a_batch_norm_after_a_convolution_costs_one_number_per_channel(
        self, lowering: str
    ) -> None:
        for bias, stored in ((False, 2 * 9 + 1), (True, 2 * 9 + 1)):
            conv = Node("c", Conv(out=4, kernel=3, bias=bias), ("x",))
            net = network(conv, Node("n", BatchNorm(), ("c",)), Node("r", Relu(), ("n",)))
            (kernel,) = lowered(net, lowering).values()
            assert (kernel.layers, kernel.stored, kernel.work) == (("c", "n", "r"), stored, 1)

    def test_a_second_batch_norm_is_no_part_of_the_weights(self, lowering: str) -> None:
        net = network(
            Node("c", Conv(out=4), ("x",)),
            Node("n", BatchNorm(), ("c",)),
            Node("m", BatchNorm(), ("n",)),
        )
        (kernel,) = lowered(net, lowering).values()
        assert (kernel.stored, kernel.work) == (2 + 1 + 2, 1)

    def test_a_batch_norm_after_an_activation_is_none_either(self, lowering: str) -> None:
        net = network(
            Node("c", Conv(out=4), ("x",)),
            Node("r", Relu(), ("c",)),
            Node("n", BatchNorm(), ("r",)),
        )
        (kernel,) = lowered(net, lowering).values()
        assert (kernel.stored, kernel.work) == (2 + 2, 2)

    def test_a_batch_norm_after_an_add_keeps_its_two_numbers(self, lowering: str) -> None:
        net = network(Node("a", Add(), ("x", "x")), Node("n", BatchNorm(), ("a",)))
        (kernel,) = lowered(net, lowering).values()
        assert (kernel.layers, kernel.stored, kernel.work) == (("a", "n"), 2, 2)

    def test_a_pool_absorbs_nothing(self, lowering: str) -> None:
        net = network(Node("p", MaxPool(kernel=2), ("x",)), Node("r", Relu(), ("p",)))
        assert layers(net, lowering) == [("p",), ("r",)]

    def test_what_leaves_or_has_two_readers_is_written(self, lowering: str) -> None:
        conv, relu = Node("c", Conv(out=4), ("x",)), Node("r", Relu(), ("c",))
        assert layers(network(conv, relu, outputs=["c", "r"]), lowering) == [("c",), ("r",)]
        other = Node("m", MaxPool(kernel=2), ("c",))
        assert layers(network(conv, relu, other), lowering) == [("c",), ("r",), ("m",)]

    def test_what_leaves_through_a_view_is_written(self, lowering: str) -> None:
        conv, view = Node("c", Conv(out=4), ("x",)), Node("d", Dropout(), ("c",))
        net = network(conv, view, Node("r", Relu(), ("c",)), outputs=["d", "r"])
        assert layers(net, lowering) == [("c",), ("r",)]

    def test_an_add_runs_with_the_later_of_its_operands(self, lowering: str) -> None:
        net = network(
            Node("a", Conv(out=4), ("x",)),
            Node("b", Conv(out=4), ("x",)),
            Node("s", Add(), ("a", "b")),
            Node("r", Relu(), ("s",)),
        )
        assert layers(net, lowering) == [("a",), ("b", "s", "r")]
        kernel = lowered(net, lowering)["b"]
        assert kernel.own == 1
        assert [each.role for each in kernel.operands] == [Role.ACTIVATION, Role.RESIDUAL]
        assert kernel.operands[1].view.segments[0].tensor == "a"
        assert kernel.work == 1 + 1

    def test_a_gate_is_a_residual_of_the_map_that_it_scales(self, lowering: str) -> None:
        net = network(
            Node("p", GlobalAvgPool(), ("x",)),
            Node("g", Conv(out=4), ("p",)),
            Node("c", Conv(out=4), ("x",)),
            Node("m", Mul(), ("c", "g")),
        )
        assert layers(net, lowering) == [("p",), ("g",), ("c", "m")]
        assert lowered(net, lowering)["c"].operands[1].view.segments[0].tensor == "g"

    def test_a_gate_that_comes_last_does_not_absorb_its_map(self, lowering: str) -> None:
        net = network(
            Node("c", Conv(out=4), ("x",)),
            Node("p", GlobalAvgPool(), ("c",)),
            Node("g", Conv(out=4), ("p",)),
            Node("m", Mul(), ("c", "g")),
        )
        assert layers(net, lowering) == [("c",), ("p",), ("g",), ("m",)]

    def test_a_flattened_map_is_a_residual_of_a_linear_layer(self, lowering: str) -> None:
        net = network(
            Node("f", Flatten(), ("x",)),
            Node("p", GlobalAvgPool(), ("x",)),
            Node("l", Linear(out=32), ("p",)),
            Node("s", Add(), ("l", "f")),
        )
        assert layers(net, lowering) == [("p",), ("l", "s")]

    def test_each_tile_of_a_linear_layer_reads_its_share_of_a_flattened_residual(
        self, lowering: str
    ) -> None:
        net = network(
            Node("c", Conv(out=3, kernel=1), ("x",)),
            Node("f", Flatten(), ("c",)),
            Node("g", Flatten(), ("x",)),
            Node("l", Linear(out=48), ("g",)),
            Node("s", Add(), ("f", "l")),
        )
        program = build(net, buffer=220, lowering=lowering)
        assert [kernel.layers for kernel in program.kernels] == [("c",), ("l", "s")]
        (linear,) = np.flatnonzero([kernel.name == "l" for kernel in program.kernels])
        tasks = np.flatnonzero(program.task_kernel == linear)
        assert len(tasks) > 3  # more tiles than channels of the map
        (number,) = (i for i, each in enumerate(program.tensors) if each.name == "c")
        cells = np.flatnonzero(program.cell_tensor == number)
        read = program.touch_cell[~program.touch_write]
        assert np.sort(read[np.isin(read, cells)]).tolist() == cells.tolist()  # each once
        assert len(set(read_by(program, "c"))) == 3  # a channel at a time

    def test_a_part_of_a_flattened_map_is_no_residual(self, lowering: str) -> None:
        net = network(
            Node("f", Flatten(), ("x",)),
            Node("t", Slice(stop=4), ("f",)),
            Node("p", GlobalAvgPool(), ("x",)),
            Node("l", Linear(out=4), ("p",)),
            Node("s", Add(), ("l", "t")),
        )
        assert layers(net, lowering) == [("p",), ("l",), ("s",)]

    def test_what_treats_all_elements_alike_is_fused_through_a_flatten(self, lowering: str) -> None:
        conv = Node("c", Conv(out=4), ("x",))
        view, relu = Node("f", Flatten(), ("c",)), Node("r", Relu(), ("f",))
        linear = Node("l", Linear(out=2), ("r",))
        assert layers(network(conv, view, relu, linear), lowering) == [("c", "r"), ("l",)]
        pool, conv = Node("p", GlobalAvgPool(), ("x",)), Node("c", Conv(out=4), ("p",))
        assert layers(network(pool, conv, view, relu), lowering) == [("p",), ("c", "f", "r")]

    def test_a_sum_of_flattened_maps_is_a_sum_of_maps(self, lowering: str) -> None:
        net = network(
            Node("c", Conv(out=2), ("x",)),
            Node("f", Flatten(), ("c",)),
            Node("g", Flatten(), ("x",)),
            Node("s", Add(), ("f", "g")),
            Node("l", Linear(out=2), ("s",)),
        )
        assert layers(net, lowering) == [("c", "s"), ("l",)]
        kernel = lowered(net, lowering)["c"]
        assert kernel.output.image == (2, 4, 4)
        assert not kernel.operands[1].view.flat

    def test_numbers_of_a_column_s_own_are_not_fused_into_a_map(self, lowering: str) -> None:
        conv = Node("c", Conv(out=4), ("x",))
        view, norm = Node("f", Flatten(), ("c",)), Node("n", BatchNorm(), ("f",))
        assert layers(network(conv, view, norm), lowering) == [("c",), ("n",)]

    def test_a_slice_of_all_channels_is_followed(self, lowering: str) -> None:
        conv, part = Node("c", Conv(out=4), ("x",)), Node("s", Slice(), ("c",))
        assert layers(network(conv, part, Node("r", Relu(), ("s",))), lowering) == [("c", "r")]
        assert layers(network(conv, part), lowering) == [("c",)]

    def test_a_sum_waits_for_what_is_listed_after_the_only_layer_that_can_fuse_it(
        self, lowering: str
    ) -> None:
        conv = Node("c", Conv(out=2), ("x",))
        other = Node("p", MaxPool(kernel=1), ("x",))
        add = Node("s", Add(), ("c", "p"))
        assert layers(network(conv, other, add), lowering) == [("p",), ("c", "s")]
        assert layers(network(other, conv, add), lowering) == [("p",), ("c", "s")]

    def test_what_no_output_needs_is_not_executed(self, lowering: str) -> None:
        conv = Node("c", Conv(out=4), ("x",))
        relu = Node("r", Relu(), ("c",))
        dead = (Node("d", Conv(out=4), ("c",)), Node("e", Dropout(), ("d",)))
        assert layers(network(conv, relu, *dead, outputs=["r"]), lowering) == [("c", "r")]


class TestConcatFree:
    DENSE = (
        Node("p", MaxPool(kernel=1), ("x",)),
        Node("k", Concat(), ("x", "p")),
        Node("n", BatchNorm(), ("k",)),
        Node("r", Relu(), ("n",)),
        Node("c", Conv(out=3, kernel=1), ("r",)),
    )

    def test_a_concat_and_what_a_convolution_applies_as_it_loads_are_no_kernels(self) -> None:
        net = network(*self.DENSE)
        assert layers(net, "fused") == [("p",), ("k",), ("n", "r"), ("c",)]
        assert layers(net, "concat_free") == [("p",), ("c",)]
        (operand,) = lowered(net, "concat_free")["c"].operands
        assert [each.tensor for each in operand.view.segments] == ["x", "p"]
        steps = operand.view.prologue
        assert [[(each.name, each.stored, each.channels) for each in step] for step in steps] == [
            [("n.weight", 2, operand.view.shape[0])],
            [],
        ]

    def test_a_prologue_works_on_every_element_loaded(self) -> None:
        program = build(network(*self.DENSE), buffer=1 << 20, lowering="concat_free")
        kernel = program.kernels[-1]
        assert (kernel.load_work, kernel.work) == (2, 0)
        assert program.task_work.tolist() == [2 * 16, 2 * (4 * 16)]  # a pool of one; 4 channels

    def test_a_prologue_works_again_on_what_is_loaded_again(self) -> None:
        # Two blocks of output channels read all input channels each.
        net = network(*self.DENSE[:4], Node("c", Conv(out=64), ("r",)))
        program = build(net, buffer=32 * 16 * 4 + 8 * (16 + 32), lowering="concat_free")
        work = program.task_work[program.task_kernel == 1]
        assert work.tolist() == [2 * (4 * 16)] * 2

    def test_a_prologue_s_numbers_are_read_by_the_first_task_alone(self) -> None:
        net = network(*self.DENSE, batch=3)
        program = build(net, buffer=1 << 20, lowering="concat_free", images="apart")
        first = int(np.flatnonzero(program.task_kernel == 1)[0])
        assert read_by(program, "n.weight") == [first]
        assert read_by(program, "c.weight") == [first, first + 1, first + 2]
        (norm,) = (each for each in program.tensors if each.name == "n.weight")
        assert norm.nbytes == 4 * 2 * 4

    def test_what_two_layers_read_is_written(self) -> None:
        other = Node("e", Conv(out=3), ("r",))
        net = network(*self.DENSE, other)
        assert layers(net, "concat_free") == [("p",), ("n", "r"), ("c",), ("e",)]

    def test_what_no_convolution_reads_is_written(self) -> None:
        net = network(*self.DENSE[:-1], Node("m", MaxPool(kernel=2), ("r",)))
        assert layers(net, "concat_free") == [("p",), ("n", "r"), ("m",)]

    def test_of_a_concat_that_leaves_only_an_input_is_copied(self) -> None:
        assert layers(network(*self.DENSE[:2]), "concat_free") == [("p",), ("k",)]
        kernels = lowered(network(*self.DENSE[:2]), "concat_free")
        (operand,) = kernels["k"].operands
        assert [each.tensor for each in operand.view.segments] == ["x"]
        assert kernels["p"].leaves
        assert kernels["k"].leaves
