"""MACs of an ONNX file, counted without memsim: every tensor's shape as ONNX Runtime computes it.

The file really runs, once, with every intermediate tensor as an output; what is multiplied follows
from the shapes alone. Slow, and true also where shapes are computed on the way.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx

__all__ = ["count", "count_inferred", "free_inputs"]

DTYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16,
          "tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(int8)": np.int8,
          "tensor(uint8)": np.uint8, "tensor(bool)": np.bool_}  # fmt: skip

WEIGHTS = {1, 2, 3, 10, 11, 16, *range(17, 24)}
"""Types of TensorProto that weights have."""


def free_inputs(model: Any) -> dict[str, list[int | str]]:
    """The sizes of the inputs that are no initializers; names where a size is open."""
    held = {each.name for each in model.graph.initializer}
    return {
        value.name: [
            dim.dim_value if dim.dim_value > 0 else dim.dim_param or "?"
            for dim in value.type.tensor_type.shape.dim
        ]
        for value in model.graph.input
        if value.name not in held
    }


def count(path: str, shapes: Mapping[str, Sequence[int]]) -> tuple[int, int]:
    """MACs of a run with inputs of these shapes, and elements of the weights that nodes read."""
    import onnxruntime

    model = onnx.load(path)
    nodes = [node for node in model.graph.node if node.op_type != "Constant"]
    wanted = [name for node in nodes for name in node.output if name]
    declared = {value.name for value in model.graph.output}
    for name in wanted:
        if name not in declared:
            model.graph.output.append(onnx.ValueInfoProto(name=name))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    names = [each.name for each in session.get_outputs()]
    feeds = {
        each.name: np.ones(shapes[each.name], DTYPES[each.type]) for each in session.get_inputs()
    }
    results = session.run(names, feeds)
    known = {name: array.shape for name, array in zip(names, results, strict=True)
             if hasattr(array, "shape")}  # fmt: skip
    known |= {name: array.shape for name, array in feeds.items()}
    held = {each.name: each for each in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant":  # where some exporters keep their weights
            held.update((node.output[0], a.t) for a in node.attribute if a.name == "value")
    known |= {name: tuple(each.dims) for name, each in held.items()}
    read = {name for node in nodes for name in node.input}
    params = sum(math.prod(each.dims) for name, each in held.items()
                 if name in read and each.data_type in WEIGHTS)  # fmt: skip
    return sum(_macs(node, known) for node in nodes), params


def count_inferred(model: Any) -> int:
    """MACs of a model by the shapes that the ``onnx`` package infers; it does not run.

    Raises
    ------
    KeyError
        Where a shape is not inferred.
    """
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    graph = inferred.graph
    known: dict[str, Sequence[int]] = {each.name: tuple(each.dims) for each in graph.initializer}
    for value in (*graph.input, *graph.output, *graph.value_info):
        sizes = tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)
        if all(sizes):
            known.setdefault(value.name, sizes)
    return sum(_macs(node, known) for node in graph.node)


def _macs(node: Any, known: Mapping[str, Sequence[int]]) -> int:
    attributes = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}

    def shape(position: int) -> Sequence[int]:
        return known[node.input[position]]

    kind = node.op_type
    if kind in ("Conv", "ConvInteger", "QLinearConv"):
        weight = shape(3 if kind == "QLinearConv" else 1)
        return math.prod(known[node.output[0]]) * math.prod(weight[1:])
    if kind == "ConvTranspose":
        return math.prod(shape(0)) * math.prod(shape(1)[1:])
    if kind in ("MatMul", "MatMulInteger", "QLinearMatMul"):
        return math.prod(known[node.output[0]]) * shape(0)[-1]
    if kind == "Gemm":
        inner = shape(0)[0 if attributes.get("transA") else 1]
        return math.prod(known[node.output[0]]) * inner
    if kind == "Einsum":
        return _einsum(attributes["equation"].decode(), [shape(i) for i in range(len(node.input))])
    if kind in ("LSTM", "GRU", "RNN"):
        steps, batch = shape(0)[:2]
        return steps * batch * (math.prod(shape(1)) + math.prod(shape(2)))
    return 0


def _einsum(equation: str, shapes: Sequence[Sequence[int]]) -> int:
    """The product of all letters' sizes, where two operands are contracted."""
    letters: dict[str, int] = {}
    for term, shape in zip(
        equation.replace(" ", "").partition("->")[0].split(","), shapes, strict=True
    ):
        letters |= dict(zip(term, shape, strict=True))
    return math.prod(letters.values()) if len(shapes) == 2 else 0
