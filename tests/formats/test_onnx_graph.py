"""Graphs of ONNX files: constants of any size, shapes of unknown operators, branches, functions."""

from __future__ import annotations

import numpy as np
import pytest

import memsim
from memsim.errors import InputError

pytestmark = pytest.mark.needs("onnx")


@pytest.fixture(name="onnx")
def _onnx(needs):
    return needs("onnx")


@pytest.fixture(name="h")
def _h(onnx):
    return onnx.helper


@pytest.fixture(name="write")
def _write(tmp_path, onnx, h):
    """Write a model of nodes; the output is ``y``."""

    def write(*nodes, shape=(1, 3, 8, 8), functions=(), opset=18, values=None, outputs=("y",),
              **tensors):  # fmt: skip
        held = []
        for name, array in tensors.items():
            if isinstance(array, tuple):  # a weight without its data
                held.append(onnx.TensorProto(name=name, dims=array, data_type=1))
            else:
                held.append(onnx.numpy_helper.from_array(np.asarray(array), name))
        stated = [h.make_tensor_value_info(n, 1, s) for n, s in (values or {}).items()]
        graph = h.make_graph(
            nodes, "g", [h.make_tensor_value_info("x", 1, shape)],
            [h.make_tensor_value_info(name, 1, None) for name in outputs], held, value_info=stated,
        )  # fmt: skip
        opsets = [h.make_opsetid("", opset), *(h.make_opsetid(f.domain, 1) for f in functions)]
        model = h.make_model(graph, opset_imports=opsets, functions=functions)
        path = tmp_path / "net.onnx"
        path.write_bytes(model.SerializeToString())
        return path

    return write


def kinds(network):
    return [layer.op.kind for layer in network][1:]


def unknown(network):
    """The operators that memsim has no rule for."""
    return [layer.op.op for layer in network if layer.op.kind == "opaque"]


# -- constants of any size ------------------------------------------------------------------------


@pytest.mark.parametrize("size", [32, 33, 300])
def test_a_grid_of_positions_is_a_constant_at_any_size(write, h, size):
    """300 x 300 are more elements than are computed: its shape is all that counts then."""
    node = h.make_node
    path = write(
        node("Conv", ["x", "w"], ["c"]),
        node("Shape", ["c"], ["s"]),
        node("Gather", ["s", "i2"], ["hh"]),
        node("Gather", ["s", "i3"], ["ww"]),
        node("Range", ["z", "ww", "o"], ["rx"]),
        node("Range", ["z", "hh", "o"], ["ry"]),
        node("Shape", ["rx"], ["sx"]),
        node("Shape", ["ry"], ["sy"]),
        node("Concat", ["sy", "sx"], ["hw"], axis=0),
        node("Expand", ["rx", "hw"], ["e"]),
        node("Unsqueeze", ["e", "axes"], ["eu"]),
        node("Cast", ["eu"], ["ef"], to=1),
        node("Add", ["c", "ef"], ["y"]),
        shape=("b", 3, "h", "w"),
        w=(2, 3, 1, 1),
        i2=np.int64(2), i3=np.int64(3), z=np.int64(0), o=np.int64(1), axes=np.array([0, 1]),
    )  # fmt: skip
    net = memsim.load(path, input_shape=(3, size, size), allow_unknown=True)
    assert net.macs == 6 * size * size
    assert net.params == 6
    assert net["y"].output.shape == (1, 2, size, size)


