"""How PyTorch runs each operator."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import TYPE_CHECKING, Any

from memsim.errors import InputError
from memsim.network import Layer
from memsim.network.ops.arrange import axis_of
from memsim.network.ops.base import each
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


def maps(layer: Layer) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The map that a layer's windows go over, and the one that they give."""
    axes = getattr(layer.op, "axes", None)
    lead = 0 if axes is None else -axes - 1
    return layer.shapes[0][lead:], layer.output.image[lead:]


def windowed(translate: Translate) -> Translate:
    """For windows over maps that the axes in front of their channels number: as so many images."""

    def apply(draft: Draft, layer: Layer, operands: Operands) -> Any:
        if getattr(layer.op, "axes", None) is None:
            return translate(draft, layer, operands)
        reshape = draft.torch.reshape
        source = draft.call(layer, reshape, *operands, (-1, *maps(layer)[0]))
        output = translate(draft, layer, [source])
        return draft.call(layer, reshape, output, (-1, *layer.output.image))

    return apply


@LAYERS.register("conv")
@windowed
def _conv(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    source_map, _ = maps(layer)
    axes = len(source_map) - 1
    pads = op.around(axes)
    (source,) = operands
    padding = pads[:axes]
    if padding != pads[axes:]:
        source, padding = pad(draft, layer, source, pads), (0,) * axes
    module = draft.weighted(
        f"Conv{axes}d",
        source_map[0],
        op.out,
        each(op.kernel, axes),
        stride=each(op.stride, axes),
        padding=padding,
        dilation=each(op.dilation, axes),
        groups=op.groups,
        bias=op.bias,
    )
    return draft.module(layer, module, source)


@LAYERS.register("conv_transpose")
@windowed
def _conv_transpose(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    source_map, _ = maps(layer)
    axes = len(source_map) - 1
    pads = op.around(axes)
    before, after = pads[:axes], pads[axes:]
    stride, dilation = each(op.stride, axes), each(op.dilation, axes)
    extra = each(op.output_padding, axes)
    plain = before == after and all(
        more < max(step, reach) for more, step, reach in zip(extra, stride, dilation, strict=True)
    )
    module = draft.weighted(
        f"ConvTranspose{axes}d",
        source_map[0],
        op.out,
        each(op.kernel, axes),
        stride=stride,
        padding=before if plain else 0,
        output_padding=extra if plain else 0,
        groups=op.groups,
        bias=op.bias,
        dilation=dilation,
    )
    output = draft.module(layer, module, *operands)
    if plain:
        return output
    behind = (more - cut for more, cut in zip(extra, after, strict=True))
    return pad(draft, layer, output, (*(-cut for cut in before), *behind))


@LAYERS.register("linear")
def _linear(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    features = layer.shapes[0][layer.output.image.channel]
    module = draft.weighted("Linear", features, op.out, bias=op.bias)
    if layer.output.image.channel:
        return draft.module(layer, module, *operands)
    flat = draft.call(layer, draft.torch.flatten, *operands, 1)
    return draft.call(
        layer, draft.torch.reshape, draft.module(layer, module, flat), (-1, *layer.output.image)
    )


@LAYERS.register("attention")
def _attention(draft: Draft, layer: Layer, operands: Operands) -> Any:
    attend = draft.torch.nn.functional.scaled_dot_product_attention
    query, key = layer.shapes[:2]
    shared = query[:-2] != key[:-2] and len(query) > 2
    return draft.call(layer, attend, *operands, enable_gqa=shared)


@LAYERS.register("parameter")
def _parameter(draft: Draft, layer: Layer, operands: Operands) -> Any:
    return draft.parameter(layer)


@LAYERS.register("matmul")
def _matmul(draft: Draft, layer: Layer, operands: Operands) -> Any:
    return draft.call(layer, draft.torch.matmul, *operands)


@LAYERS.register("computed_conv")
def _computed_conv(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    axes = op.axes or len(layer.shapes[0]) - 1
    pads, functional = op.around(axes), draft.torch.nn.functional
    (source, *computed) = operands
    if pads[:axes] != pads[axes:]:
        sides = [side for at in reversed(range(axes)) for side in (pads[at], pads[axes + at])]
        source, pads = draft.call(layer, functional.pad, source, sides), (0,) * (2 * axes)
    about = (each(op.stride, axes), pads[:axes], each(op.dilation, axes), op.groups)
    return draft.call(layer, _image_by_image, axes, source, computed, *about)


def _image_by_image(axes: int, images: Any, computed: Operands, *about: Any) -> Any:
    """Each image with kernels, and perhaps constants, of its own."""
    import torch

    convolve = getattr(torch.nn.functional, f"conv{axes}d")
    made = []
    for number, image in enumerate(images):
        kernels, *bias = (operand[number] for operand in computed)
        constant = bias[0].flatten() if bias else None
        made.append(convolve(image[None], kernels, constant, *about))
    return torch.cat(made)


@LAYERS.register("layernorm")
def _layernorm(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    if op.scale:
        sizes = tuple(layer.shapes[0][-op.axes :])
        return draft.module(layer, draft.torch.nn.LayerNorm(sizes, bias=op.shift), *operands)
    module = draft.torch.nn.LayerNorm(tuple(layer.shapes[0][-op.axes :]), elementwise_affine=False)
    return draft.module(layer, module, *operands)


@LAYERS.register("batchnorm")
def _batchnorm(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    axes = len(layer.output.image) - 1
    kind = getattr(draft.torch.nn, f"BatchNorm{axes}d")
    return draft.module(layer, kind(layer.output.image[0], affine=op.affine), *operands)


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
    op: Any = layer.op
    images = layer.output.shape[0]
    operands = [
        draft.call(layer, draft.torch.Tensor.expand, each, images, *tensor.image)
        if tensor.shape[0] < images
        else each
        for each, tensor in zip(operands, layer.inputs, strict=True)
    ]
    return draft.call(layer, draft.torch.cat, operands, 1 + op.along(layer.shapes))


@LAYERS.register("slice")
def _slice(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    ((_, axis, start, stop, step),) = op.arrangement(layer.shapes)
    if step == 1:
        return draft.call(layer, draft.torch.narrow, *operands, 1 + axis, start, stop - start)
    import operator

    places = (slice(None),) * (1 + axis) + (slice(start, stop, step),)
    return draft.call(layer, operator.getitem, *operands, places)


@LAYERS.register("permute")
def _permute(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    order = (0, *(1 + axis for axis in op.order))
    moved = draft.call(layer, draft.torch.permute, *operands, order)
    return draft.call(layer, draft.torch.clone, moved)


@LAYERS.register("flatten")
def _flatten(draft: Draft, layer: Layer, operands: Operands) -> Any:
    return draft.call(layer, draft.torch.reshape, *operands, (-1, *layer.output.image))


LAYERS.add("reshape", _flatten)


@LAYERS.register("softmax")
def _softmax(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    axis = axis_of(op.axis, layer.output.image)
    return draft.module(layer, draft.torch.nn.Softmax(dim=1 + axis), *operands)


@LAYERS.register("dropout")
def _dropout(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    return draft.module(layer, draft.torch.nn.Dropout(op.rate), *operands)


@LAYERS.register("opaque")
def _opaque(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    message = f"stands for {op.op}, which memsim does not know; it cannot be built in PyTorch"
    raise InputError(layer.node.problem(message))


def pad(
    draft: Draft,
    layer: Layer,
    source: Any,
    pads: tuple[int, ...],
    fill: float = 0.0,
) -> Any:
    """Places added around a map, or cut where the number is negative.

    ``pads`` are those in front of each spatial axis, then those behind each.
    """
    axes = len(pads) // 2
    pairs = [number for axis in reversed(range(axes)) for number in (pads[axis], pads[axis + axes])]
    pad = draft.torch.nn.functional.pad
    return draft.call(layer, pad, source, tuple(pairs), "constant", fill)
