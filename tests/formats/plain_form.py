"""Networks in a form that PyTorch and ONNX can express, for comparing them layer by layer."""

from __future__ import annotations

from typing import Any

from memsim.network import Network
from memsim.network.ops.base import pair, sides

NOTHING = ("identity", "dropout")
"""Operators that do nothing at inference."""

Row = tuple[str, tuple[Any, ...], tuple[int, ...], tuple[int, ...]]


def plain_form(network: Network) -> tuple[list[Row], list[int]]:
    """Kind, attributes, inputs by number and shape of every layer, and the outputs by number.

    Names, operators that do nothing (a slice of everything is one) and layers that no output
    needs are left out; sums and products of more than two tensors are chains; attributes that
    mean the same are the same.
    """
    needed = set(network.outputs)
    for layer in reversed(list(network)):
        if layer.name in needed:
            needed.update(tensor.name for tensor in layer.inputs)
    layers = [layer for layer in network if layer.name in needed]
    layers.sort(key=lambda layer: layer.op.kind != "input")  # inputs first, else in order
    rows: list[Row] = []
    number: dict[str, int] = {}
    for layer in layers:
        kind, inputs = layer.op.kind, [number[tensor.name] for tensor in layer.inputs]
        shape = layer.output.shape
        same = layer.inputs and shape == layer.inputs[0].shape
        if kind in NOTHING or (kind in ("flatten", "slice") and same):
            number[layer.name] = inputs[0]
            continue
        while len(inputs) > 2 and kind in ("add", "mul"):
            size = max(rows[inputs[0]][3], rows[inputs[1]][3])
            rows.append((kind, (), tuple(inputs[:2]), size))
            inputs = [len(rows) - 1, *inputs[2:]]
        kind, attributes = _meaning(layer)
        number[layer.name] = len(rows)
        rows.append((kind, attributes, tuple(inputs), shape))
    return rows, list(dict.fromkeys(number[name] for name in network.outputs))


def _meaning(layer: Any) -> tuple[str, tuple[Any, ...]]:
    op, kind = layer.op, layer.op.kind
    if kind == "conv":
        return kind, (
            pair(op.kernel), pair(op.stride), op.pads(), pair(op.dilation), op.groups, op.bias
        )  # fmt: skip
    if kind == "conv_transpose":
        top, left, bottom, right = sides(op.padding)
        down, across = pair(op.output_padding)
        net = (top, left, bottom - down, right - across)
        return kind, (
            pair(op.kernel), pair(op.stride), net, pair(op.dilation), op.groups, op.bias
        )  # fmt: skip
    if kind in ("maxpool", "avgpool"):
        kernel, stride, (top, left, *_) = op.geometry()
        return kind, (kernel, stride, (top, left))  # the end follows from the output's shape
    if kind == "adaptive_avgpool" and layer.output.image[1:] != (1, 1):
        (_, *sizes), (_, *cells) = layer.shapes[0], layer.output.image
        if not any(size % cell for size, cell in zip(sizes, cells, strict=True)):
            window = tuple(size // cell for size, cell in zip(sizes, cells, strict=True))
            return "avgpool", (window, window, (0, 0))
    if kind.startswith(("adaptive_", "global_")):
        return kind.replace("adaptive", "global"), ()
    if kind == "slice":
        return kind, (op.start,)
    if kind == "upsample":
        return kind, (op.mode, op.coordinates, op.size is None)
    attributes = op.model_dump(exclude={"inplace"})  # says where memory is, not what is computed
    return kind, tuple(sorted(attributes.items()))
