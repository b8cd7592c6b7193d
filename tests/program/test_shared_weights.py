"""Shared weights in a program: one tensor, read by several kernels. All numbers by hand."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import memsim
from memsim.engines.cache.cachepass import cache_pass
from memsim.network import Network, Node
from memsim.network.ops import Operator
from memsim.network.ops.conv import Conv
from memsim.network.ops.linear import Linear
from memsim.network.ops.pointwise import BatchNorm, Relu
from memsim.network.ops.shape import Input
from memsim.program import Program
from memsim.program.kernel import Cause, Role
from memsim.program.library.build import build_library

W = 8 * 8 * 9 * 4
"""Bytes of the weights of 3x3 convolutions of 8 channels."""
VECTOR = 8 * 4
"""Bytes of one number per channel."""

Step = tuple[str, Operator, str]
"""A name, an operator, and whose weights it reads."""


def chain(*steps: Step, bias_of: str = "") -> Network:
    """Layers one after the other, on 8 channels of 16x16."""

    def nodes() -> Iterator[Node]:
        last = "x"
        yield Node(last, Input(shape=(8, 16, 16)))
        for name, op, weights in steps:
            bias = bias_of if op.biased and weights else ""
            yield Node(name, op, (last,), weights=weights, bias=bias)
            last = name

    return Network("chain", nodes())


def conv(name: str, weights: str = "", bias: bool = False) -> Step:
    return name, Conv(out=8, kernel=3, bias=bias), weights


def norm(name: str, weights: str = "") -> Step:
    return name, BatchNorm(), weights


def built(network: Network, lowering: str = "fused") -> Program:
    return memsim.build(network, buffer="4KiB", lowering=lowering)


def sizes(program: Program) -> dict[str, int]:
    return {each.name: each.nbytes for each in program.tensors if each.kind == "weight"}


def moved(program: Program, capacity: int, cause: Cause) -> list[int]:
    """Bytes of weights by kernel, at a cache size."""
    return cache_pass(program, capacity).traffic[:, Role.WEIGHT, cause].tolist()


class TestReuse:
    def test_a_cache_that_holds_them_keeps_them_between_the_layers(self):
        program = built(chain(conv("a"), conv("b", "a")))
        assert sizes(program) == {"a.weight": W}
        assert program.weight_bytes == program.compulsory_weight_bytes == W
        assert moved(program, 1 << 20, Cause.COMPULSORY) == [W, 0]
        assert moved(program, 1 << 20, Cause.RELOAD) == [0, 0]

    def test_without_a_cache_only_the_first_fetch_is_compulsory(self):
        network = chain(conv("a"), conv("b", "a"))
        program = memsim.build(network, buffer="1MiB", tile="whole")
        assert moved(program, 0, Cause.COMPULSORY) == [W, 0]
        assert moved(program, 0, Cause.RELOAD) == [0, W]

    def test_they_live_until_their_last_use(self):
        program = built(chain(conv("a"), conv("b"), conv("c", "a")))
        first, last = (span[[t.name for t in program.tensors].index("a.weight")]
                       for span in program.tensor_spans)  # fmt: skip
        assert program.task_kernel[first] == 0
        assert program.task_kernel[last] == 2

    def test_the_curve_says_the_same(self):
        curve = memsim.curve(chain(conv("a"), conv("b", "a")), machine="textbook", only="weights")
        for size in (0, 1000, W, 10_000, 1 << 20):
            run = memsim.run(curve.program.network, cache=size, machine="textbook")
            assert curve.dram_bytes(size) == run.by_role["weight"]

    def test_uses_may_cut_them_at_different_channels(self):
        # The second convolution's maps have other sizes, so its channel blocks end elsewhere.
        nodes = [
            Node("x", Input(shape=(12, 40, 40))),
            Node("a", Conv(out=12, kernel=3), ("x",)),
            Node("b", Conv(out=12, kernel=3, stride=5), ("a",), weights="a"),
        ]
        program = memsim.build(Network("n", nodes), buffer="3KiB", lowering="eager")
        cells = program.cell_box[[program.tensors[t].kind == "weight" for t in program.cell_tensor]]
        edges = {int(edge) for edge in cells[:, 3:].ravel()}
        touched: dict[int, set[int]] = {0: set(), 1: set()}
        for touch in np.flatnonzero(program.touch_role == Role.WEIGHT):
            kernel = int(program.task_kernel[program.touch_task[touch]])
            touched[kernel].add(int(program.touch_cell[touch]))
        assert touched[0] == touched[1]  # both read all of it
        assert len(edges) > 2
        assert program.weight_bytes == 12 * 12 * 9 * 4

    def test_frames_share_them_as_well(self):
        result = memsim.run(
            chain(conv("a"), conv("b", "a")), cache="1MiB", frames=3, machine="textbook"
        )
        assert result.by_role["weight"] == W


class TestTurned:
    def test_a_decoder_reads_the_columns_of_its_encoders_weights(self):
        # 64 -> 32 -> 64, each cut into blocks of output channels: 32 rows of 64 elements.
        nodes = [
            Node("x", Input(shape=(64, 1, 1))),
            Node("e", Linear(out=32, bias=False), ("x",)),
            Node("d", Linear(out=64, bias=False), ("e",), weights="e"),
        ]
        program = memsim.build(Network("tied", nodes), buffer="300B")
        (weights,) = (each for each in program.tensors if each.kind == "weight")
        assert weights.shape == (1, 32, 64, 4)
        assert moved(program, 0, Cause.COMPULSORY) == [32 * 64 * 4, 0]
        assert moved(program, 0, Cause.RELOAD) == [0, 32 * 64 * 4]
        boxes = program.cell_box[program.touch_cell[program.touch_role == Role.WEIGHT]]
        rows, channels = {tuple(box[1:3]) for box in boxes}, {tuple(box[3:]) for box in boxes}
        assert len(rows) > 1  # cut by the decoder
        assert len(channels) > 1  # and by the encoder


class TestFolding:
    def test_the_same_norm_behind_all_uses_is_folded_once(self):
        # A recurrent block. Folding leaves a bias, the same for all.
        steps = [conv("a"), norm("n"), conv("b", "a"), norm("m", "n")]
        program = built(chain(*steps))
        assert sizes(program) == {"a.weight": W, "n.shift": VECTOR}
        assert program.weight_bytes == W + VECTOR

    def test_norms_of_their_own_are_computed(self):
        # The heads of EfficientDet: a scale and a shift per channel each.
        steps = [conv("a"), norm("n"), conv("b", "a"), norm("m")]
        program = built(chain(*steps))
        assert sizes(program) == {"a.weight": W, "n.weight": 2 * VECTOR, "m.weight": 2 * VECTOR}
        works = [kernel.work for kernel in program.kernels]
        alone = built(chain(conv("a"), norm("n"), conv("b"), norm("m")))
        assert [kernel.work for kernel in alone.kernels] == [work - 1 for work in works]

    def test_a_use_without_a_norm_keeps_the_weights_as_they_are(self):
        program = built(chain(conv("a"), norm("n"), conv("b", "a")))
        assert sizes(program) == {"a.weight": W, "n.weight": 2 * VECTOR}

    def test_a_bias_is_part_of_the_shift(self):
        steps = [conv("a", bias=True), norm("n"), conv("b", "a", bias=True), norm("m")]
        program = built(chain(*steps, bias_of="a"))
        assert sizes(program) == {"a.weight": W, "a.scale": 2 * VECTOR, "b.scale": 2 * VECTOR}

    def test_a_bias_is_read_where_there_is_no_norm(self):
        steps = [conv("a", bias=True), norm("n"), conv("b", "a", bias=True)]
        program = built(chain(*steps, bias_of="a"))
        assert sizes(program) == {"a.weight": W, "a.scale": 2 * VECTOR, "a.bias": VECTOR}

    def test_a_product_of_two_maps_has_no_weights_to_fold_into(self):
        network = memsim.loads(
            "{name: n, inputs: {a: [8, 16], b: [16, 4]}, "
            "layers: [{name: m, matmul: {}, from: [a, b]}, {name: n, batchnorm: {}}]}"
        )
        (kernel,) = built(network).kernels
        # A scale and a shift for each of 8 rows of what the product makes, computed.
        assert (kernel.stored, kernel.parameters, kernel.work) == (0, 2 * 8, 1)

    def test_eager_reads_four_vectors_of_a_norm(self):
        steps = [conv("a"), norm("n"), conv("b", "a"), norm("m", "n")]
        assert sizes(built(chain(*steps), "eager")) == {"a.weight": W, "n.weight": 4 * VECTOR}


class TestLowerings:
    def test_a_bias_of_its_own_lies_apart(self):
        network = chain(conv("a", bias=True), conv("b", "a", bias=True))
        for lowering in ("eager", "fused"):
            program = built(network, lowering)
            assert sizes(program) == {"a.weight": W, "a.bias": VECTOR, "b.bias": VECTOR}

    @pytest.mark.parametrize("lowering", ["eager_cudnn", "eager_onednn"])
    def test_kernels_of_libraries_read_them_where_they_lie(self, lowering: str):
        nodes = [
            Node("x", Input(shape=(16, 40, 40))),
            Node("a", Conv(out=16, kernel=3, bias=True), ("x",)),
            Node("r", Relu(), ("a",)),
            Node("b", Conv(out=16, kernel=3, bias=True), ("r",), weights="a", bias="a"),
        ]
        program = memsim.build(Network("n", nodes), buffer="64KiB", lowering=lowering)
        assert sizes(program) == {"a.weight": 16 * 16 * 9 * 4, "a.bias": 64}
        copies = [each.name for each in program.tensors if each.name.endswith(".packed")]
        assert copies == (["a.weight.packed", "b.weight.packed"] * (lowering == "eager_onednn"))

    def test_eager_calls_of_onednn_read_one_address_and_packed_ones_a_copy_each(self):
        nodes = [
            Node("x", Input(shape=(16, 40, 40))),
            Node("a", Conv(out=16, kernel=3, bias=True), ("x",)),
            Node("b", Conv(out=16, kernel=3, bias=True), ("a",), weights="a", bias="a"),
        ]
        found = {
            mode: sizes(build_library(Network("n", nodes), library="onednn-avx2", lowering=mode))
            for mode in ("eager", "fused")
        }
        each = 16 * 16 * 9 * 4
        assert found["eager"] == {"a.weight": each, "a.bias.weight": 64}
        assert found["fused"] == {"a.weight": each, "b.weight": each, "a.bias.weight": 64}
