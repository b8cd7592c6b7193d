"""How PyTorch runs each operator."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import TYPE_CHECKING, Any

from memsim.errors import InputError
from memsim.network import Layer
from memsim.network.ops.base import pair, sides
from memsim.registry import Registry

if TYPE_CHECKING:
    from memsim.formats.module.draft import Draft

__all__ = ["LAYERS"]

Operands = list[Any]
Translate = Callable[["Draft", Layer, Operands], Any]

LAYERS: Registry[Translate] = Registry("operator in PyTorch")
"""By operator kind: (draft, layer, operands) -> the graph node of the layer's output."""

PLAIN = {
    "relu": "ReLU",
    "relu6": "ReLU6",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "silu": "SiLU",
    "hardswish": "Hardswish",
    "hardsigmoid": "Hardsigmoid",
    "gelu": "GELU",
    "identity": "Identity",
}
"""Operators that are a module without arguments."""


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "sigmoid": lambda torch: torch.sigmoid_,
    "tanh": lambda torch: torch.tanh_,
    "gelu": lambda torch: torch.ops.aten.gelu_,
}
"""What writes over its input where the module has no argument that says so."""


def _plain(kind: str) -> Translate:
    def translate(draft: Draft, layer: Layer, operands: Operands) -> Any:
        if not layer.op.overwrites:
            return draft.module(layer, getattr(draft.torch.nn, kind)(), *operands)
        if layer.op.kind in FUNCTIONS:
            return draft.call(layer, FUNCTIONS[layer.op.kind](draft.torch), *operands)
        return draft.module(layer, getattr(draft.torch.nn, kind)(inplace=True), *operands)

    return translate


for _kind, _module in PLAIN.items():
    LAYERS.add(_kind, _plain(_module))


