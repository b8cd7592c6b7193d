"""What the peers are told of a network: a plain list of operators, written from memsim's own.

Batch norm is folded into the convolution before it and an activation fused into its producer,
as inference compilers do; dropout is gone. What is left are convolutions, poolings, additions,
concatenations and one linear layer, with shapes. The adapters turn this into TFLite, ONNX or
a table of layers; none of them imports memsim.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from memsim import Network
from memsim.network.ops import Operator
from memsim.network.ops.base import pair, sides
from memsim.network.ops.conv import Conv
from memsim.network.ops.pointwise import BatchNorm, Relu, Relu6
from memsim.network.ops.pool import GlobalAvgPool, MaxPool
from memsim.network.ops.shape import Dropout

SKIPPED = (BatchNorm, Relu, Relu6, Dropout)


def describe(network: Network) -> dict[str, Any]:
    """The operators of a network as plain values, in schedule order.

    Raises
    ------
    SystemExit
        For an operator that the adapters do not know, or a batch norm that does not fold.
    """
    stands_for: dict[str, str] = {}
    operators: list[dict[str, Any]] = []
    by_name: dict[str, dict[str, Any]] = {}
    for layer in network:
        sources = [stands_for[tensor.name] for tensor in layer.inputs]
        if isinstance(layer.op, SKIPPED):
            (source,) = sources
            before = by_name[source]
            alone = len(set(network.readers[layer.inputs[0].name])) == 1
            if isinstance(layer.op, BatchNorm) and not (before["kind"] == "conv" and alone):
                raise SystemExit(f"{network.name}: {layer.name} does not fold")
            if isinstance(layer.op, Relu | Relu6):
                before["activation"] = layer.op.kind
            stands_for[layer.name] = source
            continue
        operator = {
            "name": layer.name,
            "kind": layer.op.kind,
            "inputs": sources,
            "shape": list(layer.output.image),
            **_window(network.name, layer.op, [list(tensor.image) for tensor in layer.inputs]),
        }
        stands_for[layer.name] = layer.name
        by_name[layer.name] = operator
        operators.append(operator)
    return {"name": network.name, "operators": operators}


def _window(name: str, op: Operator, inputs: list[list[int]]) -> dict[str, Any]:
    """Kernel, stride and padding (top, left, bottom, right) where an operator has them."""
    if isinstance(op, Conv):
        if op.groups != 1 or op.dilation != 1:
            raise SystemExit(f"{name}: the adapters know plain convolutions alone")
        padding = op.pads()
        return {"kernel": pair(op.kernel), "stride": pair(op.stride), "padding": padding}
    if isinstance(op, MaxPool):
        stride = op.kernel if op.stride is None else op.stride
        padding = sides(op.padding)
        return {"kernel": pair(op.kernel), "stride": pair(stride), "padding": padding}
    if isinstance(op, GlobalAvgPool):
        return {"kernel": inputs[0][1:], "stride": (1, 1), "padding": (0, 0, 0, 0)}
    if op.kind not in ("input", "add", "concat", "linear"):
        raise SystemExit(f"{name}: the adapters do not know the operator {op.kind}")
    return {}


def floors(network: Network) -> dict[str, int]:
    """Bytes that must move at int8: each parameter once, the input, the logits.

    Returns
    -------
    dict
        ``weights_only``: no parameter of any batch norm counts; ``learnable``: scale and shift of
        each channel do; ``stored``: running mean and variance as well.
    """
    int8 = network.with_options(dtype="int8")
    channels = sum(layer.output.image[0] for layer in int8 if isinstance(layer.op, BatchNorm))
    ends = sum(int8[name].output.nbytes for name in (*int8.inputs, *int8.outputs))
    learnable = int8.params + ends
    return {
        "weights_only": learnable - 2 * channels,
        "learnable": learnable,
        "stored": learnable + 2 * channels,
    }


def write(network: Network, path: Path) -> None:
    """Keep a description as JSON."""
    path.write_text(json.dumps(describe(network), indent=1))
