"""What ATen operators become; PyTorch is not needed for any of it."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from memsim.errors import InputError
from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.records import Constant, Record
from memsim.formats.foreign.torch.rules import RULES
from memsim.formats.foreign.unknown import unknown_operators

CONV = {"stride": [1, 1], "padding": [1, 1], "dilation": [1, 1], "groups": 1}


def build(*records, constants=None, shape=(1, 8, 6, 6), outputs=None):
    importer = Importer(RULES)
    for name, dims in (constants or {}).items():
        importer.constants[name] = Constant(dims, learned=True)
    importer.input("x", shape)
    importer.run(records, outputs or [records[-1].outputs[0]])
    return importer.network("net", outputs or [records[-1].outputs[0]])


def record(target, inputs="x", shape=None, name="", **attributes):
    name = name or target
    shapes = (shape,) if shape is None or isinstance(shape[0], int) else tuple(shape)
    outputs = tuple(f"{name}:{i}" if i else name for i in range(len(shapes)))
    return Record(name, target, tuple(inputs.split()), outputs, attributes, shapes)


def kinds(network):
    return [layer.op.kind for layer in network]


def attributes(network, position=-1):
    return list(network)[position].op.model_dump(exclude_defaults=True)


@pytest.mark.parametrize("target", ["conv2d", "convolution", "_convolution"])
def test_a_convolution_by_each_of_its_names(target):
    given = {**CONV, "transposed": False, "output_padding": [0, 0]}
    net = build(
        record(target, "x w b", (1, 4, 6, 6), **given), constants={"w": (4, 8, 3, 3), "b": (4,)}
    )
    assert attributes(net) == {"out": 4, "kernel": 3, "bias": True}
    assert net.params == 4 * 8 * 9 + 4


def test_same_padding_of_an_even_kernel_has_its_larger_half_at_the_end():
    given = {**CONV, "padding": "same"}
    net = build(record("conv2d", "x w ", (1, 4, 6, 6), **given), constants={"w": (4, 8, 2, 4)})
    assert attributes(net)["padding"] == (0, 1, 1, 2)


def test_a_grouped_transposed_convolution():
    given = {"stride": [2, 2], "padding": [1, 1], "output_padding": [1, 1], "groups": 2,
             "dilation": [1, 1]}  # fmt: skip
    net = build(
        record("conv_transpose2d", "x w", (1, 6, 12, 12), **given), constants={"w": (8, 3, 3, 3)}
    )
    assert kinds(net) == ["input", "conv_transpose"]
    assert net.params == 8 * 3 * 9
    assert net.macs == 8 * 36 * 3 * 9


def test_padding_before_a_convolution_becomes_part_of_it():
    net = build(
        record("constant_pad_nd", "x", (1, 8, 7, 7), pad=[0, 1, 0, 1], value=0.0),
        record("conv2d", "constant_pad_nd w", (1, 4, 7, 7), **CONV),
        constants={"w": (4, 8, 3, 3)},
    )
    assert kinds(net) == ["input", "conv"]
    assert attributes(net)["padding"] == (1, 1, 2, 2)


def test_padding_with_ones_stays_a_layer_of_its_own():
    net = build(
        record("constant_pad_nd", "x", (1, 8, 7, 7), pad=[0, 1, 0, 1], value=1.0),
        record("conv2d", "constant_pad_nd w", (1, 4, 7, 7), **CONV),
        constants={"w": (4, 8, 3, 3)},
    )
    assert kinds(net) == ["input", "pad", "conv"]
    assert attributes(net, 1) == {"pads": (0, 0, 0, 0, 1, 1), "value": 1.0}


def test_a_copy_that_two_operators_read_is_one_layer():
    net = build(
        record("constant_pad_nd", "x", (1, 8, 7, 7), pad=[0, 1, 0, 1], value=1.0),
        record("relu", "constant_pad_nd", (1, 8, 7, 7), "a"),
        record("sigmoid", "constant_pad_nd", (1, 8, 7, 7), "b"),
        outputs=["a", "b"],
    )
    assert kinds(net) == ["input", "pad", "relu", "sigmoid"]


@pytest.mark.parametrize(
    ("first", "second", "pads"),
    [
        (0.0, 0.0, [(1, 1, 1, 1)]),
        (1.0, 0.0, [None, (1, 1, 0, 0)]),
        (0.0, 1.0, [None, None, (0, 0, 0, 0)]),
        (1.0, 1.0, [None, (0, 0, 0, 0)]),
    ],
)
def test_padding_of_one_kind_is_joined_and_of_two_is_not(first, second, pads):
    net = build(
        record("pad", "x", (1, 8, 7, 7), "a", pad=[0, 1, 0, 1], mode="constant", value=first),
        record("pad", "a", (1, 8, 8, 8), "b", pad=[1, 0, 1, 0], mode="constant", value=second),
        record("conv2d", "b w", (1, 4, 6, 6), **{**CONV, "padding": [0, 0]}),
        constants={"w": (4, 8, 3, 3)},
    )
    assert kinds(net) == ["input", *["pad" if each is None else "conv" for each in pads]]
    assert net["conv2d"].op.pads() == pads[-1]


@pytest.mark.parametrize(
    "axes", [list(axes) for size in (1, 2, 3) for axes in itertools.combinations(range(4), size)]
)
@pytest.mark.parametrize(("target", "kind"), [("mean", "avgpool"), ("amax", "maxpool")])
@pytest.mark.parametrize("kept", [False, True])
def test_a_reduction_over_height_and_width_is_a_pool_and_over_other_axes_a_reduction(
    axes, target, kind, kept
):
    image = (1, 6, 6, 6)  # whose sizes do not tell the axes apart
    shape = np.zeros(image).mean(axis=tuple(axes), keepdims=kept).shape
    for given in (axes, [axis - 4 for axis in axes], axes[0] if len(axes) == 1 else axes[::-1]):
        net = build(record(target, "x", shape, dim=given, keepdim=kept), shape=image)
        assert kinds(net)[1] == (f"global_{kind}" if axes == [2, 3] else "reduce")
        assert {*kinds(net)[2:]} <= {"reshape", "flatten"}
        assert list(net)[-1].output.size == math.prod(shape)


@pytest.mark.parametrize("start", range(-8, 8))
def test_a_narrow_counts_from_either_end(start):
    channels = list(range(8))
    for length in range(1, 8 - start % 8 + 1):
        part = record("narrow", "x", (1, length, 6, 6), dim=1, start=start, length=length)
        net = build(part, record("relu", "narrow", (1, length, 6, 6)))
        expected = channels[start % 8 :][:length]
        op = list(net)[-2].op
        found = channels[op.start : op.stop] if op.kind == "slice" else channels
        assert found == expected


def test_a_classifier_through_a_view_and_addmm():
    net = build(
        record("mean", "x", (1, 8), dim=[-1, -2], keepdim=False),
        record("t", "w", (8, 10)),
        record("addmm", "b mean t", (1, 10)),
        constants={"w": (10, 8), "b": (10,)},
    )
    assert kinds(net) == ["input", "global_avgpool", "linear"]
    assert (net.macs, net.params) == (80, 90)


def test_a_flatten_of_more_than_one_pixel_is_a_layer_and_one_of_a_pixel_is_none():
    net = build(
        record("view", "x", (1, 288), size=[1, 288]),
        record("linear", "view w", (1, 10)),
        constants={"w": (10, 288)},
    )
    assert kinds(net) == ["input", "flatten", "linear"]
    small = build(
        record("view", "x", (1, 8), size=[1, 8]),
        record("linear", "view w", (1, 10)),
        constants={"w": (10, 8)},
        shape=(1, 8, 1, 1),
    )
    assert kinds(small) == ["input", "linear"]


def test_a_split_is_a_slice_for_each_part_that_is_read():
    shapes = [(1, 3, 6, 6), (1, 3, 6, 6), (1, 2, 6, 6)]
    net = build(
        record("split", "x", shapes, split_size=3, dim=1),
        record("getitem", "split", shapes[0], name="a"),
        record("getitem", "split:2", shapes[2], name="c"),
        record("cat", "c a c", (1, 7, 6, 6), dim=1),
    )
    assert kinds(net) == ["input", "slice", "slice", "concat"]
    assert [attributes(net, i) for i in (1, 2)] == [{"stop": 3}, {"start": 6, "stop": 8}]
    assert [tensor.shape[1] for tensor in net["cat"].inputs] == [2, 3, 2]


@pytest.mark.parametrize(
    ("target", "given", "expected"),
    [
        ("add", {"other": 3, "alpha": 2}, {"shift": 6.0}),
        ("sub", {"other": 3, "alpha": 1}, {"shift": -3.0}),
        ("sub", {"other": 3, "alpha": 2}, {"shift": -6.0}),
        ("mul", {"other": 0.5}, {"factor": 0.5}),
        ("div", {"other": 4}, {"factor": 0.25}),
        ("rsub", {"other": 3, "alpha": 1}, {"factor": -1.0, "shift": 3.0}),
        ("rsub", {"other": 3, "alpha": 2}, {"factor": -2.0, "shift": 3.0}),
        ("rsub", {"other": 1, "alpha": 2}, {"factor": -2.0, "shift": 1.0}),
    ],
)
def test_arithmetic_with_a_number_is_a_scale(target, given, expected):
    net = build(record(target, "x", (1, 8, 6, 6), **given))
    assert kinds(net) == ["input", "scale"]
    assert attributes(net) == expected


@pytest.mark.parametrize(
    ("record_", "kind"),
    [
        (record("hardtanh", "x", (1, 8, 6, 6), min_val=0.0, max_val=6.0), "relu6"),
        (record("clamp", "x", (1, 8, 6, 6), min=0, max=None), "relu"),
        (record("clamp", "x", (1, 8, 6, 6), min=-1, max=1), "clamp"),
        (record("rsub", "x", (1, 8, 6, 6), other=1, alpha=1), "complement"),
        (record("softmax", "x", (1, 8, 6, 6), dim=-3), "softmax"),
        (record("softmax", "x", (1, 8, 6, 6), dim=3), "softmax"),
        (record("leaky_relu", "x", (1, 8, 6, 6), negative_slope=0.1), "leaky_relu"),
        (record("leaky_relu", "x", (1, 8, 6, 6), negative_slope=3.0), "opaque"),
        (record("cat", "x x", (1, 8, 12, 6), dim=2), "concat"),
        (record("slice", "x", (1, 8, 3, 6), dim=2, start=0, end=3, step=1), "slice"),
        (record("adaptive_avg_pool2d", "x", (1, 8, 1, 1), output_size=[1, 1]), "global_avgpool"),
        (record("mean", "x", (1, 8, 6), dim=[3], keepdim=False), "reduce"),
        (record("norm", "x", (1, 8, 6), p=3, dim=[3], keepdim=False), "opaque"),
        (record("group_norm", "x", (1, 8, 6, 6), num_groups=2), "group_norm"),
        (record("instance_norm", "x", (1, 8, 6, 6), use_input_stats=True), "instance_norm"),
        (record("instance_norm", "x", (1, 8, 6, 6), use_input_stats=False), "batchnorm"),
        (record("rms_norm", "x", (1, 8, 6, 6), normalized_shape=[6]), "rms_norm"),
        (record("log_softmax", "x", (1, 8, 6, 6), dim=1), "log_softmax"),
        (record("max_pool2d", "x", (1, 8, 3, 3), kernel_size=[2, 2], stride=[], padding=[0, 0],
                dilation=[1, 1], ceil_mode=False), "maxpool"),
        (record("max_pool2d", "x", (1, 8, 4, 4), kernel_size=[2, 2], stride=[1, 1], padding=[0, 0],
                dilation=[2, 2], ceil_mode=False), "maxpool"),
        (record("max_pool2d", "x", (1, 8, 2, 2), kernel_size=[2, 2], stride=[3, 3], padding=[0, 0],
                dilation=[2, 2], ceil_mode=False), "maxpool"),
    ],
)  # fmt: skip
def test_forms_that_memsim_has_and_forms_that_it_has_not(record_, kind):
    assert kinds(build(record_)) == ["input", kind]


def test_an_unknown_operator_counts_its_tensors_and_is_listed_with_its_place():
    net = build(
        record("renorm", "x w b", (1, 8, 6, 6)),
        record("relu", "renorm", (1, 8, 6, 6)),
        record("renorm", "relu w b", (1, 8, 6, 6), name="second"),
        constants={"w": (8,), "b": (8,)},
    )
    assert kinds(net) == ["input", "opaque", "relu", "opaque"]
    assert (net.params, net.macs) == (32, 0)
    (problem,) = unknown_operators(net)
    assert str(problem) == (
        "memsim does not know the operator renorm: 2 times, layers renorm (2 of 4), "
        "renorm.opaque (4 of 4): 1x8x6x6, parameters 8, parameters 8 to 1x8x6x6"
    )


def test_a_channel_shuffle_is_a_permute_between_two_views():
    net = build(
        record("view", "x", (1, 2, 4, 6, 6), name="apart"),
        record("transpose", "apart", (1, 4, 2, 6, 6), dim0=1, dim1=2),
        record("contiguous", "transpose", (1, 4, 2, 6, 6)),
        record("view", "contiguous", (1, 8, 6, 6), name="together"),
        record("relu", "together", (1, 8, 6, 6)),
    )
    assert kinds(net) == ["input", "reshape", "permute", "reshape", "relu"]
    assert net["relu"].output.shape == (1, 8, 6, 6)
    assert net["relu"].output.image.box == (8, 6, 6)


def test_layers_that_no_output_needs_are_left_out():
    net = build(
        record("relu", "x", (1, 8, 6, 6)), record("tanh", "x", (1, 8, 6, 6)), outputs=["tanh"]
    )
    assert kinds(net) == ["input", "tanh"]


def test_a_value_that_nobody_writes_is_named():
    with pytest.raises(InputError, match="relu 'relu': reads 'y', which is nowhere"):
        build(record("relu", "y", (1, 8, 6, 6)))


def test_a_batch_is_the_first_axis_of_every_tensor():
    net = build(record("relu", "x", (4, 8, 6, 6)), shape=(4, 8, 6, 6))
    assert (net.batch, net["relu"].output.shape) == (4, (4, 8, 6, 6))
