"""Operators against PyTorch's documented formulas, with values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from memsim.network.ops import OPERATORS, ShapeError
from memsim.network.ops.arrange import Concat, Flatten, Slice
from memsim.network.ops.base import pair, sides
from memsim.network.ops.conv import Conv, ConvTranspose
from memsim.network.ops.linear import Linear
from memsim.network.ops.norm import Softmax
from memsim.network.ops.opaque import Opaque
from memsim.network.ops.pointwise import Add, BatchNorm, LeakyRelu, Mul, Scale
from memsim.network.ops.pool import AdaptiveAvgPool, AvgPool, GlobalAvgPool, MaxPool
from memsim.network.ops.shape import Input, Upsample
from tests.strategies import ACTIVATIONS


def shape(op, *inputs):
    return op.output_shape(inputs)


# torch.nn.Conv2d: floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1)
@pytest.mark.parametrize(
    ("op", "source", "output"),
    [
        (Conv(out=64, kernel=7, stride=2, padding=3), (3, 224, 224), (64, 112, 112)),
        (Conv(out=64, kernel=7, stride=2), (3, 224, 224), (64, 112, 112)),
        (Conv(out=8, kernel=3, stride=2, padding=0), (3, 224, 224), (8, 111, 111)),
        (Conv(out=8, kernel=3, stride=2), (3, 7, 8), (8, 4, 4)),
        (Conv(out=8, kernel=(1, 7)), (3, 17, 17), (8, 17, 17)),
        (Conv(out=8, kernel=(7, 1), padding=(3, 0)), (3, 17, 17), (8, 17, 17)),
        (Conv(out=8, kernel=(7, 1), padding=0), (3, 17, 17), (8, 11, 17)),
        (Conv(out=8, kernel=3, dilation=4), (3, 32, 32), (8, 32, 32)),
        (Conv(out=8, kernel=3, dilation=4, padding=0), (3, 32, 32), (8, 24, 24)),
        (Conv(out=8, kernel=3, stride=(2, 1), padding=(0, 0, 1, 1)), (3, 8, 8), (8, 4, 7)),
        (Conv(out=8, kernel=2, padding="valid"), (3, 8, 8), (8, 7, 7)),
        (Conv(out=8, kernel=2), (3, 8, 8), (8, 7, 7)),  # an even kernel cannot keep the size
        (Conv(out=8, kernel=3, padding=0), (3, 3, 3), (8, 1, 1)),
    ],
)  # fmt: skip
def test_convolution_sizes(op, source, output):
    assert shape(op, source) == output


# torch.nn.ConvTranspose2d: (size - 1) * stride - 2 * padding + dilation * (kernel - 1)
#                           + output_padding + 1
@pytest.mark.parametrize(
    ("op", "output"),
    [
        (ConvTranspose(out=4, kernel=2, stride=2), (4, 14, 14)),
        (ConvTranspose(out=4, kernel=3, stride=2), (4, 15, 15)),
        (ConvTranspose(out=4, kernel=3, stride=2, padding=1, output_padding=1), (4, 14, 14)),
        (ConvTranspose(out=4, kernel=3, stride=2, padding=(0, 0, 1, 1)), (4, 14, 14)),
        (ConvTranspose(out=4, kernel=4, stride=(2, 1), padding=1), (4, 14, 8)),
        (ConvTranspose(out=4, kernel=3, dilation=2), (4, 11, 11)),
    ],
)
def test_transposed_convolution_sizes(op, output):
    assert shape(op, (2, 7, 7)) == output


# torch.nn.MaxPool2d; with ceil_mode, a window that would start in the bottom or right padding
# is left out
@pytest.mark.parametrize(
    ("op", "source", "output"),
    [
        (MaxPool(kernel=3, stride=2, padding=1), (8, 112, 112), (8, 56, 56)),
        (MaxPool(kernel=2), (8, 7, 7), (8, 3, 3)),
        (MaxPool(kernel=2, ceil_mode=True), (8, 7, 7), (8, 4, 4)),
        (MaxPool(kernel=3, stride=2, ceil_mode=True), (8, 112, 112), (8, 56, 56)),
        (MaxPool(kernel=3, stride=2, padding=1, ceil_mode=True), (8, 5, 5), (8, 3, 3)),
        (MaxPool(kernel=2, stride=2, padding=1, ceil_mode=True), (8, 3, 3), (8, 2, 2)),
        (AvgPool(kernel=(2, 1)), (8, 8, 8), (8, 4, 8)),
        (AvgPool(kernel=3, stride=1, padding=1), (8, 8, 8), (8, 8, 8)),
        (AdaptiveAvgPool(size=(3, 5)), (8, 7, 7), (8, 3, 5)),
        (GlobalAvgPool(), (8, 7, 9), (8, 1, 1)),
    ],
)
def test_pool_sizes(op, source, output):
    assert shape(op, source) == output


@pytest.mark.parametrize(
    ("op", "inputs", "output"),
    [
        (Concat(), [(3, 8, 8), (5, 8, 8), (3, 8, 8)], (11, 8, 8)),
        (Add(), [(3, 8, 8), (3, 8, 8)], (3, 8, 8)),
        (Mul(), [(3, 8, 8), (3, 1, 1)], (3, 8, 8)),
        (Mul(), [(3, 1, 1), (3, 8, 8)], (3, 8, 8)),
        (Slice(start=2, stop=5), [(8, 4, 4)], (3, 4, 4)),
        (Slice(start=2), [(8, 4, 4)], (6, 4, 4)),
        (Slice(stop=5), [(8, 4, 4)], (5, 4, 4)),
        (Upsample(factor=(2, 3)), [(8, 4, 4)], (8, 8, 12)),
        (Upsample(size=9, mode="bilinear"), [(8, 4, 4)], (8, 9, 9)),
        (Flatten(), [(8, 4, 3)], (96, 1, 1)),
        (Linear(out=10), [(96, 1, 1)], (10, 1, 1)),
        (Softmax(), [(10, 1, 1)], (10, 1, 1)),
        (BatchNorm(), [(10, 3, 4)], (10, 3, 4)),
        (Input(shape=(3, 4, 5)), [], (3, 4, 5)),
    ],
)
def test_other_sizes(op, inputs, output):
    assert shape(op, *inputs) == output


@pytest.mark.parametrize(
    ("op", "inputs", "message"),
    [
        (Conv(out=8, kernel=9, padding=3), [(3, 2, 20)],
         "a kernel that reaches over 9 is larger than the padded height 8"),
        (Conv(out=8, kernel=3, dilation=5, padding=1), [(3, 20, 8)],
         "a kernel that reaches over 11 is larger than the padded width 10"),
        (MaxPool(kernel=3), [(3, 2, 2)],
         "a kernel that reaches over 3 is larger than the padded height 2"),
        (MaxPool(kernel=3, padding=3), [(3, 8, 8)],
         "a pool's padding is smaller than what its kernel reaches over"),
        (MaxPool(kernel=(4, 1), padding=(0, 1)), [(3, 8, 8)],
         "a pool's padding is smaller than what its kernel reaches over"),
        (Conv(out=8, groups=3), [(4, 8, 8)], "4 input channels do not divide into 3 groups"),
        (Conv(out=8, groups=3), [(6, 8, 8)], "8 output channels do not divide into 3 groups"),
        (ConvTranspose(out=8, padding=1), [(4, 2, 2)], "padding leaves an output of 0x0"),
        (Linear(out=10), [(3, 2, 2)],
         "linear takes a 1x1 feature map, not 3x2x2; put global_avgpool or flatten before it"),
        (Add(), [(3, 8, 8), (4, 8, 8)], "add needs equal channels, not 3 and 4"),
        (Mul(), [(3, 8, 8), (3, 8, 4)], "mul needs equal sizes (or 1), not 8x8 and 8x4"),
        (Concat(), [(3, 8, 8), (3, 4, 8)], "concat needs equal sizes, not 8x8 and 4x8"),
        (Slice(start=3, stop=9), [(8, 1, 1)], "channels 3 to 9 are no slice of 8 channels"),
        (Slice(start=3, stop=3), [(8, 1, 1)], "channels 3 to 3 are no slice of 8 channels"),
        (Upsample(), [(8, 1, 1)], "upsample takes either a factor or a size"),
        (Upsample(factor=2, size=2), [(8, 1, 1)], "upsample takes either a factor or a size"),
        (
            Upsample(factor=2, coordinates="half_pixel"),
            [(8, 1, 1)],
            "upsample takes coordinates for modes bilinear and bicubic alone",
        ),
    ],
)  # fmt: skip
def test_shapes_that_do_not_fit(op, inputs, message):
    with pytest.raises(ShapeError) as error:
        shape(op, *inputs)
    assert str(error.value) == message


class TestCosts:
    """MACs per image and learnable parameters, by hand."""

    @pytest.mark.parametrize(
        ("op", "source", "macs", "params"),
        [
            # 64 * 3 * 7 * 7 = 9,408 weights, each used at 112 * 112 places
            (Conv(out=64, kernel=7, stride=2), (3, 224, 224), 118_013_952, 9_408),
            (Conv(out=10, bias=True), (3, 4, 5), 600, 40),
            (Conv(out=6, kernel=3, groups=6), (6, 4, 4), 864, 54),
            (Conv(out=8, kernel=(1, 3), groups=2), (4, 6, 6), 1_728, 48),
            # 4 * 8 * 3 * 3 weights, each used once for each of 5 * 5 input pixels
            (ConvTranspose(out=8, kernel=3, stride=2), (4, 5, 5), 7_200, 288),
            (ConvTranspose(out=8, kernel=2, stride=2, groups=4, bias=True), (4, 5, 5), 800, 40),
            (Linear(out=1000), (1024, 1, 1), 1_024_000, 1_025_000),
            (Linear(out=10, bias=False), (7, 1, 1), 70, 70),
            (BatchNorm(), (24, 8, 8), 0, 48),
            (MaxPool(kernel=2), (24, 8, 8), 0, 0),
        ],
    )
    def test_macs_and_parameters(self, op, source, macs, params):
        output = op.output_shape((source,))
        assert op.macs((source,), output) == macs
        assert op.learnable((source,), output) == params

    @pytest.mark.parametrize(
        ("op", "sources", "work"),
        [
            *((OPERATORS[kind](), [(3, 4, 4)], 1) for kind in ACTIVATIONS),
            (BatchNorm(), [(3, 4, 4)], 1),
            (Scale(), [(3, 4, 4)], 1),
            (Opaque(op="any", shape=(1, 2, 3)), [(3, 4, 4)], 1),
            (Add(), [(3, 4, 4)] * 2, 1),
            (Mul(), [(3, 4, 4)] * 4, 3),
            (Upsample(factor=2), [(3, 4, 4)], 1),
            (Upsample(factor=2, mode="bilinear"), [(3, 4, 4)], 4),  # four neighbours
            (Softmax(), [(3, 4, 4)], 4),
            (MaxPool(kernel=(2, 3)), [(3, 6, 6)], 6),
            (AdaptiveAvgPool(size=(2, 3)), [(3, 5, 7)], 3 * 3),
            (GlobalAvgPool(), [(3, 4, 5)], 20),
            (Conv(out=3, kernel=3), [(3, 4, 4)], 0),
            (Linear(out=3), [(3, 1, 1)], 0),
            (Concat(), [(3, 4, 4)] * 2, 0),
            (Slice(stop=2), [(3, 4, 4)], 0),
            (Flatten(), [(3, 4, 4)], 0),
        ],
    )
    def test_elementwise_operations_per_output_element(self, op, sources, work):
        assert op.work(tuple(sources), op.output_shape(tuple(sources))) == work

    @pytest.mark.parametrize(
        ("op", "source", "stored"),
        [
            (Conv(out=4, kernel=(2, 3), bias=True), (6, 4, 4), 6 * 6 + 1),
            (Conv(out=4, kernel=3, groups=2), (6, 4, 4), 3 * 9),
            (Linear(out=4), (6, 1, 1), 7),
            (BatchNorm(), (6, 4, 4), 4),
            (MaxPool(kernel=2), (6, 4, 4), 0),
        ],
    )
    def test_numbers_stored_per_output_channel(self, op, source, stored):
        assert op.stored((source,), op.output_shape((source,))) == stored

    def test_classes_of_compute(self):
        source = ((6, 8, 8),)
        assert Conv(out=6, groups=6).op_class(source) == "depthwise"
        assert Conv(out=12, groups=6).op_class(source) == "depthwise"
        assert Conv(out=6, groups=3).op_class(source) == "conv"
        assert Conv(out=6).op_class(((1, 8, 8),)) == "conv"
        assert Linear(out=3).op_class(source) == "linear"
        assert MaxPool(kernel=2).op_class(source) == "elementwise"


class TestInputOfATile:
    """Which rows and channels of the input a tile of the output needs."""

    def rows(self, op, start, stop, source):
        low, high = op.input_rows(
            np.array([start]), np.array([stop]), source, op.output_shape((source,))
        )
        return int(low[0]), int(high[0])

    def channels(self, op, start, stop, source):
        low, high = op.input_channels(
            np.array([start]), np.array([stop]), source, op.output_shape((source,))
        )
        return int(low[0]), int(high[0])

    def test_windows(self):
        assert self.rows(Conv(out=1, kernel=3), 0, 2, (1, 8, 8)) == (-1, 3)
        assert self.rows(Conv(out=1, kernel=3, stride=2), 1, 2, (1, 8, 8)) == (1, 4)
        assert self.rows(Conv(out=1, kernel=3, dilation=2), 3, 4, (1, 8, 8)) == (1, 6)
        assert self.rows(MaxPool(kernel=2), 1, 3, (1, 8, 8)) == (2, 6)

    def test_transposed_windows(self):
        op = ConvTranspose(out=1, kernel=2, stride=2)
        assert self.rows(op, 2, 4, (1, 4, 4)) == (1, 2)
        op = ConvTranspose(out=1, kernel=3, stride=2, padding=1, output_padding=1)
        assert self.rows(op, 1, 2, (1, 4, 4)) == (0, 2)  # an odd row lies between two inputs
        assert self.rows(op, 2, 3, (1, 4, 4)) == (1, 2)

    def test_resizing_by_2(self):
        nearest, bilinear = (Upsample(factor=2, mode=mode) for mode in ("nearest", "bilinear"))
        assert self.rows(nearest, 2, 4, (1, 4, 4)) == (1, 2)
        assert self.rows(bilinear, 2, 4, (1, 4, 4)) == (0, 3)  # places 0.75 and 1.25
        assert self.rows(bilinear, 3, 4, (1, 4, 4)) == (1, 3)
        assert self.rows(bilinear, 0, 1, (1, 4, 4)) == (0, 2)  # no place is above row 0
        assert self.rows(bilinear, 7, 8, (1, 4, 4)) == (3, 4)  # and no row below the last

    def test_resizing_down_takes_two_rows_and_leaves_the_others(self):
        op = Upsample(size=3, mode="bilinear")  # places 1, 4 and 7 of 9
        assert [self.rows(op, row, row + 1, (1, 9, 9)) for row in range(3)] == [
            (1, 3),
            (4, 6),
            (7, 9),
        ]
        # Of 21 rows 10: places 0.55, 2.65, 4.75, ... 19.45.
        op = Upsample(size=10, mode="bilinear")
        assert [self.rows(op, row, row + 1, (1, 21, 21))[0] for row in range(10)] == [
            0, 2, 4, 6, 8, 11, 13, 15, 17, 19,
        ]  # fmt: skip

    def test_the_corners_meet_or_the_edges(self):
        corners = Upsample(size=3, mode="bilinear", coordinates="align_corners")
        assert [self.rows(corners, row, row + 1, (1, 9, 9)) for row in range(3)] == [
            (0, 2),
            (4, 6),
            (8, 9),
        ]
        edges = Upsample(size=3, mode="bilinear", coordinates="asymmetric")
        assert [self.rows(edges, row, row + 1, (1, 9, 9)) for row in range(3)] == [
            (0, 2),
            (3, 5),
            (6, 8),
        ]

    def test_a_height_that_stays_is_copied(self):
        op = Upsample(size=(4, 8), mode="bilinear")
        assert self.rows(op, 1, 3, (1, 4, 4)) == (1, 3)

    def test_groups_and_slices(self):
        assert self.channels(Conv(out=8, groups=2), 0, 4, (6, 1, 1)) == (0, 3)
        assert self.channels(Conv(out=8, groups=2), 2, 6, (6, 1, 1)) == (0, 6)
        assert self.channels(Conv(out=8), 2, 6, (6, 1, 1)) == (0, 6)
        assert self.channels(Slice(start=2), 1, 3, (6, 1, 1)) == (3, 5)
        assert self.channels(BatchNorm(), 1, 3, (6, 1, 1)) == (1, 3)

    def test_adaptive_pools_read_the_rows_of_their_grid(self):
        for source in range(1, 12):
            for output in range(1, 12):
                op = AdaptiveAvgPool(size=(output, 1))
                for row in range(output):  # torch.nn.AdaptiveAvgPool2d
                    first, last = row * source // output, -(-(row + 1) * source // output)
                    assert self.rows(op, row, row + 1, (3, source, 2)) == (first, last)

    def test_global_operators_read_all(self):
        assert self.rows(GlobalAvgPool(), 0, 1, (6, 7, 7)) == (0, 7)
        assert self.channels(Softmax().reader(0, ((6, 1, 1),)), 1, 2, (6, 1, 1)) == (0, 6)


class TestAttributes:
    def test_equal_pairs_are_equal_to_one_number(self):
        assert Conv(out=3, kernel=(3, 3), padding=(1, 1, 1, 1)) == Conv(out=3, kernel=3, padding=1)

    def test_pairs_and_sides(self):
        assert pair(3) == (3, 3)
        assert sides((1, 2)) == (1, 2, 1, 2)
        assert sides((1, 2, 3, 4)) == (1, 2, 3, 4)

    def test_operators_are_values(self):
        assert len({Conv(out=3), Conv(out=3), Conv(out=4)}) == 2
        with pytest.raises(ValidationError):
            Conv(out=3).out = 4

    @pytest.mark.parametrize(
        "attributes",
        [{"out": 0}, {"out": -1}, {"out": True}, {"out": 2.0}, {"out": "3"}, {"out": 1 << 30},
         {"out": 3, "kernel": (3, 0)}, {"out": 3, "kernel": (1, 2, 3, 4)}, {"out": 3, "x": 1},
         {"out": 3, "padding": -1}, {"out": 3, "padding": "smae"}],
    )  # fmt: skip
    def test_attributes_that_make_no_sense(self, attributes):
        with pytest.raises(ValidationError):
            Conv(**attributes)

    def test_the_largest_size_is_2_to_the_24(self):
        assert Conv(out=1 << 24, padding=1 << 24).out == 1 << 24
        for attribute in ("out", "kernel", "padding"):
            with pytest.raises(ValidationError):
                Conv(**{"out": 1, attribute: (1 << 24) + 1})

    @pytest.mark.parametrize("slope", [float("nan"), float("inf"), -0.1, 1.1])
    def test_a_slope_is_a_number_from_0_to_1(self, slope):
        with pytest.raises(ValidationError):
            LeakyRelu(slope=slope)

    def test_every_operator_knows_its_name(self):
        for kind, op in OPERATORS.items():
            assert op.kind == kind
            assert op.__doc__
            assert op.shorthand is None or op.shorthand in op.model_fields