@LAYERS.register("conv")
def _conv(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    top, left, bottom, right = op.pads()
    (source,) = operands
    padding = (top, left)
    if padding != (bottom, right):
        source, padding = _pad(draft, layer, source, (top, left, bottom, right)), (0, 0)
    module = draft.weighted(
        "Conv2d",
        layer.shapes[0][0],
        op.out,
        pair(op.kernel),
        stride=pair(op.stride),
        padding=padding,
        dilation=pair(op.dilation),
        groups=op.groups,
        bias=op.bias,
    )
    return draft.module(layer, module, source)


@LAYERS.register("conv_transpose")
def _conv_transpose(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    top, left, bottom, right = sides(op.padding)
    stride, dilation, extra = pair(op.stride), pair(op.dilation), pair(op.output_padding)
    plain = (top, left) == (bottom, right) and all(
        more < max(step, reach) for more, step, reach in zip(extra, stride, dilation, strict=True)
    )
    module = draft.weighted(
        "ConvTranspose2d",
        layer.shapes[0][0],
        op.out,
        pair(op.kernel),
        stride=stride,
        padding=(top, left) if plain else 0,
        output_padding=extra if plain else 0,
        groups=op.groups,
        bias=op.bias,
        dilation=dilation,
    )
    output = draft.module(layer, module, *operands)
    if plain:
        return output
    return _pad(draft, layer, output, (-top, -left, extra[0] - bottom, extra[1] - right))


@LAYERS.register("linear")
def _linear(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    module = draft.weighted("Linear", layer.shapes[0][0], op.out, bias=op.bias)
    flat = draft.call(layer, draft.torch.flatten, *operands, 1)
    return draft.call(
        layer, draft.torch.reshape, draft.module(layer, module, flat), (-1, op.out, 1, 1)
    )


@LAYERS.register("maxpool")
def _maxpool(draft: Draft, layer: Layer, operands: Operands) -> Any:
    return _pool(draft, layer, operands, "MaxPool2d", -math.inf)


@LAYERS.register("avgpool")
def _avgpool(draft: Draft, layer: Layer, operands: Operands) -> Any:
    return _pool(draft, layer, operands, "AvgPool2d", 0.0)


def _pool(draft: Draft, layer: Layer, operands: Operands, kind: str, fill: float) -> Any:
    op: Any = layer.op
    kernel, stride, (top, left, bottom, right) = op.geometry()
    (source,) = operands
    padding, ceil_mode = (top, left), op.ceil_mode
    if padding != (bottom, right):
        # Padded by hand to the end of the last window, so that nothing is left to round.
        needed = [
            (size - 1) * step + window
            for size, step, window in zip(layer.output.image[1:], stride, kernel, strict=True)
        ]
        bottom, right = needed[0] - layer.shapes[0][1] - top, needed[1] - layer.shapes[0][2] - left
        source = _pad(draft, layer, source, (top, left, bottom, right), fill)
        padding, ceil_mode = (0, 0), False
    module = getattr(draft.torch.nn, kind)(
        kernel, stride=stride, padding=padding, ceil_mode=ceil_mode
    )
    return draft.module(layer, module, source)


@LAYERS.register("adaptive_avgpool")
def _adaptive_avgpool(draft: Draft, layer: Layer, operands: Operands) -> Any:
    return _adaptive(draft, layer, operands, "AdaptiveAvgPool2d")


@LAYERS.register("adaptive_maxpool")
def _adaptive_maxpool(draft: Draft, layer: Layer, operands: Operands) -> Any:
    return _adaptive(draft, layer, operands, "AdaptiveMaxPool2d")


LAYERS.add("global_avgpool", _adaptive_avgpool)
LAYERS.add("global_maxpool", _adaptive_maxpool)


def _adaptive(draft: Draft, layer: Layer, operands: Operands, kind: str) -> Any:
    return draft.module(layer, getattr(draft.torch.nn, kind)(layer.output.image[1:]), *operands)


@LAYERS.register("batchnorm")
def _batchnorm(draft: Draft, layer: Layer, operands: Operands) -> Any:
    return draft.module(layer, draft.torch.nn.BatchNorm2d(layer.output.image[0]), *operands)


@LAYERS.register("leaky_relu")
def _leaky_relu(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    return draft.module(layer, draft.torch.nn.LeakyReLU(op.slope, op.inplace), *operands)


@LAYERS.register("scale")
def _scale(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    (output,) = operands
    if op.inplace:
        output = draft.method(layer, "mul_", output, op.factor)
        return draft.method(layer, "add_", output, op.shift) if op.shift else output
    if op.factor != 1 or not op.shift:
        output = draft.call(layer, draft.torch.mul, output, op.factor)
    return draft.call(layer, draft.torch.add, output, op.shift) if op.shift else output


@LAYERS.register("complement")
def _complement(draft: Draft, layer: Layer, operands: Operands) -> Any:
    if layer.op.overwrites:
        return draft.method(layer, "add_", draft.method(layer, "neg_", *operands), 1)
    return draft.call(layer, draft.torch.rsub, *operands, 1)


@LAYERS.register("add")
def _add(draft: Draft, layer: Layer, operands: Operands) -> Any:
    return _chain(draft, layer, operands, draft.torch.add, "add_")


@LAYERS.register("mul")
def _mul(draft: Draft, layer: Layer, operands: Operands) -> Any:
    return _chain(draft, layer, operands, draft.torch.mul, "mul_")


def _chain(draft: Draft, layer: Layer, operands: Operands, function: Any, method: str) -> Any:
    """Binary operators in a row, each over its first operand where the layer is in place."""
    if layer.op.overwrites:
        return reduce(lambda a, b: draft.method(layer, method, a, b), operands)
    return reduce(lambda a, b: draft.call(layer, function, a, b), operands)


@LAYERS.register("concat")
def _concat(draft: Draft, layer: Layer, operands: Operands) -> Any:
    return draft.call(layer, draft.torch.cat, operands, 1)


@LAYERS.register("slice")
def _slice(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    return draft.call(layer, draft.torch.narrow, *operands, 1, op.start, layer.output.image[0])


@LAYERS.register("upsample")
def _upsample(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    if op.coordinates == "asymmetric":
        message = "resizes with coordinates 'asymmetric', which PyTorch does not have"
        raise InputError(layer.node.problem(message, hint="half_pixel or align_corners"))
    module = draft.torch.nn.Upsample(
        size=None if op.size is None else pair(op.size),
        scale_factor=None if op.factor is None else tuple(map(float, pair(op.factor))),
        mode=op.mode,
        align_corners=op.coordinates == "align_corners" if op.mode == "bilinear" else None,
    )
    return draft.module(layer, module, *operands)


@LAYERS.register("flatten")
def _flatten(draft: Draft, layer: Layer, operands: Operands) -> Any:
    return draft.call(layer, draft.torch.reshape, *operands, (-1, *layer.output.image))


@LAYERS.register("softmax")
def _softmax(draft: Draft, layer: Layer, operands: Operands) -> Any:
    return draft.module(layer, draft.torch.nn.Softmax(dim=1), *operands)


@LAYERS.register("dropout")
def _dropout(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    return draft.module(layer, draft.torch.nn.Dropout(op.rate), *operands)


@LAYERS.register("opaque")
def _opaque(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    message = f"stands for {op.op}, which memsim does not know; it cannot be built in PyTorch"
    raise InputError(layer.node.problem(message))


def _pad(
    draft: Draft,
    layer: Layer,
    source: Any,
    pads: tuple[int, int, int, int],
    fill: float = 0.0,
) -> Any:
    """Rows and columns added around a tensor, or cut where the number is negative."""
    top, left, bottom, right = pads
    pad = draft.torch.nn.functional.pad
    return draft.call(layer, pad, source, (left, right, top, bottom), "constant", fill)
