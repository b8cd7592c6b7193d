"""What ONNX operators become; the ``onnx`` package is not needed for any of it.

Each rule is tried at the forms that look like those that memsim has, and are not.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from memsim.errors import InputError
from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.onnx.patterns import recognise
from memsim.formats.foreign.onnx.rules import RULES
from memsim.formats.foreign.records import Constant, Record


def node(target, inputs, output, shape=None, **attributes):
    """A record, and the shape that ``onnx`` would infer for it."""
    inputs = tuple(inputs.split(" "))
    return Record(output, target, inputs, (output,), attributes, scope=output), shape


def build(*nodes, numbers=None, weights=None, shape=(1, 8, 6, 6), outputs=None):
    records = [record for record, _ in nodes]
    outputs = outputs or [records[-1].outputs[0]]
    stated = {name: shape for record, shape in nodes for name in record.outputs if shape}
    importer = Importer(RULES, stated=stated)
    for name, values in (numbers or {}).items():
        array = np.asarray(values)
        importer.constants[name] = Constant(array.shape, array)
    for name, dims in (weights or {}).items():
        importer.constants[name] = Constant(dims, learned=True)
    importer.input("x", shape)
    importer.run(recognise(records, outputs), outputs)
    return importer.network("net", outputs)


def rows_of(network):
    """Kind and given attributes of every layer but the input."""
    return [
        (layer.op.kind, layer.op.model_dump(exclude_defaults=True)) for layer in list(network)[1:]
    ]


def kinds(network):
    return [kind for kind, _ in rows_of(network)]


# -- a bias that is added afterwards ------------------------------------------------------------

CONV = node("Conv", "x w", "c", pads=[1, 1, 1, 1])
BIAS = {"w": (4, 8, 3, 3), "b": (1, 4, 1, 1)}


def test_a_bias_belongs_to_the_convolution_that_only_it_reads():
    net = build(CONV, node("Add", "c b", "y", (1, 4, 6, 6)), weights=BIAS)
    assert rows_of(net) == [("conv", {"out": 4, "kernel": 3, "bias": True})]


def test_a_product_that_is_read_without_its_bias_too_keeps_none():
    net = build(
        CONV,
        node("Add", "c b", "biased", (1, 4, 6, 6)),
        node("Concat", "c biased", "y", axis=1),
        weights=BIAS,
    )
    assert kinds(net) == ["conv", "parametric", "concat"]
    assert not net["c"].op.bias


def test_a_product_that_is_an_output_as_well_keeps_no_bias():
    add = node("Add", "c b", "y", (1, 4, 6, 6))
    net = build(CONV, add, weights=BIAS, outputs=["y", "c"])
    assert kinds(net) == ["conv", "parametric"]
    assert not net["c"].op.bias


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ((1, 1, 6, 6), "parametric"), ((6,), "parametric"), ((1, 4, 6, 6), "parametric"),
        ((4, 6), "opaque"), ((8,), "opaque"),
    ],
)  # fmt: skip
def test_a_constant_that_is_not_one_number_per_channel_is_no_bias(shape, kind):
    net = build(CONV, node("Add", "c b", "y", (1, 4, 6, 6)), weights={**BIAS, "b": shape})
    assert kinds(net) == ["conv", kind]
    assert net.params == 4 * 8 * 9 + math.prod(shape)


def test_a_second_bias_is_not_added_to_the_first():
    first = node("Conv", "x w b1", "c", pads=[1, 1, 1, 1])
    weights = {**BIAS, "b1": (4,)}
    net = build(first, node("Add", "c b", "y", (1, 4, 6, 6)), weights=weights)
    assert kinds(net) == ["conv", "parametric"]


# -- activations --------------------------------------------------------------------------------


@pytest.mark.parametrize("product", ["x s", "s x"])
def test_a_tensor_times_its_own_sigmoid_is_a_silu(product):
    net = build(node("Sigmoid", "x", "s"), node("Mul", product, "y"))
    assert rows_of(net) == [("silu", {})]


@pytest.mark.parametrize("product", ["a s", "s a"])
@pytest.mark.parametrize(("gate", "kind"), [("Sigmoid", "sigmoid"), ("HardSigmoid", "hardsigmoid")])
def test_a_tensor_times_the_gate_of_another_is_a_product(product, gate, kind):
    """A squeeze-and-excitation, not an activation."""
    net = build(
        node("Relu", "x", "a"), node("Tanh", "x", "b"), node(gate, "b", "s"),
        node("Mul", product, "y"),
    )  # fmt: skip
    assert kinds(net) == ["relu", "tanh", kind, "mul"]
    assert {tensor.name for tensor in net["y"].inputs} == {"a", "s"}


@pytest.mark.parametrize(
    ("low", "high", "kind"),
    [
        (0.0, 6.0, "relu6"), (0.0, math.inf, "relu"), (0.0, None, "relu"), (None, 6.0, "clamp"),
        (0.0, 1.0, "clamp"), (-1.0, 6.0, "clamp"), (-math.inf, math.inf, "clamp"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("old", [False, True])
def test_a_clip_is_an_activation_at_the_bounds_of_one(low, high, kind, old):
    """Its bounds are inputs, in old files attributes."""
    bounds = {"min": low, "max": high}
    bounds = {name: bound for name, bound in bounds.items() if bound is not None}
    if old:
        net = build(node("Clip", "x", "y", (1, 8, 6, 6), **bounds))
    else:
        inputs = " ".join(["x", *(name if name in bounds else "" for name in ("min", "max"))])
        net = build(node("Clip", inputs, "y", (1, 8, 6, 6)), numbers=bounds)
    assert kinds(net) == [kind]


# -- matrix products ----------------------------------------------------------------------------


@pytest.mark.parametrize("transposed", [0, 1])
def test_a_product_with_a_transposed_input_is_no_classifier(transposed):
    """Square, so that the shapes alone do not tell."""
    net = build(
        node("Gemm", "x w", "y", (8, 8), transA=transposed), weights={"w": (8, 8)}, shape=(8, 8)
    )
    assert kinds(net) == ["opaque" if transposed else "linear"]


@pytest.mark.parametrize(("transposed", "weight"), [(0, (8, 5)), (1, (5, 8))])
def test_a_transposed_weight_has_its_features_last(transposed, weight):
    net = build(node("Gemm", "x w", "y", transB=transposed), weights={"w": weight}, shape=(1, 8))
    assert rows_of(net) == [("linear", {"out": 5, "bias": False})]
    with pytest.raises(InputError, match="its weight takes 5 features, its input has 8"):
        build(node("Gemm", "x w", "y", transB=1 - transposed), weights={"w": weight}, shape=(1, 8))


# -- windows ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("automatic", "kernel", "stride", "padding"),
    [
        ("SAME_UPPER", 3, 2, (0, 0, 1, 1)),
        ("SAME_LOWER", 3, 2, (1, 1, 0, 0)),
        ("SAME_UPPER", 4, 1, (1, 1, 2, 2)),
        ("SAME_LOWER", 4, 1, (2, 2, 1, 1)),
        ("SAME_UPPER", 4, 2, 1),
        ("SAME_LOWER", 4, 2, 1),
    ],
)
def test_the_odd_row_of_a_transposed_convolution_is_cut_where_the_file_says(
    automatic, kernel, stride, padding
):
    net = build(
        node("ConvTranspose", "x w", "y", auto_pad=automatic, strides=[stride, stride]),
        weights={"w": (8, 3, kernel, kernel)},
    )
    assert net["y"].op.padding == padding
    assert net["y"].output.shape == (1, 3, 6 * stride, 6 * stride)


@pytest.mark.parametrize(
    ("dilations", "shape", "kind"),
    [([1, 1], (1, 8, 5, 5), "maxpool"), ([2, 2], (1, 8, 4, 4), "maxpool"),
     ([1, 2], (1, 8, 5, 4), "maxpool"), ([2, 1], (1, 8, 4, 5), "maxpool")],
)  # fmt: skip
def test_a_pool_with_its_dilation(dilations, shape, kind):
    net = build(node("MaxPool", "x", "y", shape, kernel_shape=[2, 2], dilations=dilations))
    assert kinds(net) == [kind]
    assert net["y"].output.shape == shape


# -- padding ------------------------------------------------------------------------------------

AROUND = {"p": [0, 0, 0, 0, 0, 0, 1, 1], "q": [0, 0, 1, 1, 0, 0, 0, 0], "zero": [0.0], "one": [1.0]}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("zero", "zero", [("conv", {"padding": (1, 1, 1, 1)})]),
        ("one", "zero", [("pad", {}), ("conv", {"padding": (1, 1, 0, 0)})]),
        ("zero", "one", [("pad", {}), ("pad", {}), ("conv", {"padding": (0, 0, 0, 0)})]),
        ("one", "one", [("pad", {}), ("conv", {"padding": (0, 0, 0, 0)})]),
    ],
)
def test_padding_of_one_kind_is_joined_and_of_two_is_not(first, second, expected):
    net = build(
        node("Pad", f"x p {first}", "a"),
        node("Pad", f"a q {second}", "b"),
        node("Conv", "b w", "y"),
        weights={"w": (4, 8, 3, 3)},
        numbers=AROUND,
    )
    assert kinds(net) == [kind for kind, _ in expected]
    assert net["y"].op.pads() == expected[-1][1]["padding"]
    assert net["y"].output.shape == (1, 4, 6, 6)


def test_padding_with_minus_infinity_becomes_part_of_a_maximum_alone():
    numbers = {**AROUND, "low": [-math.inf]}
    pad = node("Pad", "x p low", "a")
    net = build(
        pad, node("MaxPool", "a", "y", kernel_shape=[2, 2], strides=[2, 2]), numbers=numbers
    )
    assert kinds(net) == ["maxpool"]
    net = build(pad, node("Conv", "a w", "y"), weights={"w": (4, 8, 2, 2)}, numbers=numbers)
    assert kinds(net) == ["pad", "conv"]


# -- reductions, slices, sizes ------------------------------------------------------------------


@pytest.mark.parametrize("axes", [[1], [2], [3], [1, 2], [1, 3], [2, 3], [-1, -2], [1, 2, 3], [0]])
@pytest.mark.parametrize("kept", [0, 1])
def test_a_mean_over_height_and_width_is_a_pool_and_over_other_axes_a_reduction(axes, kept):
    x = np.zeros((1, 8, 6, 6))
    shape = x.mean(axis=tuple(axes), keepdims=bool(kept)).shape
    net = build(node("ReduceMean", "x", "y", shape, axes=axes, keepdims=kept))
    over_map = {axis % 4 for axis in axes} == {2, 3}
    assert kinds(net)[0] == ("global_avgpool" if over_map else "reduce")
    assert {*kinds(net)[1:]} <= {"reshape", "flatten"}
    elements = math.prod(net["y"].output.shape)
    assert elements == math.prod(shape)


@pytest.mark.parametrize(
    ("target", "attributes", "kind"),
    [
        ("LRN", {"size": 5}, "lrn"),
        ("MeanVarianceNormalization", {}, "normalize"),
        ("LpNormalization", {"axis": 1}, "normalize"),
        ("LogSoftmax", {"axis": 1}, "log_softmax"),
        ("ArgMax", {"axis": 1}, "reduce"),
        ("ArgMin", {"axis": 3}, "reduce"),
        ("ReduceL2", {"axes": [1]}, "reduce"),
        ("ReduceSumSquare", {}, "reduce"),
        ("ReduceSumSquare", {"noop_with_empty_axes": 1}, "square"),
        ("ReduceL1", {"noop_with_empty_axes": 1}, "abs"),
        ("ReduceLogSum", {"noop_with_empty_axes": 1}, "log"),
    ],
)
def test_normalisations_and_reductions_are_one_layer(target, attributes, kind):
    assert kinds(build(node(target, "x", "y", **attributes))) == [kind]


@pytest.mark.parametrize(
    ("target", "inputs", "attributes", "kind", "params"),
    [
        ("GroupNormalization", "x s b", {"num_groups": 4}, "group_norm", 16),
        ("InstanceNormalization", "x s b", {}, "instance_norm", 16),
        ("RMSNormalization", "x r", {}, "rms_norm", 6),
        ("SimplifiedLayerNormalization", "x r", {}, "rms_norm", 6),
    ],
)
def test_normalisations_hold_their_parameters(target, inputs, attributes, kind, params):
    weights = {"s": (8,), "b": (8,), "r": (6,)}
    net = build(node(target, inputs, "y", **attributes), weights=weights)
    assert kinds(net) == [kind]
    assert (net.params, net.macs) == (params, 0)


def test_a_layer_norm_may_give_its_mean_and_deviation():
    outputs = ("y", "mean", "deviation")
    norm = (Record("y", "LayerNormalization", ("x", "r"), outputs, {"axis": -1}, scope="y"), None)
    net = build(norm, node("Add", "y mean", "s"), node("Add", "s deviation", "z"),
                weights={"r": (6,)})  # fmt: skip
    assert kinds(net) == ["layernorm", "reduce", "reduce", "add", "add"]
    assert [layer.output.image for layer in net][2:4] == [(8, 6, 1), (8, 6, 1)]


@pytest.mark.parametrize("start", [-9, -8, -3, 0, 2, 7])
@pytest.mark.parametrize("end", [-5, -1, 1, 4, 8, 2**63 - 1])
def test_a_slice_of_the_channels_is_what_python_slices(start, end):
    expected = list(range(8))[start:end]
    row = node("Slice", "x", "y", (1, len(expected), 6, 6), starts=[start], ends=[end], axes=[1])
    if not expected:
        with pytest.raises(InputError, match="output 'y' has no elements"):
            build(row)
        return
    net = build(row, node("Relu", "y", "z"))
    if len(expected) == 8:
        assert kinds(net) == ["relu"]
    else:
        op = net["y"].op
        assert list(range(8))[op.start : op.stop] == expected


@pytest.mark.parametrize(
    ("axis", "step", "kind"), [(2, 1, "slice"), (3, 1, "slice"), (1, 2, "slice"), (1, -1, "flip")]
)
def test_a_slice_along_another_axis_or_with_a_step(axis, step, kind):
    starts, ends = ([0], [3]) if step > 0 else ([7], [-9])
    x = np.zeros((1, 8, 6, 6))
    cut = [slice(None)] * 4
    cut[axis] = slice(starts[0], None if step < 0 else ends[0], step)
    shape = x[tuple(cut)].shape
    numbers = {"starts": starts, "ends": ends, "axes": [axis], "steps": [step]}
    net = build(node("Slice", "x starts ends axes steps", "y", shape), numbers=numbers)
    assert kinds(net) == [kind]
    assert net["y"].output.shape == shape


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (node("Add", "x n", "y"), {"shift": 3.0}),
        (node("Sub", "x n", "y"), {"shift": -3.0}),
        (node("Sub", "n x", "y"), {"factor": -1.0, "shift": 3.0}),
        (node("Mul", "n x", "y"), {"factor": 3.0}),
        (node("Div", "x n", "y"), {"factor": 1 / 3}),
    ],
)
def test_arithmetic_with_a_number_is_a_scale(row, expected):
    assert rows_of(build(row, numbers={"n": [3.0]})) == [("scale", expected)]


def test_a_number_divided_by_a_tensor_is_no_scale():
    assert kinds(build(node("Div", "n x", "y", (1, 8, 6, 6)), numbers={"n": [3.0]})) == ["pow"]


def test_one_minus_a_tensor_is_its_complement_and_a_tensor_minus_one_is_not():
    assert kinds(build(node("Sub", "n x", "y"), numbers={"n": [1.0]})) == ["complement"]
    assert rows_of(build(node("Sub", "x n", "y"), numbers={"n": [1.0]})) == [
        ("scale", {"shift": -1.0})
    ]


@pytest.mark.parametrize(
    ("scales", "expected"),
    [
        ([1.0, 1.0, 2.0, 3.0], {"factor": (2, 3)}),
        ([1.0, 1.0, 1.5, 1.5], {"size": 9}),
        ([1.0, 1.0, 0.5, 0.5], {"size": 3}),
        ([1.0, 1.0, 2.0, 2.4], {"size": (12, 14)}),
    ],
)
def test_resizing_by_whole_factors_is_one_and_by_others_is_to_a_size(scales, expected):
    net = build(node("Resize", "x  scales", "y"), numbers={"scales": scales})
    assert rows_of(net) == [("upsample", expected)]


@pytest.mark.parametrize(
    ("way", "coordinates"),
    [
        ({}, None),
        ({"coordinate_transformation_mode": "pytorch_half_pixel"}, None),
        ({"coordinate_transformation_mode": "align_corners"}, "align_corners"),
        ({"coordinate_transformation_mode": "asymmetric"}, "asymmetric"),
    ],
)
def test_where_pixels_lie_is_kept_for_what_interpolates(way, coordinates):
    sizes = {"sizes": [1, 8, 9, 12]}
    net = build(node("Resize", "x   sizes", "y", mode="linear", **way), numbers=sizes)
    expected = {"size": (9, 12), "mode": "bilinear"}
    if coordinates:
        expected["coordinates"] = coordinates
    assert rows_of(net) == [("upsample", expected)]
    nearest = build(node("Resize", "x   sizes", "y", **way), numbers=sizes)
    assert rows_of(nearest) == [("upsample", {"size": (9, 12)})]


@pytest.mark.parametrize("target", ["Resize", "Upsample"])
def test_the_first_resizing_of_onnx_was_asymmetric(target):
    scales = {"scales": [1.0, 1.0, 2.0, 2.0]}
    net = build(node(target, "x scales", "y", mode="linear"), numbers=scales)
    expected = {"factor": 2, "mode": "bilinear", "coordinates": "asymmetric"}
    assert rows_of(net) == [("upsample", expected)]


@pytest.mark.parametrize(
    "attributes",
    [
        {"coordinate_transformation_mode": "tf_crop_and_resize"},
        {"coordinate_transformation_mode": "tf_crop_and_resize", "mode": "linear"},
    ],
)
def test_resizing_that_also_crops_is_not_understood(attributes):
    scales = {"scales": [1.0, 1.0, 0.5, 0.5]}
    net = build(node("Resize", "x  scales", "y", (1, 8, 3, 3), **attributes), numbers=scales)
    assert kinds(net) == ["opaque"]


@pytest.mark.parametrize("axis", [2, 3, -1])
def test_joining_and_splitting_along_the_map(axis):
    shape = [1, 8, 6, 6]
    shape[axis] = 12
    assert kinds(build(node("Concat", "x x", "y", tuple(shape), axis=axis))) == ["concat"]
    shape[axis] = 3
    split = Record("a", "Split", ("x",), ("a", "b"), {"axis": axis})
    net = build((split, tuple(shape)), node("Add", "a b", "y"))
    assert kinds(net) == ["slice", "slice", "add"]


def test_a_concat_without_an_axis_joins_channels():
    assert kinds(build(node("Concat", "x x", "y"))) == ["concat"]


def test_a_concat_of_different_numbers_of_axes_is_refused():
    with pytest.raises(InputError, match="its inputs have different numbers of axes"):
        build(node("Flatten", "x", "f"), node("Concat", "x f", "y", axis=1))
