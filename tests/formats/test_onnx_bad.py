"""ONNX files that are broken, endless or hostile: one clear error, bounded memory and time."""

from __future__ import annotations

import contextlib
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memsim
from memsim.errors import InputError, MemsimError
from memsim.formats.foreign.onnx.file import OnnxFile
from memsim.formats.foreign.onnx.wire import LARGEST_SKELETON, LARGEST_VALUE, _varint, skeleton

pytestmark = pytest.mark.needs("onnx")


@pytest.fixture(name="onnx")
def _onnx(needs):
    return needs("onnx")


@pytest.fixture(name="small", scope="module")
def _small():
    """A small model with its weights."""
    return _model([("Conv", ["x", "w"], ["c"]), ("Relu", ["c"], ["y"])])


def _model(rows, shape=(1, 3, 8, 8), weights=None, outputs=("y",), **given):
    from onnx import TensorProto, helper

    weights = {"w": (4, 3, 3, 3)} if weights is None else weights
    initializers = []
    for name, dims in weights.items():
        tensor = TensorProto(name=name, dims=dims, data_type=TensorProto.FLOAT)
        if len(dims) > 0 and max(dims) < 100:
            tensor.raw_data = bytes(4 * 4 * 3 * 3 * 3)
        initializers.append(tensor)
    graph = helper.make_graph(
        [helper.make_node(op, i, o, name=f"{op}_{n}") for n, (op, i, o) in enumerate(rows)],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        initializers,
    )
    for node in graph.node:
        for key, value in given.get(node.op_type, {}).items():
            node.attribute.append(helper.make_attribute(key, value))
    return helper.make_model(graph).SerializeToString()


def _message(tmp_path, data, **options):
    path = tmp_path / "bad.onnx"
    path.write_bytes(data)
    start = time.monotonic()
    with pytest.raises(InputError) as caught:
        memsim.load(path, allow_unknown=True, **options)
    assert time.monotonic() - start < 10
    assert str(path) in str(caught.value)
    return str(caught.value).replace(f"{path}: ", "")