def test_the_slices_of_a_chunk_are_computed_from_the_shape(write, h):
    """As an older exporter writes ``chunk(2, 1)``; then a concat along the positions."""
    node = h.make_node
    path = write(
        node("Conv", ["x", "w"], ["c"], pads=[1] * 4),
        node("Shape", ["c"], ["s"]),
        node("Gather", ["s", "ax"], ["ch"]),
        node("Add", ["ch", "one"], ["ch1"]),
        node("Div", ["ch1", "two"], ["half"]),
        node("Mul", ["half", "one"], ["e0"]),
        node("Mul", ["half", "two"], ["e1"]),
        node("Slice", ["c", "b0", "e0", "ax"], ["p"]),
        node("Slice", ["c", "e0", "e1", "ax"], ["q"]),
        node("Conv", ["q", "v"], ["d"]),
        node("Reshape", ["p", "r"], ["pr"]),
        node("Reshape", ["d", "r"], ["qr"]),
        node("Concat", ["pr", "qr"], ["y"], axis=2),
        w=(8, 3, 3, 3), v=(4, 4, 1, 1), one=np.array([1]), two=np.array([2]), b0=np.array([0]),
        ax=np.array([1]), r=np.array([1, 4, -1]),
    )  # fmt: skip
    net = memsim.load(path, allow_unknown=True)
    assert net.macs == 8 * 27 * 64 + 16 * 64
    assert net[net.outputs[0]].output.size == 4 * 128


def test_an_unknown_operator_between_known_ones_keeps_the_shapes_known(write, h):
    """As Keras and its converters write a classifier: every shape behind is computed."""
    node = h.make_node
    path = write(
        node("MaxPool", ["x"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Bernoulli", ["p"], ["t"]),
        node("Shape", ["t"], ["s"]),
        node("Cast", ["s"], ["s32"], to=6),
        node("Slice", ["s32", "zero", "one", "zero"], ["n"]),
        node("Concat", ["n", "m1"], ["sh"], axis=0),
        node("Cast", ["sh"], ["s7"], to=7),
        node("Reshape", ["t", "s7"], ["f"]),
        node("MatMul", ["f", "m"], ["y"]),
        shape=("unk__6", 8, 8, 8), zero=np.array([0]), one=np.array([1]),
        m1=np.array([-1], np.int32), m=(128, 16),
    )  # fmt: skip
    net = memsim.load(path, allow_unknown=True)
    assert unknown(net) == ["Bernoulli"]
    assert (net.macs, net.params) == (2048, 2048)


def test_weights_that_are_computed_from_large_ones_exist(write, h):
    """Their elements are not read: what onnx infers of them is enough."""
    path = write(
        h.make_node("Einsum", ["a", "b"], ["w"], equation="oi,ihwc->ochw"),
        h.make_node("Conv", ["x", "w"], ["y"]),
        a=(64, 32), b=(32, 3, 3, 3),
    )  # fmt: skip
    net = memsim.load(path)
    assert kinds(net) == ["conv"]
    assert net.params == 64 * 32 + 32 * 27  # what the file stores


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ({"value_int": 5}, 1),
        ({"value_ints": [1, 2, 3]}, 3),
        ({"value_float": 0.5}, 1),
        ({"value_floats": [0.5, 1.5]}, 2),
        ({"value_string": b"cat"}, 1),
        ({"value_strings": [b"cat", b"dog"]}, 2),
    ],
)
def test_a_constant_may_be_told_in_many_ways(write, onnx, h, given, size):
    from memsim.formats.foreign.onnx.file import OnnxFile

    path = write(h.make_node("Constant", [], ["k"], **given), h.make_node("Relu", ["x"], ["y"]))
    constant = OnnxFile(str(path)).constants["k"]
    assert np.prod(constant.shape, dtype=int) == size
    if "string" not in next(iter(given)):
        assert constant.values.reshape(-1).tolist() == np.ravel(next(iter(given.values()))).tolist()


@pytest.mark.parametrize(
    ("places", "expected"),
    [([1, 4], [0, 5, 0, 0, 6, 0]), ([[0, 1], [1, 1]], [0, 5, 0, 0, 6, 0])],
)
def test_a_sparse_constant_counts_whole(write, h, places, expected):
    from memsim.formats.foreign.onnx.file import OnnxFile

    sparse = h.make_sparse_tensor(
        h.make_tensor("v", 7, [2], [5, 6]),
        h.make_tensor("i", 7, np.shape(places), np.ravel(places)),
        [2, 3],
    )
    path = write(
        h.make_node("Constant", [], ["k"], sparse_value=sparse), h.make_node("Relu", ["x"], ["y"])
    )
    constant = OnnxFile(str(path)).constants["k"]
    assert constant.shape == (2, 3)
    assert constant.values.reshape(-1).tolist() == expected


