"""The questions that operators answer: what each says of itself, and that the answers agree."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsim.network import Network
from memsim.network.ops import OPERATORS, Operator
from memsim.network.ops.arrange import Flatten, Slice
from memsim.network.ops.base import Window
from memsim.network.ops.conv import Conv, ConvTranspose
from memsim.network.ops.linear import Linear
from memsim.network.ops.pointwise import COMBINATIONS, FUNCTIONS, BatchNorm, Relu
from memsim.network.ops.pool import AvgPool, MaxPool
from memsim.network.ops.shape import Dropout
from memsim.program.lowering import LOWERINGS
from tests.strategies import networks

QUESTIONS = (
    "is_input", "elementwise", "in_place", "combines", "folds", "multiplies", "convolves",
    "transposed", "pools", "joins", "view", "copied", "loads",
)  # fmt: skip

ACTIVATION = {"elementwise", "in_place"}
POOL = {"pools"}

YES = {
    "input": {"is_input"},
    "conv": {"multiplies", "convolves"},
    "conv_transpose": {"multiplies", "convolves", "transposed"},
    "linear": {"multiplies"},
    "maxpool": POOL,
    "avgpool": POOL,
    "adaptive_avgpool": POOL,
    "adaptive_maxpool": POOL,
    "global_avgpool": POOL,
    "global_maxpool": POOL,
    "batchnorm": {"elementwise", "folds"},
    "relu": ACTIVATION,
    "relu6": ACTIVATION,
    "leaky_relu": ACTIVATION,
    "sigmoid": ACTIVATION,
    "tanh": ACTIVATION,
    "silu": ACTIVATION,
    "hardswish": ACTIVATION,
    "hardsigmoid": ACTIVATION,
    "gelu": ACTIVATION,
    "complement": ACTIVATION,
    "scale": ACTIVATION,
    "quantize": {"elementwise"},
    "dynamic_quantize": set(),
    "dequantize": {"elementwise", "loads"},
    "cast": {"elementwise"},
    "add": {*ACTIVATION, "combines"},
    "mul": {*ACTIVATION, "combines"},
    **dict.fromkeys(FUNCTIONS, ACTIVATION),
    **{kind: {*ACTIVATION, "combines"} for kind in COMBINATIONS},
    "clamp": ACTIVATION,
    "pow": ACTIVATION,
    "parametric": ACTIVATION,
    "prelu": ACTIVATION,
    "scale_shift": {"elementwise", "folds"},
    "concat": {"joins"},
    "slice": set(),
    "reshape": {"view"},
    "permute": {"copied"},
    "matmul": {"multiplies"},
    "layernorm": set(),
    "lppool": POOL,
    "max_unpool": set(),
    "expand": set(),
    "tile": {"copied"},
    "channel_shuffle": {"copied"},
    "pixel_shuffle": {"copied"},
    "pixel_unshuffle": {"copied"},
    "pad": set(),
    "roll": set(),
    "flip": set(),
    "gather": set(),
    "gather_elements": set(),
    "embedding": set(),
    "scatter": set(),
    "windows": set(),
    "im2col": set(),
    "col2im": set(),
    "grid_sample": set(),
    "computed_conv": {"multiplies"},
    "deform_conv": {"multiplies"},
    "roi_align": set(),
    "chosen": set(),
    "log_softmax": set(),
    "rms_norm": set(),
    "group_norm": set(),
    "instance_norm": set(),
    "lrn": set(),
    "normalize": set(),
    "reduce": set(),
    "attention": {"multiplies"},
    "rnn": {"multiplies"},
    "gru": {"multiplies"},
    "lstm": {"multiplies"},
    "parameter": set(),
    "upsample": set(),
    "flatten": {"view"},
    "softmax": set(),
    "dropout": {"view"},
    "identity": {"view"},
    "opaque": set(),
}


@pytest.mark.parametrize("kind", sorted(OPERATORS))
def test_an_operator_says_what_it_is(kind: str) -> None:
    operator = OPERATORS[kind]
    assert {each for each in QUESTIONS if getattr(operator, each)} == YES[kind]


@pytest.mark.parametrize("kind", ["relu", "exp", "greater_equal", "where"])
def test_an_operator_can_be_pickled(kind: str) -> None:
    operator = OPERATORS[kind]()
    assert pickle.loads(pickle.dumps(operator)) == operator


@given(networks())
def test_answers_agree_with_what_the_operator_does(network: Network) -> None:
    for layer in network:
        op = layer.op
        assert (layer.macs > 0) == op.multiplies
        assert op.op_class(layer.shapes) in (
            {"conv", "depthwise"} if op.convolves else {"linear"} if op.multiplies
            else {"elementwise"}
        )  # fmt: skip
        assert op.biased <= op.multiplies
        assert op.is_input == (op.arity == (0, 0))
        if op.elementwise:
            assert op.combines == (len(layer.inputs) > 1)
            assert op.activates == (not op.combines and not layer.weights)
        if op.view:
            assert layer.output.size == layer.inputs[0].size
        if op.joins:
            assert layer.output.size == sum(tensor.size for tensor in layer.inputs)


@given(networks())
def test_what_is_selected_is_what_is_read(network: Network) -> None:
    for layer in network:
        selected = layer.op.selects(layer.shapes)
        if selected is not None:
            (source,), output = layer.shapes, layer.output.image
            assert layer.op.input_channels(0, output[0], source, output) == selected
            assert output == (selected[1] - selected[0], *source[1:])


def test_a_slice_without_an_end_goes_to_the_last_channel() -> None:
    assert Slice(start=3).selects(((8, 4, 4),)) == (3, 8)
    assert Slice(start=3, stop=5).selects(((8, 4, 4),)) == (3, 5)


@pytest.mark.parametrize(
    ("op", "window"),
    [
        (Conv(out=8, kernel=3), Window((3, 3), (1, 1), (1, 1, 1, 1))),
        (
            Conv(out=8, kernel=(1, 5), stride=(2, 1), dilation=2, groups=4, padding="valid"),
            Window((1, 5), (2, 1), (0, 0, 0, 0), (2, 2), 4),
        ),
        (
            ConvTranspose(out=8, kernel=4, stride=2, padding=1),
            Window((4, 4), (2, 2), (1, 1, 1, 1)),
        ),
        (MaxPool(kernel=3), Window((3, 3), (3, 3))),
        (AvgPool(kernel=(2, 3), stride=1, padding=(0, 1)), Window((2, 3), (1, 1), (0, 1, 0, 1))),
        (OPERATORS["global_avgpool"](), None),
        (Linear(out=8), None),
        (Relu(), None),
    ],
)
def test_the_window_is_the_attributes(op: Operator, window: Window | None) -> None:
    assert op.window == window


@given(networks(), st.data())
def test_the_rows_read_are_those_under_the_window(network: Network, data: st.DataObject) -> None:
    for layer in network:
        window = layer.op.window
        if window is None or layer.op.transposed:
            continue
        row = data.draw(st.integers(0, layer.output.shape[2] - 1))
        first, last = layer.op.input_rows(row, row + 1, layer.shapes[0], layer.output.image)
        assert first == row * window.stride[0] - window.padding[0]
        assert last - first == window.dilation[0] * (window.kernel[0] - 1) + 1


@given(networks())
def test_the_rows_read_depend_on_rows_alone(network: Network) -> None:
    for lowering in ("eager", "concat_free"):
        for kernel in LOWERINGS[lowering].lower(network):
            for number, operand in enumerate(kernel.operands):
                source, output = kernel.source(number).box, kernel.output.image.box
                row = np.arange(output[1])
                asked = [(source, output), ((1, source[1], 1), (1, output[1], 1))]
                whole, alone = (operand.op.touched_rows(row, *boxes) for boxes in asked)
                assert all(np.array_equal(*pair) for pair in zip(whole, alone, strict=True))
                whole, alone = (operand.op.input_rows(row, row + 1, *boxes) for boxes in asked)
                assert all(np.array_equal(*pair) for pair in zip(whole, alone, strict=True))


def test_convolutions_that_differ_in_their_channels_read_the_same_rows() -> None:
    one, other = Conv(out=8, kernel=3, stride=2), Conv(out=24, kernel=3, stride=2, groups=4)
    assert one.reads_rows_by == other.reads_rows_by
    for different in (Conv(out=8, kernel=3), Conv(out=8, kernel=3, stride=2, padding=0)):
        assert one.reads_rows_by != different.reads_rows_by
    # A transposed one is never taken for a plain one.
    assert one.reads_rows_by != ConvTranspose(out=8, kernel=3, stride=2).reads_rows_by


def test_a_bias_is_one_parameter_per_output_channel() -> None:
    shape, image = ((4, 8, 8),), (16, 8, 8)
    for op in (Conv, ConvTranspose):
        plain, biased = op(out=16, kernel=1), op(out=16, kernel=1, bias=True)
        assert (plain.biased, biased.biased) == (False, True)
        assert biased.stored(shape, image) == plain.stored(shape, image) + 1
    assert (Linear(out=2).biased, Linear(out=2, bias=False).biased) == (True, False)


def test_a_folded_batch_norm_keeps_a_scale_and_a_shift() -> None:
    shapes, image = ((4, 8, 8),), (4, 8, 8)
    assert (BatchNorm().stored(shapes, image), BatchNorm().folded(shapes, image)) == (4, 2)
    conv = Conv(out=4, kernel=3)
    assert conv.folded(shapes, image) == conv.stored(shapes, image)


def test_a_view_of_the_same_shape_renames_and_a_flatten_of_a_map_does_not() -> None:
    from memsim.formats.architecture.file import from_text

    network = from_text(
        "name: t\ninput: [8, 4, 4]\nlayers:\n  - dropout: 0.5\n  - relu\n  - flatten\n"
    )
    renames = {layer.op.kind: layer.renames for layer in network if layer.inputs}
    assert renames == {"dropout": True, "relu": False, "flatten": False}
    assert (Dropout().view, Flatten().view) == (True, True)