CONV = [("Conv", ["x", "w"], ["y"])]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: b"", "is empty"),
        (lambda: b"\x00" * 99, "is no ONNX model (at byte 0)"),
        (lambda: b"\xff" * 99, "is no ONNX model (at byte 10)"),
        (lambda: b"layers: []", "is no ONNX model (at byte 0)"),
        (lambda: b"\x08\x07", "has no operators; is it an ONNX model?"),
        (lambda: _model(CONV)[:-7], "is cut short: "),
        (lambda: _model([]), "has no operators; is it an ONNX model?"),
        (lambda: _model([("Relu", ["a"], ["b"]), ("Relu", ["b"], ["a"])]),
         "Relu 'Relu_0': reads what it writes: a cycle"),
        (lambda: _model([("Relu", ["y"], ["y"])]), "Relu 'Relu_0': reads what it writes: a cycle"),
        (lambda: _model([("Relu", ["x"], ["y"]), ("Tanh", ["x"], ["y"])]),
         "Tanh 'Tanh_1': writes 'y', which exists already"),
        (lambda: _model(CONV, weights={}), "Conv 'Conv_0': reads 'w', which is nowhere"),
        (lambda: _model([("Relu", ["x"], ["z"])]), "output 'y': is written by no operator"),
        (lambda: _model(CONV, shape=(1, 5, 8, 8)),
         "Conv 'Conv_0': its weight takes 3 channels, its input has 5"),
        (lambda: _model(CONV, shape=(1, 3, 10**18, 8)),
         "input 'x': has more than 17592186044416 elements"),
        (lambda: _model(CONV, shape=(1, 3, 1 << 25, 8)),
         "input 'x': shape 33554432 is out of range"),
        (lambda: _model(CONV, shape=(1, 3, -8, 8)),
         "input 'x': has the shape 1 x 3 x ? x 8 (give --input, such as --input 3x224x8)"),
        (lambda: _model(CONV, shape=("N", 3, "height", "width")),
         "input 'x': has the shape N x 3 x height x width (give --input, such as"),
        (lambda: _model(CONV, shape=None), "input 'x': has the shape unknown (give --input"),
        (lambda: _model(CONV, weights={"w": (4, 3, -3, 3)}),
         "initializer 'w': has the shape [4, 3, -3, 3]"),
        (lambda: _model(CONV, weights={"w": (10**18, 3, 3, 3)}),
         "initializer 'w': has more than 17592186044416 elements"),
        (lambda: _model(CONV, weights={"w": (4, 3, 30, 3)}),
         "Conv 'Conv_0': a kernel that reaches over 30 is larger than the padded height 8"),
        (lambda: _model(CONV, Conv={"strides": "ab"}),
         "Conv 'Conv_0': strides must be 2 whole numbers, not 'ab'"),
        (lambda: _model(CONV, Conv={"strides": [1, 2, 3]}),
         "Conv 'Conv_0': strides must be 2 whole numbers, not [1, 2, 3]"),
        (lambda: _model(CONV, Conv={"kernel_shape": [5, 5]}),
         "Conv 'Conv_0': kernel_shape [5, 5] differs from the weight's [4, 3, 3, 3]"),
        (lambda: _model(CONV, Conv={"group": 1.5}),
         "Conv 'Conv_0': group must be a whole number, not 1.5"),
        (lambda: _model(CONV, Conv={"auto_pad": "SOME"}),
         "Conv 'Conv_0': has the unknown auto_pad 'SOME'"),
        (lambda: _model(CONV, Conv={"strides": [0, 0]}), "Conv 'Conv_0': "),
        (lambda: _model(CONV, Conv={"pads": [-1, 0, 0, 0]}), "Conv 'Conv_0': "),
        (lambda: _model([("Loop", ["x"], ["y"])]),
         "Loop 'Loop_0': the shape of what Loop writes is not known"),
        (lambda: _model([("Conv", [], ["y"])]),
         "Conv 'Conv_0': its inputs or attributes do not fit the operator"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_a_line(make, expected, tmp_path):
    message = _message(tmp_path, make())
    assert message.startswith(expected), message
    assert "\n" not in message


def test_a_file_that_is_none(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        memsim.load(tmp_path / "none.onnx")
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(InputError, match="is a directory"):
        memsim.load(tmp_path / "folder.onnx")


def test_a_pipe_is_not_waited_for(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe.onnx")
    with pytest.raises(InputError, match="is no regular file"):
        memsim.load(tmp_path / "pipe.onnx")


def test_variants_and_two_inputs(tmp_path, small):
    path = tmp_path / "small.onnx"
    path.write_bytes(small)
    with pytest.raises(InputError, match="has neither variants nor parameters"):
        memsim.load(path, variant="v1")


def test_dynamic_sizes_are_given_by_the_caller(tmp_path):
    path = tmp_path / "dynamic.onnx"
    path.write_bytes(_model(CONV, shape=("N", 3, "h", "w")))
    assert memsim.load(path, input_shape=(3, 9, 7)).macs == 4 * 27 * 7 * 5


def test_weights_are_never_in_memory(tmp_path):
    """A file of 2 GB, of which the weights are a hole."""
    size = 2_000_000_000
    head = _model([("MatMul", ["x", "w"], ["y"])], shape=(1, 1000), weights={})
    # GraphProto.initializer {dims: 1000, dims: 500000, data_type: 1, name: "w", raw_data: ...}
    dims = b"\x08" + _varint(1000) + b"\x08" + _varint(500_000)
    tensor = dims + b"\x10\x01" + b"\x42\x01w" + b"\x4a" + _varint(size)
    initializer = b"\x2a" + _varint(len(tensor) + size) + tensor
    graph = b"\x3a" + _varint(len(initializer) + size) + initializer
    path = tmp_path / "large.onnx"
    with path.open("wb") as file:
        file.write(head + graph)
        file.truncate(len(head) + len(graph) + size)
    tracemalloc.start()
    start = time.monotonic()
    network = memsim.load(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert network.params == 500_000_000
    assert peak < 3_000_000
    assert time.monotonic() - start < 2


def test_a_file_that_is_large_without_weights_is_refused(tmp_path):
    name = b"a" * (LARGEST_SKELETON // 4)
    node = b"\x0a" + _varint(len(name)) + name
    graph = (b"\x0a" + _varint(len(node)) + node) * 5
    data = b"\x3a" + _varint(len(graph)) + graph
    assert "even without its weights" in _message(tmp_path, data)


def test_a_file_of_tiny_fields_is_refused(tmp_path):
    assert "more than 1,000,000 fields" in _message(tmp_path, b"\x08\x01" * 1_000_001)


def test_deeply_nested_subgraphs_are_refused(tmp_path):
    inner = b""
    for _ in range(40):  # graph > node > attribute > graph
        for tag in (b"\x32", b"\x2a", b"\x0a"):
            inner = tag + _varint(len(inner)) + inner
    data = b"\x3a" + _varint(len(inner)) + inner
    assert "subgraphs nested deeper than 20 levels" in _message(tmp_path, data)


def test_a_name_that_is_no_text_is_shown_as_bytes(tmp_path):
    data = _model([("Relu", ["x"], ["qqq"])]).replace(b"qqq", b"\xff\xfe\xfd")
    assert _message(tmp_path, data) == "output 'y': is written by no operator"
    data = _model([("Relu", ["x"], ["y"])]).replace(b"Relu", b"\xff\xfe\xfd\xfc")
    assert "the shape of what \\xff\\xfe\\xfd\\xfc writes is not" in _message(tmp_path, data)


def test_too_many_operators_are_refused(tmp_path):
    rows = [("Relu", [f"v{i}"], [f"v{i + 1}"]) for i in range(20_001)]
    assert _message(tmp_path, _model(rows)) == "has more than 20,000 operators"


def test_a_long_chain_is_no_recursion(tmp_path):
    rows = [("Relu", [f"v{i}"], [f"v{i + 1}"]) for i in range(1, 3000)][::-1]
    rows.append(("Relu", ["x"], ["v1"]))
    path = tmp_path / "chain.onnx"
    path.write_bytes(_model(rows, outputs=["v3000"]))
    assert len(memsim.load(path)) == 3001


def test_the_skeleton_of_a_small_file_is_the_same_model(tmp_path, small, onnx):
    path = tmp_path / "small.onnx"
    path.write_bytes(small)
    assert onnx.ModelProto.FromString(skeleton(path)) == onnx.ModelProto.FromString(small)


@pytest.mark.parametrize("field", ["raw_data", "int64_data"])
def test_small_tensors_keep_their_elements_and_large_ones_their_shape(tmp_path, onnx, field):
    """Numbers below 128 take a byte each in either field."""
    path = tmp_path / "elements.onnx"
    for size, kept in ((LARGEST_VALUE, True), (LARGEST_VALUE + 1, False)):
        tensor = onnx.TensorProto(name="t", dims=[size], **{field: bytes(size)})
        path.write_bytes(onnx.ModelProto(graph={"initializer": [tensor]}).SerializeToString())
        (read,) = onnx.ModelProto.FromString(skeleton(path)).graph.initializer
        assert read.dims == [size]
        assert len(getattr(read, field)) == kept * size


def test_values_of_a_constant_are_kept_up_to_1024_of_them(tmp_path, onnx):
    path = tmp_path / "constants.onnx"
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    image = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 3, 8, 8])
    tensors = [
        onnx.numpy_helper.from_array(np.ones(size, np.int8), f"c{size}") for size in (1024, 1025)
    ]
    graph = onnx.helper.make_graph([node], "g", [image], [image], tensors)
    path.write_bytes(onnx.helper.make_model(graph).SerializeToString())
    constants = OnnxFile(str(path)).constants
    assert constants["c1024"].values.sum() == 1024
    assert constants["c1025"].values is None
    assert constants["c1025"].shape == (1025,)


def _try(path, data):
    """Any answer but a traceback."""
    path.write_bytes(data)
    with contextlib.suppress(MemsimError):
        memsim.load(path, allow_unknown=True)


def _seed():
    """A model with one of most things, data included."""
    import onnx
    from onnx import helper

    from tests.formats.onnx_writer import to_onnx

    network = memsim.load("hardnet39ds", input_shape=(3, 32, 32))
    model = to_onnx(network)
    del model.graph.node[40:]
    model.graph.output[0].name = model.graph.node[-1].output[0]
    for op in ("InstanceNormalization", "Mystery"):
        model.graph.node.append(helper.make_node(op, [model.graph.node[-1].output[0]], [op]))
    model.graph.value_info.append(
        helper.make_tensor_value_info("Mystery", onnx.TensorProto.FLOAT, (1, 2, 3, 4))
    )
    return model.SerializeToString()


@given(data=st.data())
@settings(max_examples=300)
def test_mutated_bytes_never_end_in_a_traceback(data, tmp_path_factory):
    raw = bytearray(_seed_once())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw) - 1))
        how = data.draw(st.sampled_from(["set", "cut", "drop", "double"]))
        length = data.draw(st.integers(1, 40))
        if how == "set":
            raw[at] = data.draw(st.integers(0, 255))
        elif how == "cut":
            del raw[max(at, 1) :]
        elif how == "drop":
            del raw[at : at + length]
        else:
            raw[at:at] = raw[at : at + length]
        raw = raw or bytearray(b"\x00")
    _try(_scratch(tmp_path_factory), bytes(raw))


