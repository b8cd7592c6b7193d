"""What an importer understands computes what the framework computes, number by number.

An operator without weights is run by its own framework, imported, turned into a PyTorch module and
run again. A rule that reads an operator as another one of the same shape is caught here; one that
does not know a form says so, which is no error.
"""

from __future__ import annotations

import numpy as np
import pytest

import memsim
from memsim.errors import SimulationError
from memsim.network.ops.base import sides

pytestmark = pytest.mark.needs("torch")

SHAPE = (2, 8, 6, 6)


def _values():
    """Both signs, no two alike, on both sides of the bounds of activations."""
    return np.random.default_rng(0).permutation(np.linspace(-9, 9, 2 * 8 * 6 * 6)).reshape(SHAPE)


def _understood(load):
    """The network as a module; None where memsim does not know an operator of it."""
    try:
        return memsim.to_torch(load()).double()
    except SimulationError:
        return None


TORCH = {
    "narrow from the end": lambda F, x: x.narrow(1, -3, 3),
    "narrow from before the middle": lambda F, x: x.narrow(1, -7, 2),
    "narrow from the front": lambda F, x: x.narrow(1, 2, 3),
    "narrow to everything": lambda F, x: x.narrow(1, 0, 8) + 1,
    "elu": lambda F, x: F.elu(x, alpha=0.25),
    "celu": lambda F, x: F.celu(x, alpha=2.5),
    "softplus": lambda F, x: F.softplus(x, beta=3),
    "hardshrink": lambda F, x: F.hardshrink(x, 2),
    "softshrink": lambda F, x: F.softshrink(x, 1.5),
    "threshold": lambda F, x: F.threshold(x, 1, -2),
    "swap the first axes": lambda F, x: x.swapaxes(1, 2) + 1,
    "swap by another name": lambda F, x: x.swapdims(-1, 1) + 1,
    "move an axis": lambda F, x: torch().moveaxis(x, 1, 3) + 1,
    "turn the last axes": lambda F, x: x.mT + 1,
    "slice": lambda F, x: x[:, 2:-1],
    "slice from the end": lambda F, x: x[:, -3:],
    "slice to everything": lambda F, x: x[:, :] + 1,
    "split": lambda F, x: F.relu(x.split([3, 1, 4], 1)[2]),
    "chunk": lambda F, x: F.relu(x.chunk(3, 1)[1]),
    "cat": lambda F, x: cat(x),
    "add with alpha": lambda F, x: x.add(3, alpha=2),
    "sub with alpha": lambda F, x: x.sub(3, alpha=2),
    "rsub": lambda F, x: 3 - x,
    "rsub with alpha": lambda F, x: torch().rsub(x, 1, alpha=2),
    "complement": lambda F, x: 1 - x,
    "mul": lambda F, x: x * 3,
    "div": lambda F, x: x / 4,
    "mean over the map": lambda F, x: x.mean((2, 3)),
    "mean kept": lambda F, x: x.mean((-1, -2), keepdim=True),
    "max over the map": lambda F, x: x.amax((2, 3)),
    "pads of one fill": lambda F, x: F.max_pool2d(F.pad(F.pad(x.relu(), (0, 1)), (1, 0)), 2),
    "pad and pool": lambda F, x: F.max_pool2d(F.pad(x.relu(), (0, 1, 0, 1)), 3, 2),
    "max pool rounded up": lambda F, x: F.max_pool2d(x, 3, 2, ceil_mode=True),
    "max pool with padding": lambda F, x: F.max_pool2d(x, 3, 2, 1),
    "average pool": lambda F, x: F.avg_pool2d(x, 2),
    "adaptive pool": lambda F, x: F.adaptive_avg_pool2d(x, 3),
    "global pool": lambda F, x: F.adaptive_max_pool2d(x, 1),
    "nearest": lambda F, x: F.interpolate(x, scale_factor=2),
    "bilinear": lambda F, x: F.interpolate(x, (9, 12), mode="bilinear"),
    "bilinear, corners": lambda F, x: F.interpolate(x, (9, 4), mode="bilinear", align_corners=True),
    "flatten": lambda F, x: x.flatten(1) * 2,
    "relu6": lambda F, x: F.relu6(x),
    "clamp to 0 and 6": lambda F, x: x.clamp(0, 6),
    "clamp to 0": lambda F, x: x.clamp(min=0),
    "clamp to 0 and 1": lambda F, x: x.clamp(0, 1),
    "power": lambda F, x: x**3,
    "functions by name": lambda F, x: F.mish(x.exp().sin()) + F.elu(x.erf()) - F.softplus(x.abs()),
    "less than": lambda F, x: torch().maximum(x - x.relu(), x.floor() / (x.square() + 1.0)),
    "rows that repeat": lambda F, x: x - x[:, :, :1],
    "gated half": lambda F, x: F.glu(x, 1),
    "hardtanh": lambda F, x: F.hardtanh(x, 0, 6),
    "leaky relu": lambda F, x: F.leaky_relu(x, 0.2),
    "softmax": lambda F, x: x.softmax(1),
    "silu": lambda F, x: F.silu(x),
    "hard swish": lambda F, x: F.hardswish(x),
    "hard sigmoid": lambda F, x: F.hardsigmoid(x),
    "gelu": lambda F, x: F.gelu(x),
    "dropout": lambda F, x: F.dropout(x, 0.5, training=False) * 2,
    "gate": lambda F, x: x * x.mean((2, 3), keepdim=True).sigmoid(),
    "slice of the map": lambda F, x: x[:, :, 1:-1],
    "slice with a step": lambda F, x: x[:, ::2],
    "softmax over the width": lambda F, x: x.softmax(3),
    "cat of rows": lambda F, x: cat(x, 2),
    "dilated max pool": lambda F, x: F.max_pool2d(x, 2, dilation=2),
    "pads of two fills": lambda F, x: F.max_pool2d(
        F.pad(F.pad(x.relu(), (0, 1), value=99.0), (1, 0)), 2
    ),
    "two readers": lambda F, x: x * F.relu(x) + x,
    "mean over the channels": lambda F, x: x.mean(1, keepdim=True),
    "mean over the channels, gone": lambda F, x: x.mean(1),
    "mean over the width": lambda F, x: x.mean(3),
    "mean over the height": lambda F, x: x.mean(2),
    "mean of tokens": lambda F, x: x.flatten(2).transpose(1, 2).mean(1),
    "mean of a token": lambda F, x: x.flatten(2).transpose(1, 2).mean(2),
    "max over everything but the batch": lambda F, x: x.amax((1, 2, 3)),
    "min": lambda F, x: x.amin((1, 3)),
    "sum over the map": lambda F, x: x.sum((2, 3)),
    "sum of branches": lambda F, x: x.view(2, 2, 4, 6, 6).sum(1),
    "product": lambda F, x: (x / 9).prod(2),
    "variance": lambda F, x: x.var(1, keepdim=True),
    "variance of all": lambda F, x: x.var((1, 2, 3), correction=0),
    "deviation": lambda F, x: x.std((2, 3), unbiased=False),
    "variance and mean": lambda F, x: sum(torch().var_mean(x, (2, 3))),
    "norm": lambda F, x: x.norm(2, 1),
    "norm by sums": lambda F, x: torch().linalg.vector_norm(x, 1, (1, 3)),
    "norm by the largest": lambda F, x: torch().linalg.vector_norm(x, float("inf"), 1),
    "logarithm of sums": lambda F, x: x.logsumexp((2, 3), True),
    "max with places": lambda F, x: x.max(1)[0] * 2,
    "max of a pooled map": lambda F, x: x.mean((2, 3)).max(1)[0],
    "places": lambda F, x: x.argmax(1) * 2,
    "places of the least": lambda F, x: x.argmin(2, keepdim=True) * 2,
    "values and places": lambda F, x: sum(x.max(3)),
    "any": lambda F, x: (x > 0).any(1) * 1.0,
    "all": lambda F, x: (x > 0).all(3, keepdim=True) * 1.0,
    "group norm": lambda F, x: F.group_norm(x, 4),
    "group norm of rows": lambda F, x: F.group_norm(x.flatten(2), 2),
    "instance norm": lambda F, x: F.instance_norm(x),
    "batch norm of rows": lambda F, x: F.batch_norm(x.flatten(2), x.new_zeros(8), x.new_ones(8)),
    "rms norm": lambda F, x: F.rms_norm(x, (6,)),
    "rms norm of maps": lambda F, x: F.rms_norm(x, (6, 6)),
    "log softmax": lambda F, x: F.log_softmax(x, 1),
    "log softmax of the width": lambda F, x: F.log_softmax(x, 3),
}
"""Functions of ``torch.nn.functional`` and a tensor that must be understood."""

