"""Inputs of ONNX files: several, of any rank, with axes that the file leaves open."""

from __future__ import annotations

import pytest

import memsim
from memsim.errors import InputError

pytestmark = pytest.mark.needs("onnx")


@pytest.fixture(name="write")
def _write(tmp_path):
    """Write a file with an activation behind each input; None is an input of unknown rank."""
    from onnx import TensorProto, helper

    def write(**inputs):
        nodes = [helper.make_node("Relu", [name], [f"{name}_out"], name=name) for name in inputs]
        graph = helper.make_graph(
            nodes, "g",
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, axes)
             for name, axes in inputs.items()],
            [helper.make_tensor_value_info(f"{name}_out", TensorProto.FLOAT, None)
             for name in inputs],
        )  # fmt: skip
        path = tmp_path / "g.onnx"
        path.write_bytes(helper.make_model(graph).SerializeToString())
        return path

    return write


def elements(path, given=None):
    """Elements of each input."""
    network = memsim.load(path, input_shape=given)
    return [network[name].output.size for name in network.inputs]


def test_an_open_batch_is_one_and_open_sizes_are_given_by_name(write):
    path = write(image=("N", 3, "h", "w"), mask=("N", 1, "h", "w"))
    assert elements(path, {"image": "3x8x4"}) == [96, 32], "an axis of a name has one size"
    assert elements(path, {"image": "3x8x4", "mask": (1, 2, 2)}) == [96, 4]
    assert elements(path, {"image": "2x3x8x4"}) == [192, 64], "the batch included"
    with pytest.raises(InputError, match=r"input 'image': has the shape N x 3 x h x w") as caught:
        elements(path)
    assert "such as --input image=3x224x224)" in str(caught.value)


def test_inputs_of_any_rank_and_with_unequal_first_axes(write):
    path = write(image=(1, 3, 8, 8), state=(2, 1, 128), scale=(), ids=("N", "t"))
    assert elements(path, {"ids": "16"}) == [192, 256, 1, 16]
    assert elements(path, {"ids": "16", "state": "4x1x8"}) == [192, 32, 1, 16]
    assert elements(write(x=None), (3, 4, 4)) == [48]


@pytest.mark.parametrize(
    ("inputs", "given", "told"),
    [
        ({"x": (1, 3, 8, 8)}, {"y": "3x8x8"}, r"has no input 'y' \(known: x\)"),
        ({"left": (1, 3, 8, 8)}, {"lef": "3x8x8"}, r"did you mean 'left'\?"),
        ({"a": (1, 3), "b": (1, 3)}, "3x8x8", r"has 2 inputs, a and b; which is 3x8x8\?"),
        ({"x": (1, 3, 8, 8)}, "8x8",
         r"input 'x': has 4 axes, 1 x 3 x 8 x 8; 8x8 has 2 .*--input 3x8x8"),
        ({"x": (), "y": (1, 2)}, {"x": "8"}, r"input 'x': is a single number; 8 has 1"),
        ({"sound": ("N", 1, "t")}, None, r"has the shape N x 1 x t \(.*--input 1x16000\)"),
        ({"ids": ("N", "t")}, None, r"has the shape N x t \(.*--input 128\)"),
        ({"video": ("N", 3, "t", "h", "w")}, None, r"--input 3x16x112x112\)"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_sizes(write, inputs, given, told):
    with pytest.raises(InputError, match=told):
        elements(write(**inputs), given)
