"""What ONNX operators become, one by one."""

from __future__ import annotations

import pytest

import memsim
from memsim.errors import InputError, SimulationError

pytestmark = pytest.mark.needs("onnx")


@pytest.fixture(name="build")
def _build(tmp_path, needs):
    """Write a model of (operator, inputs, output, attributes) rows and read it."""
    onnx = needs("onnx")
    from onnx import helper

    def build(*rows, weights=None, numbers=None, shape=(1, 8, 6, 6), opset=20, outputs=None,
              values=None, **options):  # fmt: skip
        nodes = [
            helper.make_node(op, inputs.split(" "), output.split(), name=output.split()[0], **given)
            for op, inputs, output, given in rows
        ]
        initializers = [
            onnx.TensorProto(name=name, dims=dims, data_type=onnx.TensorProto.FLOAT)
            for name, dims in (weights or {}).items()
        ]
        for name, array in (numbers or {}).items():
            kind = onnx.TensorProto.FLOAT if isinstance(array[0], float) else onnx.TensorProto.INT64
            initializers.append(helper.make_tensor(name, kind, [len(array)], array))
        float_ = onnx.TensorProto.FLOAT
        stated = [helper.make_tensor_value_info(n, float_, s) for n, s in (values or {}).items()]
        graph = helper.make_graph(
            nodes,
            "graph",
            [helper.make_tensor_value_info("x", float_, shape)],
            [helper.make_tensor_value_info(name, float_, None)
             for name in outputs or [rows[-1][2].split()[0]]],
            initializers,
            value_info=stated,
        )  # fmt: skip
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        path = tmp_path / "net.onnx"
        path.write_bytes(model.SerializeToString())
        return memsim.load(path, **options)

    return build


def rows_of(network):
    """Kind and given attributes of every layer but the input."""
    return [
        (layer.op.kind, layer.op.model_dump(exclude_defaults=True)) for layer in list(network)[1:]
    ]


W = {"w": (4, 8, 3, 3)}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"auto_pad": "SAME_UPPER", "strides": [2, 2]}, {"stride": 2, "padding": (0, 0, 1, 1)}),
        ({"auto_pad": "SAME_LOWER", "strides": [2, 2]}, {"stride": 2, "padding": (1, 1, 0, 0)}),
        ({"auto_pad": "SAME_UPPER"}, {}),
        ({"auto_pad": "VALID"}, {"padding": 0}),
        ({}, {"padding": 0}),
        ({"pads": [1, 1, 1, 1]}, {}),
        ({"pads": [0, 1, 2, 1]}, {"padding": (0, 1, 2, 1)}),
    ],
)
def test_padding_of_a_convolution(build, given, expected):
    net = build(("Conv", "x w", "c", given), weights=W)
    assert rows_of(net) == [("conv", {"out": 4, "kernel": 3, **expected})]


def test_padding_before_a_convolution_is_folded_into_it(build):
    net = build(
        ("Pad", "x p", "padded", {}),
        ("Conv", "padded w", "c", {"pads": [1, 1, 1, 1]}),
        weights=W,
        numbers={"p": [0, 0, 0, 0, 0, 0, 1, 1]},
    )
    assert rows_of(net) == [("conv", {"out": 4, "kernel": 3, "padding": (1, 1, 2, 2)})]


def test_padding_that_something_else_reads_is_a_copy(build):
    net = build(
        ("Pad", "x p", "padded", {}),
        ("Relu", "padded", "r", {}),
        numbers={"p": [0, 0, 0, 0, 0, 0, 1, 1]},
        allow_unknown=True,
    )
    assert rows_of(net) == [("pad", {"pads": (0, 0, 0, 0, 1, 1)}), ("relu", {})]