@given(st.binary(max_size=400))
@settings(max_examples=200)
def test_random_bytes_never_end_in_a_traceback(tmp_path_factory, raw):
    _try(_scratch(tmp_path_factory), raw)


SMALL = st.integers(-2, 9)
ANY = st.sampled_from([-(2**63), -(10**18), -1, 0, 1, 2, 3, 10**18, 2**63 - 1]) | SMALL
NAMES = st.sampled_from(["x", "a", "b", "c", "w", "n", ""])
OPS = st.sampled_from([
    "Conv", "ConvTranspose", "Gemm", "MatMul", "Add", "Mul", "Sub", "Div", "Sum", "Concat", "Split",
    "Slice", "MaxPool", "AveragePool", "GlobalAveragePool", "ReduceMean", "Resize", "Upsample",
    "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Pad", "Clip", "Softmax", "Shape", "Gather",
    "Cast", "Range", "ConstantOfShape", "Expand", "Where", "Constant", "Transpose", "Dropout",
    "LeakyRelu", "BatchNormalization", "Relu", "Sigmoid", "HardSigmoid", "Erf", "Mystery", "If",
    "LSTM", "Loop", "Tile", "NonZero", "TopK", "CumSum", "ScatterND", "GatherND", "OneHot",
    "EyeLike", "QuantizeLinear", "DequantizeLinear", "ConvInteger", "QLinearConv", "Einsum",
    "Size", "Trilu",
])  # fmt: skip
KEYS = st.sampled_from([
    "kernel_shape", "strides", "pads", "dilations", "group", "axis", "axes", "perm", "auto_pad",
    "ceil_mode", "keepdims", "transB", "starts", "ends", "to", "value", "value_ints", "mode",
    "alpha", "ratio", "output_shape", "output_padding", "split",
])  # fmt: skip
VALUES = ANY | st.lists(ANY, max_size=8) | st.floats() | st.text(max_size=4)