UNKNOWN = {
    "eigenvalues": lambda F, x: torch().linalg.eigvalsh(x),
    "Fourier transform": lambda F, x: torch().fft.rfft2(x).abs(),
}
"""What is not understood: today's limits, to be moved when they move."""


def torch():
    import torch

    return torch


def cat(x, axis=1):
    return torch().cat([x, x.relu(), x], axis)


def _imported(function):
    nn = torch().nn

    class Module(nn.Module):
        def forward(self, x):
            return function(nn.functional, x)

    return Module().eval()


@pytest.mark.parametrize("name", TORCH)
def test_what_is_understood_of_pytorch_computes_the_same(name):
    x = torch().from_numpy(_values())
    module = _imported(TORCH[name])
    understood = _understood(lambda: memsim.from_torch(module, x))
    assert understood is not None, "memsim does not know it"
    expected, computed = module(x), understood(x)
    assert expected.numel() == computed.numel()
    np.testing.assert_allclose(computed.reshape(expected.shape), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_not_understood_of_pytorch_is_said(name):
    module = _imported(UNKNOWN[name])
    with pytest.raises(SimulationError, match=r"does not know (the operator|this form of)"):
        memsim.from_torch(module, torch().from_numpy(_values()))


PAD = [0, 0, 0, 0, 0, 0, 0, 1]
LEFT = [0, 0, 0, 1, 0, 0, 0, 0]

ONNX = {
    "slice": ([("Slice", "x starts ends axes", {})],
              {"starts": [-3], "ends": [2**63 - 1], "axes": [1]}),
    "slice of everything": ([("Slice", "x starts ends axes", {}), ("Relu", "a", {})],
                            {"starts": [0], "ends": [99], "axes": [-3]}),
    "split": ([("Split", "x sizes", {"axis": 1})], {"sizes": [3, 5]}),
    "concat": ([("Relu", "x", {}), ("Concat", "a x a", {"axis": -3})], {}),
    "add": ([("Add", "x n", {})], {"n": [3.0]}),
    "subtract": ([("Sub", "x n", {})], {"n": [3.0]}),
    "subtract from": ([("Sub", "n x", {})], {"n": [3.0]}),
    "complement": ([("Sub", "n x", {})], {"n": [1.0]}),
    "divide": ([("Div", "x n", {})], {"n": [4.0]}),
    "divide a number": ([("Div", "n x", {})], {"n": [4.0]}),
    "clip 0 6": ([("Clip", "x low high", {})], {"low": 0.0, "high": 6.0}),
    "clip 0": ([("Clip", "x low", {})], {"low": 0.0}),
    "clip 0 inf": ([("Clip", "x low high", {})], {"low": 0.0, "high": np.inf}),
    "clip 0 1": ([("Clip", "x low high", {})], {"low": 0.0, "high": 1.0}),
    "silu": ([("Sigmoid", "x", {}), ("Mul", "x a", {})], {}),
    "gate of another": ([("Relu", "x", {}), ("Tanh", "x", {}), ("Sigmoid", "b", {}),
                         ("Mul", "a c", {})], {}),
    "hard swish": ([("HardSigmoid", "x", {"alpha": 1 / 6}), ("Mul", "a x", {})], {}),
    "leaky relu": ([("LeakyRelu", "x", {"alpha": 0.2})], {}),
    "softmax": ([("Softmax", "x", {"axis": 1})], {}),
    "softmax of the width": ([("Softmax", "x", {})], {}),
    "mean": ([("ReduceMean", "x axes", {"keepdims": 0})], {"axes": [-1, 2]}),
    "mean of the channels": ([("ReduceMean", "x axes", {})], {"axes": [1]}),
    "max": ([("ReduceMax", "x axes", {})], {"axes": [2, 3]}),
    "global": ([("GlobalAveragePool", "x", {})], {}),
    "max pool": ([("MaxPool", "x", {"kernel_shape": [3, 3], "strides": [2, 2],
                                    "pads": [1, 1, 1, 1]})], {}),
    # The reference takes a pool's SAME_LOWER as SAME_UPPER, against the specification.
    "max pool, same": ([("MaxPool", "x", {"kernel_shape": [3, 3], "strides": [2, 2],
                                          "auto_pad": "SAME_UPPER"})], {}),
    "dilated max pool": ([("MaxPool", "x", {"kernel_shape": [2, 2], "dilations": [2, 2]})], {}),
    "pads of one fill": ([("Relu", "x", {}), ("Pad", "a p zero", {}), ("Pad", "b q zero", {}),
                          ("MaxPool", "c", {"kernel_shape": [1, 2], "strides": [1, 2]})],
                         {"p": PAD, "q": LEFT, "zero": [0.0]}),
    "pads of two fills": ([("Relu", "x", {}), ("Pad", "a p big", {}), ("Pad", "b q zero", {}),
                           ("MaxPool", "c", {"kernel_shape": [1, 2], "strides": [1, 2]})],
                          {"p": PAD, "q": LEFT, "zero": [0.0], "big": [99.0]}),
    "nearest": ([("Resize", "x  scales", {"coordinate_transformation_mode": "asymmetric",
                                          "nearest_mode": "floor"})],
                {"scales": [1.0, 1.0, 2.0, 2.0]}),
    "bilinear": ([("Resize", "x  scales", {"mode": "linear"})], {"scales": [1.0, 1.0, 2.0, 2.0]}),
    "bilinear, corners": ([("Resize", "x  scales", {"coordinate_transformation_mode":
                                                    "align_corners", "mode": "linear"})],
                          {"scales": [1.0, 1.0, 2.0, 2.0]}),
    "sum": ([("ReduceSum", "x axes", {"keepdims": 0})], {"axes": [-2]}),
    "sum of nothing": ([("ReduceSum", "x", {"noop_with_empty_axes": 1}), ("Relu", "a", {})], {}),
    "min": ([("ReduceMin", "x axes", {})], {"axes": [1, 3]}),
    "product": ([("Sigmoid", "x", {}), ("ReduceProd", "a axes", {})], {"axes": [3]}),
    "l1": ([("ReduceL1", "x axes", {})], {"axes": [1]}),
    "l2": ([("ReduceL2", "x axes", {"keepdims": 0})], {"axes": [1]}),
    "log sum": ([("Sigmoid", "x", {}), ("ReduceLogSum", "a axes", {})], {"axes": [1, 2]}),
    "log sum exp": ([("ReduceLogSumExp", "x axes", {})], {"axes": [2]}),
    "sum of squares": ([("ReduceSumSquare", "x axes", {})], {"axes": [1, 2, 3]}),
    "instance norm": ([("InstanceNormalization", "x s b", {})], {"s": [1.0] * 8, "b": [0.0] * 8}),
    "mean and variance": ([("MeanVarianceNormalization", "x", {"axes": [2, 3]})], {}),
    "division by a norm": ([("LpNormalization", "x", {"axis": 1})], {}),
    # The reference sums what is negative as it is, against the specification.
    "division by sums": ([("Sigmoid", "x", {}),
                          ("LpNormalization", "a", {"axis": -1, "p": 1})], {}),
    "log softmax": ([("LogSoftmax", "x", {"axis": 1})], {}),
    "flatten": ([("Flatten", "x", {}), ("Mul", "a n", {})], {"n": [2.0]}),
}  # fmt: skip
"""Operators, inputs (the outputs are called a, b, c ...) and attributes; constants."""

REFUSED: set[str] = set()
"""What memsim does not know of it, and says so."""


@pytest.mark.needs("onnx")
@pytest.mark.parametrize("name", ONNX)
def test_what_is_understood_of_onnx_computes_the_same(name, tmp_path):
    import onnx
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    operators, constants = ONNX[name]
    nodes = []
    for (target, inputs, attributes), output in zip(operators, "abcdef", strict=False):
        outputs = [output, "rest"] if target == "Split" else [output]
        nodes.append(helper.make_node(target, inputs.split(" "), outputs, **attributes))
    single = onnx.TensorProto.FLOAT
    tensors = [
        onnx.numpy_helper.from_array(
            np.asarray(array, np.float32 if isinstance(np.ravel(array)[0], float) else None), key
        )
        for key, array in constants.items()
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", single, SHAPE)],
        [helper.make_tensor_value_info(nodes[-1].output[0], single, None)],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    understood = _understood(lambda: memsim.load(path))
    assert (understood is None) == (name in REFUSED)
    if understood is None:
        return
    (expected,) = ReferenceEvaluator(model).run(None, {"x": _values().astype(np.float32)})
    computed = understood(torch().from_numpy(_values())).detach().numpy()
    np.testing.assert_allclose(computed.reshape(expected.shape), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.needs("onnx")
@pytest.mark.parametrize("automatic", ["SAME_UPPER", "SAME_LOWER", "VALID"])
@pytest.mark.parametrize("target", ["Conv", "ConvTranspose"])
@pytest.mark.parametrize("kernel", [2, 3, 4])
@pytest.mark.parametrize("stride", [1, 2])
def test_automatic_padding_is_that_of_the_onnx_reference(
    automatic, target, kernel, stride, tmp_path
):
    """The reference computes the same with the padding that memsim tells as with the file's."""
    if stride > kernel:
        return
    import onnx
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    weight = np.random.default_rng(1).normal(size=(3, 3, kernel, kernel)).astype(np.float32)
    x = np.random.default_rng(2).normal(size=(1, 3, 6, 6)).astype(np.float32)

    def model(**padding):
        node = helper.make_node(target, ["x", "w"], ["y"], strides=[stride, stride], **padding)
        graph = helper.make_graph(
            [node],
            "g",
            [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, x.shape)],
            [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)],
            [onnx.numpy_helper.from_array(weight, "w")],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])

    path = tmp_path / "model.onnx"
    onnx.save(model(auto_pad=automatic), path)
    layer = memsim.load(path)["y"]
    pads = layer.op.pads() if target == "Conv" else sides(layer.op.padding)
    (expected,) = ReferenceEvaluator(model(auto_pad=automatic)).run(None, {"x": x})
    (computed,) = ReferenceEvaluator(model(pads=list(pads))).run(None, {"x": x})
    assert layer.output.shape == expected.shape
    np.testing.assert_allclose(computed, expected, rtol=1e-5, atol=1e-5)