def test_a_bias_that_is_added_afterwards(build):
    net = build(
        ("Conv", "x w", "c", {"pads": [1, 1, 1, 1]}),
        ("Add", "c b", "y", {}),
        ("Relu", "y", "r", {}),
        weights={**W, "b": (1, 4, 1, 1)},
    )
    assert rows_of(net) == [("conv", {"out": 4, "kernel": 3, "bias": True}), ("relu", {})]


def test_a_classifier_as_exporters_write_it(build):
    net = build(
        ("ReduceMean", "x axes", "m", {"keepdims": 0}),
        ("MatMul", "m w", "product", {}),
        ("Add", "b product", "y", {}),
        ("Softmax", "y", "p", {}),
        weights={"w": (8, 10), "b": (10,)},
        numbers={"axes": [-1, -2]},
    )
    assert rows_of(net) == [("global_avgpool", {}), ("linear", {"out": 10}), ("softmax", {})]


def test_a_flatten_by_the_numbers_of_another_shape(build):
    """Shape, Gather, Unsqueeze, Concat, Reshape: how a dynamic view is exported."""
    net = build(
        ("Shape", "x", "s", {}),
        ("Gather", "s zero", "n", {"axis": 0}),
        ("Concat", "n minus", "to", {"axis": 0}),
        ("Reshape", "x to", "flat", {}),
        ("Gemm", "flat w b", "y", {"transB": 1}),
        weights={"w": (10, 288), "b": (10,)},
        numbers={"zero": [0], "minus": [-1]},
        shape=("batch", 8, 6, 6),
    )
    assert rows_of(net) == [("flatten", {}), ("linear", {"out": 10})]


def test_a_weight_that_is_computed_from_a_constant(build):
    net = build(
        ("Transpose", "w", "t", {"perm": [1, 0, 2, 3]}),
        ("Conv", "x t", "c", {"pads": [1, 1, 1, 1]}),
        weights={"w": (8, 4, 3, 3)},
    )
    assert rows_of(net) == [("conv", {"out": 4, "kernel": 3})]


def test_activations_that_are_spelt_out(build):
    net = build(
        ("Sigmoid", "x", "s", {}),
        ("Mul", "x s", "silu", {}),
        ("HardSigmoid", "silu", "h", {"alpha": 1 / 6}),
        ("Mul", "h silu", "hswish", {}),
        ("Div", "hswish root", "d", {}),
        ("Erf", "d", "e", {}),
        ("Add", "e one", "a", {}),
        ("Mul", "hswish a", "m", {}),
        ("Mul", "m half", "gelu", {}),
        ("Clip", "gelu zero six", "clip", {}),
        numbers={"root": [1.41421], "one": [1.0], "half": [0.5], "zero": [0.0], "six": [6.0]},
    )
    assert [kind for kind, _ in rows_of(net)] == ["silu", "hardswish", "gelu", "relu6"]


def test_a_sigmoid_that_is_read_twice_stays(build):
    net = build(
        ("Sigmoid", "x", "s", {}), ("Mul", "x s", "m", {}), ("Add", "m s", "a", {})
    )  # fmt: skip
    assert [kind for kind, _ in rows_of(net)] == ["sigmoid", "mul", "add"]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (("Split", "x", "a b c", {"axis": 1, "num_outputs": 3}), (8, 3)),
        (("Split", "x sizes", "a b c", {"axis": 1}), (8, 3)),
    ],
)
def test_a_split_is_a_slice_for_each_part_that_is_read(build, row, expected):
    net = build(
        row, ("Concat", "c a", "y", {"axis": -3}), numbers={"sizes": [3, 3, 2]}
    )  # fmt: skip
    assert rows_of(net) == [
        ("slice", {"stop": 3}),
        ("slice", {"start": 6, "stop": 8}),
        ("concat", {}),
    ]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (("Resize", "x  scales", "y", {"mode": "nearest"}), {"factor": 2}),
        (("Resize", "x   sizes", "y", {"mode": "linear"}), {"size": (9, 12), "mode": "bilinear"}),
        (("Upsample", "x scales", "y", {}), {"factor": 2}),
    ],
)
def test_resizing(build, row, expected):
    numbers = {"scales": [1.0, 1.0, 2.0, 2.0], "sizes": [1, 8, 9, 12]}
    net = build(row, numbers=numbers, opset=9 if row[0] == "Upsample" else 20)
    assert rows_of(net) == [("upsample", expected)]