@given(data=st.data())
@settings(max_examples=400)
def test_structured_garbage_never_ends_in_a_traceback(data, tmp_path_factory):
    import onnx
    from onnx import helper

    draw = data.draw
    nodes = []
    for output in draw(st.permutations(["a", "b", "c"])):
        node = helper.make_node(draw(OPS), draw(st.lists(NAMES, max_size=4)), [output], name=output)
        for key in draw(st.lists(KEYS, max_size=3, unique=True)):
            value = draw(VALUES)
            node.attribute.append(
                helper.make_attribute(key, value, attr_type=7 if value == [] else None)
            )
        nodes.append(node)
    length = draw(SMALL) % 9
    weights = [
        onnx.TensorProto(
            name="w", dims=draw(st.lists(ANY, max_size=5)), data_type=draw(SMALL) % 17
        ),
        helper.make_tensor("n", onnx.TensorProto.INT64, [length], [draw(ANY)] * length),
    ]
    value = helper.make_tensor_value_info("x", 1, [abs(d) % 50 for d in draw(st.lists(SMALL))])
    output = helper.make_tensor_value_info("c", 1, None)
    graph = helper.make_graph(nodes, "g", [value], [output], weights)
    _try(_scratch(tmp_path_factory), helper.make_model(graph).SerializeToString())


_made: dict[str, bytes] = {}


def _seed_once():
    if "seed" not in _made:
        _made["seed"] = _seed()
    return _made["seed"]


def _scratch(factory):
    return factory.getbasetemp() / "fuzz.onnx"
