"""Networks as ONNX models without weights: shapes are all that the reader needs."""

from __future__ import annotations

from typing import Any

from memsim.network import Network
from memsim.network.ops.base import pair, sides

NAMES = {
    "relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "hardswish": "HardSwish",
    "hardsigmoid": "HardSigmoid", "gelu": "Gelu", "identity": "Identity",
    "global_avgpool": "GlobalAveragePool", "global_maxpool": "GlobalMaxPool", "add": "Sum",
}  # fmt: skip


def to_onnx(network: Network, *, batch: Any = None) -> Any:
    """A ModelProto of the network; layers that ONNX has no operator for are unknown ones."""
    import onnx
    from onnx import helper

    writer = _Writer(onnx)
    shape = {layer.name: layer.output.shape for layer in network}

    def value(name: str) -> Any:
        dims = [batch or shape[name][0], *shape[name][1:]]
        return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, dims)

    for layer in network:
        if layer.op.kind != "input":
            writer.add(layer)
    graph = helper.make_graph(
        writer.nodes,
        network.name,
        [value(name) for name in network.inputs],
        [value(name) for name in network.outputs],
        writer.weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])


class _Writer:
    def __init__(self, onnx: Any) -> None:
        self.onnx = onnx
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def weight(self, name: str, *dims: int) -> str:
        """An initializer whose data are missing."""
        tensor = self.onnx.TensorProto(name=name, dims=dims)
        tensor.data_type = self.onnx.TensorProto.FLOAT
        self.weights.append(tensor)
        return name

    def numbers(self, name: str, values: list[Any]) -> str:
        kind = self.onnx.TensorProto
        is_float = any(isinstance(each, float) for each in values)
        data_type = kind.FLOAT if is_float else kind.INT64
        self.weights.append(self.onnx.helper.make_tensor(name, data_type, [len(values)], values))
        return name

    def node(self, target: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(
            self.onnx.helper.make_node(target, inputs, [output], name=output, **attributes)
        )
        return output

    def add(self, layer: Any) -> None:
        op, name = layer.op, layer.name
        inputs = [tensor.name for tensor in layer.inputs]
        if op.kind in NAMES:
            self.node(NAMES[op.kind], inputs, name)
        else:
            getattr(self, f"_{op.kind}")(op, name, inputs, layer)

    def _weights(self, op: Any, name: str, inputs: list[str], *dims: int) -> list[str]:
        bias = [self.weight(f"{name}.bias", op.out)] if op.bias else []
        return [*inputs, self.weight(f"{name}.weight", *dims), *bias]

    def _conv(self, op: Any, name: str, inputs: list[str], layer: Any) -> None:
        kernel = pair(op.kernel)
        channels = layer.shapes[0][0] // op.groups
        self.node(
            "Conv", self._weights(op, name, inputs, op.out, channels, *kernel), name,
            kernel_shape=kernel, strides=pair(op.stride), dilations=pair(op.dilation),
            pads=op.pads(), group=op.groups,
        )  # fmt: skip

    def _conv_transpose(self, op: Any, name: str, inputs: list[str], layer: Any) -> None:
        kernel = pair(op.kernel)
        dims = (layer.shapes[0][0], op.out // op.groups, *kernel)
        self.node(
            "ConvTranspose", self._weights(op, name, inputs, *dims), name,
            kernel_shape=kernel, strides=pair(op.stride), dilations=pair(op.dilation),
            pads=sides(op.padding), group=op.groups, output_padding=pair(op.output_padding),
        )  # fmt: skip

    def _linear(self, op: Any, name: str, inputs: list[str], layer: Any) -> None:
        flat = self.node("Flatten", inputs, f"{name}.flat")
        weights = self._weights(op, name, [flat], op.out, layer.shapes[0][0])
        two = self.node("Gemm", weights, f"{name}.two", transB=1)
        axes = self.numbers(f"{name}.axes", [2, 3])
        self.node("Unsqueeze", [two, axes], name)

    def _flatten(self, op: Any, name: str, inputs: list[str], layer: Any) -> None:
        shape = self.numbers(f"{name}.shape", [0, -1, 1, 1])
        self.node("Reshape", [*inputs, shape], name)

    def _batchnorm(self, op: Any, name: str, inputs: list[str], layer: Any) -> None:
        size = layer.output.image[0]
        parts = [self.weight(f"{name}.{part}", size) for part in ("scale", "b", "mean", "var")]
        self.node("BatchNormalization", [*inputs, *parts], name)

    def _maxpool(self, op: Any, name: str, inputs: list[str], layer: Any) -> None:
        self._pool("MaxPool", op, name, inputs)

    def _avgpool(self, op: Any, name: str, inputs: list[str], layer: Any) -> None:
        self._pool("AveragePool", op, name, inputs)

    def _pool(self, target: str, op: Any, name: str, inputs: list[str]) -> None:
        kernel, stride, pads = op.geometry()
        options = {"kernel_shape": kernel, "strides": stride, "pads": pads}
        self.node(target, inputs, name, ceil_mode=int(op.ceil_mode), **options)

    def _relu6(self, op: Any, name: str, inputs: list[str], layer: Any) -> None:
        bounds = [self.numbers(f"{name}.{bound}", [float(bound)]) for bound in (0, 6)]
        self.node("Clip", [*inputs, *bounds], name)

    def _leaky_relu(self, op: Any, name: str, inputs: list[str], layer: Any) -> None:
        self.node("LeakyRelu", inputs, name, alpha=op.slope)

    def _silu(self, op: Any, name: str, inputs: list[str], layer: Any) -> None:
        gate = self.node("Sigmoid", inputs, f"{name}.gate")
        self.node("Mul", [*inputs, gate], name)

    def _mul(self, op: Any, name: str, inputs: list[str], layer: Any) -> None:
        last = inputs[0]
        for number, each in enumerate(inputs[1:], 2):
            output = name if number == len(inputs) else f"{name}.{number}"
            last = self.node("Mul", [last, each], output)

    def _complement(self, op: Any, name: str, inputs: list[str], layer: Any) -> None:
        self.node("Sub", [self.numbers(f"{name}.one", [1.0]), *inputs], name)

    def _concat(self, op: Any, name: str, inputs: list[str], layer: Any) -> None:
        self.node("Concat", inputs, name, axis=1)

    def _slice(self, op: Any, name: str, inputs: list[str], layer: Any) -> None:
        ends = op.start + layer.output.image[0]
        parts = {"starts": [op.start], "ends": [ends], "axes": [1]}
        extra = [self.numbers(f"{name}.{part}", values) for part, values in parts.items()]
        self.node("Slice", [*inputs, *extra], name)

    def _upsample(self, op: Any, name: str, inputs: list[str], layer: Any) -> None:
        mode = "linear" if op.mode == "bilinear" else "nearest"
        if op.size is None:
            scales = [1.0, 1.0, *map(float, pair(op.factor))]
            extra = ["", self.numbers(f"{name}.scales", scales)]
        else:
            extra = ["", "", self.numbers(f"{name}.sizes", list(layer.output.shape))]
        lie = {"coordinate_transformation_mode": op.coordinates} if op.coordinates else {}
        self.node("Resize", [*inputs, *extra], name, mode=mode, **lie)

    def _softmax(self, op: Any, name: str, inputs: list[str], layer: Any) -> None:
        self.node("Softmax", inputs, name, axis=1)

    def _dropout(self, op: Any, name: str, inputs: list[str], layer: Any) -> None:
        self.node("Dropout", [*inputs, self.numbers(f"{name}.ratio", [float(op.rate)])], name)

    def _adaptive_avgpool(self, op: Any, name: str, inputs: list[str], layer: Any) -> None:
        """As exporters write it, where windows of one size cover the map."""
        sizes = zip(layer.shapes[0][1:], layer.output.image[1:], strict=True)
        window = [size // cell for size, cell in sizes]
        self.node("AveragePool", inputs, name, kernel_shape=window, strides=window)