@pytest.mark.parametrize("away", [False, True])
def test_small_tensors_beside_the_file_are_read_and_none_from_elsewhere(write, onnx, h, away):
    path = write(
        h.make_node("Reshape", ["x", "r"], ["f"]),
        h.make_node("Gemm", ["f", "w"], ["y"]),
        r=np.array([1, -1]), w=(192, 4),
    )  # fmt: skip
    model = onnx.load(str(path))
    (shape,) = (each for each in model.graph.initializer if each.name == "r")
    folder = path.parent / "model"
    folder.mkdir()
    data = (folder.parent if away else folder) / "weights.bin"
    data.write_bytes(bytes(100) + shape.raw_data)
    shape.ClearField("raw_data")
    shape.data_location = 1
    where = {"location": "../weights.bin" if away else "weights.bin", "offset": 100, "length": 16}
    for key, value in where.items():
        shape.external_data.add(key=key, value=str(value))
    path = folder / "net.onnx"
    path.write_bytes(model.SerializeToString())
    if away:
        with pytest.raises(memsim.MemsimError):
            memsim.load(path)
    else:
        assert memsim.load(path).macs == 192 * 4


# -- shapes of unknown operators ------------------------------------------------------------------


def test_recurrent_layers_of_a_recogniser_of_any_width(write, h):
    """What onnx infers starts from the shapes that memsim knows."""
    node = h.make_node
    path = write(
        node("Conv", ["x", "w"], ["c"], strides=[8, 1]),
        node("Squeeze", ["c", "ax"], ["q"]),
        node("Einsum", ["q"], ["t"], equation="nct->tnc"),
        node("LSTM", ["t", "lw", "lr"], ["l", "", ""], hidden_size=5),
        node("Einsum", ["l"], ["y"], equation="tdnc->tndc"),
        shape=("n", 3, 8, "width"), w=(4, 3, 8, 1), ax=np.array([2]), lw=(1, 20, 4), lr=(1, 20, 5),
    )  # fmt: skip
    for width in (40, 72):
        net = memsim.load(path, input_shape=(3, 8, width), allow_unknown=True)
        assert net.macs == 4 * 24 * width + width * 20 * (4 + 5)
        assert net[net.outputs[0]].output.size == width * 5
        assert net.params == 4 * 24 + 20 * 4 + 20 * 5


def test_a_file_states_shapes_by_the_names_of_its_axes(write, h):
    path = write(
        h.make_node("Mystery", ["x"], ["m"]),
        h.make_node("Relu", ["m"], ["y"]),
        shape=("n", 3, "rows", "columns"), values={"m": ("n", 7, "rows", "columns")},
    )  # fmt: skip
    net = memsim.load(path, input_shape=(3, 6, 10), allow_unknown=True)
    assert net["y"].output.shape == (1, 7, 6, 10)


def test_what_a_file_states_holds_for_the_sizes_that_it_states_alone(write, h):
    path = write(
        h.make_node("Mystery", ["x"], ["m"]),
        h.make_node("Relu", ["m"], ["y"]),
        values={"m": (1, 7, 8, 8)},
    )
    net = memsim.load(path, input_shape=(3, 8, 8), allow_unknown=True)
    assert net["y"].output.shape == (1, 7, 8, 8)
    with pytest.raises(InputError, match="the shape of what Mystery writes is not known"):
        memsim.load(path, input_shape=(3, 16, 16), allow_unknown=True)


# -- branches and functions -----------------------------------------------------------------------


