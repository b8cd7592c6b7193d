"""The constants of ONNX graphs that are computed while a file is read."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.onnx.constants import MOST_VALUES, Folding
from memsim.formats.foreign.records import Constant, Record

pytestmark = pytest.mark.needs("onnx")


def folded(target, *operands, opset=18, learned=False, **attributes):
    """The constant that an operator becomes; None where it is left to its rule."""
    importer = Importer({})
    importer.input("x", (2, 8, 6, 5))
    names = []
    for number, operand in enumerate(operands):
        if isinstance(operand, str):
            names.append(operand)
        elif operand is None:
            names.append("")
        else:
            names.append(f"k{number}")
            array = np.asarray(operand)
            importer.constants[names[-1]] = Constant(array.shape, array, learned)
    record = Record("node", target, tuple(names), ("y",), attributes)
    done = Folding(opset)(importer, record)
    assert done == ("y" in importer.constants)
    return importer.constants.get("y")


def values(*arguments, **options):
    constant = folded(*arguments, **options)
    return None if constant is None else constant.values.tolist()


def test_the_shape_of_a_tensor_is_a_constant_though_the_tensor_is_none():
    assert values("Shape", "x") == [2, 8, 6, 5]
    assert values("Shape", "x", start=1, end=-1) == [8, 6]
    assert values("Relu", "x") is None


@pytest.mark.parametrize(
    ("arguments", "options", "expected"),
    [
        (("Gather", [2, 8, 6, 5], 1), {}, 8),
        (("Gather", [2, 8, 6, 5], [-1, 0]), {"axis": 0}, [5, 2]),
        (("Slice", [2, 8, 6, 5], [1], [2**63 - 1]), {}, [8, 6, 5]),
        (("Slice", [2, 8, 6, 5], [3], [-9], None, [-2]), {}, [5, 8]),
        (("Slice", [2, 8, 6, 5]), {"opset": 9, "starts": [1], "ends": [3]}, [8, 6]),
        (("Squeeze", [[7]], [0]), {}, [7]),
        (("Squeeze", [[7]]), {"opset": 11, "axes": [0, 1]}, 7),
        (("Unsqueeze", 7, [0]), {}, [7]),
        (("Unsqueeze", [7, 8], [0, 2]), {}, [[[7], [8]]]),
        (("Unsqueeze", [7, 8]), {"opset": 11, "axes": [2, 0]}, [[[7], [8]]]),
        (("Unsqueeze", [7, 8]), {"opset": 11, "axes": [-2, -1]}, [[[7]], [[8]]]),
        (("Reshape", [1, 2, 3, 4], [2, -1]), {}, [[1, 2], [3, 4]]),
        (("Reshape", [[1, 2], [3, 4]], [0, -1, 1]), {}, [[[1], [2]], [[3], [4]]]),
        (("Concat", [1, 2], [-1]), {"axis": 0}, [1, 2, -1]),
        (("Cast", [1.75, -1.75]), {"to": 7}, [1, -1]),
        (("Div", [7, -7], [2, 2]), {}, [3, -3]),
        (("Div", [7.0], [2.0]), {}, [3.5]),
        (("Mod", [7, -7], [4, 4]), {}, [3, 1]),
        (("Range", 0, 6, 2), {}, [0, 2, 4]),
        (("ConstantOfShape", [3]), {}, [0.0, 0.0, 0.0]),
        (("ConstantOfShape", [2]), {"value": Constant((1,), np.array([7]))}, [7, 7]),
        (("Expand", [[1], [2]], [1, 2]), {}, [[1, 1], [2, 2]]),
        (("ReduceProd", [2, 3, 4]), {"keepdims": 0}, 24),
        (("ReduceProd", [[2, 3], [4, 5]]), {"opset": 13, "axes": [1]}, [[6], [20]]),
        (("Min", [3, 9], [4, 4], [8, 1]), {}, [3, 1]),
        (("Where", [True, False], [1, 1], [2, 2]), {}, [1, 2]),
        (("Equal", [1, 2], [1, 3]), {}, [True, False]),
        (("Sqrt", [4.0]), {}, [2.0]),
    ],
)
def test_an_operator_on_constants_is_computed(arguments, options, expected):
    assert values(*arguments, **options) == expected


def test_a_weight_keeps_that_it_is_learned_and_a_number_of_it_does_not():
    assert folded("Mul", [1.0, 2.0], [2.0, 2.0], learned=True).learned
    assert not folded("Gather", [1.0, 2.0], [0], learned=True).learned
    assert not folded("Mul", [1.0, 2.0], [2.0, 2.0]).learned


def test_a_weight_that_is_not_loaded_is_moved_by_its_shape():
    importer = Importer({})
    importer.constants["w"] = Constant((64, 32, 3, 3), None, learned=True)
    fold = Folding(18)
    for target, attributes, shape in [
        ("Transpose", {"perm": [1, 0, 2, 3]}, (32, 64, 3, 3)),
        ("Identity", {}, (64, 32, 3, 3)),
        ("Cast", {"to": 10}, (64, 32, 3, 3)),
        ("DequantizeLinear", {}, (64, 32, 3, 3)),
    ]:
        assert fold(importer, Record("n", target, ("w",), (target,), attributes))
        made = importer.constants[target]
        assert (made.shape, made.values, made.learned) == (shape, None, True)
    assert not fold(importer, Record("n", "Neg", ("w",), ("y",)))


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (("Range", 0, 10**12, 1), {}),
        (("Range", 0, 5, 0), {}),
        (("ConstantOfShape", [1 << 20, 1 << 20]), {}),
        (("Expand", [1], [1 << 20, 1 << 12]), {}),
        (("Expand", np.zeros((1, 0), int), [1 << 33, 1]), {}),
        (("Where", np.ones((1000, 1, 1), bool), np.ones((1, 1000, 1)), np.ones((1, 1, 1000))), {}),
        (("Max", *(np.ones([1000 if i == j else 1 for j in range(4)]) for i in range(4))), {}),
        (("Neg", np.ones(MOST_VALUES + 1)), {}),
        (("Concat", np.ones(MOST_VALUES), np.ones(1)), {"axis": 0}),
    ],
)
def test_nothing_large_is_made_of_small_constants(arguments, options):
    assert folded("Neg", [1]) is not None  # what is imported once is not counted
    tracemalloc.start()
    assert folded(*arguments, **options) is None
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (("Gather", [1, 2], [5]), {}),
        (("Reshape", [1, 2, 3], [2, 2]), {}),
        (("Concat", [1], [[2]]), {"axis": 0}),
        (("Cast", [1]), {"to": 99}),
        (("Cast", [1]), {"to": 8}),
        (("Add", [1, 2], [1, 2, 3]), {}),
        (("Gather", [1, 2], [0]), {"opset": -5, "axis": "x"}),
        (("RandomNormal",), {"shape": [2]}),
        (("Mystery", [1]), {}),
    ],
)
def test_nonsense_is_left_to_the_operators_rule(arguments, options):
    constant = folded(*arguments, **options)
    assert constant is None or constant.values is None


@pytest.mark.parametrize("index", [0, MOST_VALUES - 1])
def test_a_number_is_picked_out_of_the_largest_operand_and_of_no_larger_one(index):
    assert values("Gather", np.arange(MOST_VALUES), index) == index
    assert folded("Gather", np.arange(MOST_VALUES + 1), index) is None


@pytest.mark.parametrize("outputs", [("",), ("", "second")])
def test_an_output_that_is_left_out_becomes_no_constant(outputs):
    importer = Importer({})
    importer.input("x", (2, 8, 6, 5))
    assert not Folding(18)(importer, Record("node", "Shape", ("x",), outputs))
    assert importer.constants == {}