def test_softmax_of_an_old_operator_set_is_along_the_channels(build):
    assert rows_of(build(("Softmax", "x", "y", {}), opset=12)) == [("softmax", {})]
    assert rows_of(build(("Softmax", "x", "y", {}), opset=13)) == [("softmax", {"axis": 2})]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (("Add", "x n", "y", {}), {"shift": 2.0}),
        (("Sub", "x n", "y", {}), {"shift": -2.0}),
        (("Sub", "n x", "y", {}), {"factor": -1.0, "shift": 2.0}),
        (("Mul", "n x", "y", {}), {"factor": 2.0}),
        (("Div", "x n", "y", {}), {"factor": 0.5}),
    ],
)
def test_arithmetic_with_a_number(build, row, expected):
    assert rows_of(build(row, numbers={"n": [2.0]})) == [("scale", expected)]


def test_transposed_convolutions(build):
    given = {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1], "group": 2}
    net = build(("ConvTranspose", "x w", "y", given), weights={"w": (8, 3, 3, 3)})
    assert net["y"].output.shape == (1, 6, 12, 12)
    given = {"strides": [2, 2], "auto_pad": "SAME_UPPER"}
    net = build(("ConvTranspose", "x w", "y", given), weights={"w": (8, 3, 3, 3)})
    assert net["y"].output.shape == (1, 3, 12, 12)


def test_the_largest_values_of_a_pool_and_their_places(build):
    net = build(("MaxPool", "x", "y places", {"kernel_shape": [2, 2], "strides": [2, 2]}))
    assert rows_of(net) == [("maxpool", {"kernel": 2})]


def test_unknown_operators_are_listed_with_count_and_position(build):
    rows = [
        ("Conv", "x w", "c", {"pads": [1, 1, 1, 1]}),
        ("Mystery", "c g g", "n", {}),
        ("Relu", "n", "r", {}),
        ("Mystery", "r g g", "n2", {}),
    ]
    shapes = dict.fromkeys(("n", "n2"), (1, 8, 6, 6))
    weights = {"w": (8, 8, 3, 3), "g": (8,)}
    with pytest.raises(SimulationError) as caught:
        build(*rows, weights=weights, values=shapes)
    told = str(caught.value)
    assert "does not know the operator Mystery: 2 times, layers n (3 of 5)" in told
    assert "n2 (5 of 5)" in told
    assert told.endswith("their 16 parameters as traffic, not their MACs)")
    net = build(*rows, weights=weights, values=shapes, allow_unknown=True)
    assert net["n"].params == 16
    assert net["n"].output.shape == (1, 8, 6, 6)
    traffic = memsim.run(net, cache=0)
    assert traffic.network.macs == net["c"].macs


def test_the_shape_that_an_unknown_operator_writes_may_be_stated(build):
    rows = [("Mystery", "x", "m", {}), ("Relu", "m", "r", {})]
    net = build(*rows, values={"m": (1, 3, 2, 2)}, allow_unknown=True)
    assert net["r"].output.shape == (1, 3, 2, 2)
    with pytest.raises(InputError, match="Mystery 'm': the shape of what Mystery writes is not"):
        build(*rows, allow_unknown=True)


def test_what_no_output_needs_is_left_out(build):
    rows = [("Relu", "x", "r", {}), ("Tanh", "x", "t", {})]
    assert rows_of(build(*rows)) == [("tanh", {})]


def test_nodes_name_the_layers(build):
    net = build(("Relu", "x", "/features/0/relu/Relu_output_0", {}))
    assert [layer.name for layer in net] == ["x", "features.0.relu.Relu_output_0"]