@pytest.fixture(name="choice")
def _choice(write, h):
    """A squeeze that depends on a condition, as PyTorch's exporter writes it, and a convolution.

    Both branches call a value of their own the same.
    """

    def choice(*first, channels, other=None, **tensors):
        node = h.make_node
        out = [h.make_tensor_value_info("out", 1, None)]
        then = h.make_graph(
            [node("Conv", ["x", "w"], ["inner"]), node("Relu", ["inner"], ["r"]),
             node("Constant", [], ["two"], value_float=2.0), node("Mul", ["r", "two"], ["out"])],
            "then", [], out,
        )  # fmt: skip
        second = other or [node("Sigmoid", ["x"], ["inner"]), node("Tanh", ["inner"], ["out"])]
        otherwise = h.make_graph(second, "else", [], out)
        return write(
            *first,
            node("If", ["yes"], ["z"], then_branch=then, else_branch=otherwise, name="choice"),
            node("Relu", ["z"], ["y"]),
            shape=(1, channels, 8, 8), w=(5, 3, 1, 1), **tensors,
        )  # fmt: skip

    return choice


@pytest.mark.parametrize(
    ("channels", "expected"),
    [(3, ["conv", "relu", "scale", "relu"]), (4, ["sigmoid", "tanh", "relu"])],
)
def test_the_branch_is_taken_that_a_shape_decides(choice, h, channels, expected):
    path = choice(
        h.make_node("Shape", ["x"], ["s"]),
        h.make_node("Gather", ["s", "at"], ["c"]),
        h.make_node("Equal", ["c", "three"], ["yes"]),
        at=np.int64(1), three=np.int64(3), channels=channels,
    )  # fmt: skip
    net = memsim.load(path)
    assert kinds(net) == expected
    assert net[list(net)[1].name].name.startswith("choice.")


def test_a_branch_that_the_input_decides_is_told(choice, h):
    first = (h.make_node("ReduceMax", ["x"], ["m"], keepdims=0),
             h.make_node("Cast", ["m"], ["yes"], to=9))  # fmt: skip
    with pytest.raises(InputError, match="If 'choice': which branch is taken depends on the"):
        memsim.load(choice(*first, channels=3), allow_unknown=True)


def test_branches_of_one_shape_are_one_unknown_operator(choice, h):
    first = (h.make_node("ReduceMax", ["x"], ["m"], keepdims=0),
             h.make_node("Cast", ["m"], ["yes"], to=9))  # fmt: skip
    other = [h.make_node("Conv", ["x", "w"], ["out"])]
    net = memsim.load(choice(*first, channels=3, other=other), allow_unknown=True)
    assert unknown(net)[-1] == "If"
    assert net["y"].output.shape == (1, 5, 8, 8)


def test_functions_of_a_file_are_written_out(write, h):
    body = [h.make_node("Conv", ["a", "b"], ["c"]), h.make_node("Relu", ["c"], ["d"])]
    opsets = [h.make_opsetid("", 18)]
    block = h.make_function("mine", "Block", ["a", "b"], ["d"], body, opsets)
    path = write(
        h.make_node("Block", ["x", "w"], ["t"], domain="mine"),
        h.make_node("Block", ["t", "v"], ["y"], domain="mine"),
        w=(4, 3, 1, 1), v=(4, 4, 1, 1), functions=[block],
    )  # fmt: skip
    net = memsim.load(path)
    assert kinds(net) == ["conv", "relu", "conv", "relu"]
    assert net.macs == (12 + 16) * 64


def test_functions_that_call_themselves_or_grow_without_bound_are_refused(write, h):
    opsets = [h.make_opsetid("", 18), h.make_opsetid("mine", 1)]

    def function(name, *calls):
        names = ["a", *(f"{name}{i}" for i in range(len(calls)))]
        body = [
            h.make_node(call, [names[i]], [names[i + 1]], domain="mine" if call != "Relu" else "")
            for i, call in enumerate(calls)
        ]
        return h.make_function("mine", name, ["a"], [names[-1]], body, opsets)

    call = h.make_node("f0", ["x"], ["y"], domain="mine")
    path = write(call, functions=[function("f0", "f1"), function("f1", "f0")])
    with pytest.raises(InputError, match="is a function that calls itself"):
        memsim.load(path)
    doubling = [function(f"f{i}", f"f{i + 1}", f"f{i + 1}") for i in range(30)]
    path = write(call, functions=[*doubling, function("f30", "Relu")])
    with pytest.raises(InputError, match="more than 20,000 operators"):
        memsim.load(path)
