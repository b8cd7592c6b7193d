"""How PyTorch runs pools and resizing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from memsim.errors import InputError
from memsim.formats.module.layers import LAYERS, Operands, maps, pad, windowed
from memsim.network import Layer
from memsim.network.ops.base import around, each

if TYPE_CHECKING:
    from memsim.formats.module.draft import Draft


@LAYERS.register("maxpool")
@windowed
def _maxpool(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    if not op.indices:
        return _pool(draft, layer, operands, "MaxPool", -math.inf)
    axes = len(maps(layer)[0]) - 1
    if len({*around(op.padding, axes)}) > 1:
        message = "tells where maxima lie under windows whose padding PyTorch does not have"
        raise InputError(layer.node.problem(message))
    function = getattr(draft.torch.nn.functional, f"max_pool{axes}d")
    both = draft.call(
        layer, function, *operands, each(op.kernel, axes),
        None if op.stride is None else each(op.stride, axes),
        around(op.padding, axes)[:axes], each(op.dilation, axes), ceil_mode=op.ceil_mode,
        return_indices=True,
    )  # fmt: skip
    import operator

    return draft.call(layer, operator.getitem, both, 1)


@LAYERS.register("avgpool")
@windowed
def _avgpool(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    pooled = _pool(draft, layer, operands, "AvgPool", 0.0)
    if op.include_pad or not _by_hand(layer):
        return pooled
    ones = draft.call(layer, draft.torch.ones_like, *operands)
    share = _pool(draft, layer, [ones], "AvgPool", 0.0)
    return draft.call(layer, draft.torch.div, pooled, share)


@LAYERS.register("lppool")
@windowed
def _lppool(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    torch = draft.torch
    powers = draft.call(layer, torch.pow, draft.call(layer, torch.abs, *operands), op.p)
    mean = _pool(draft, layer, [powers], "AvgPool", 0.0)
    axes = len(maps(layer)[0]) - 1
    total = draft.call(layer, torch.mul, mean, math.prod(each(op.kernel, axes)))
    return draft.call(layer, torch.pow, total, 1 / op.p)


@LAYERS.register("max_unpool")
def _max_unpool(draft: Draft, layer: Layer, operands: Operands) -> Any:
    sizes = tuple(layer.output.image[1:])
    torch = draft.torch
    if len(sizes) == 1:
        apart = [draft.call(layer, torch.unsqueeze, each, -1) for each in operands]
        output = draft.call(layer, torch.ops.aten.max_unpool2d, *apart, (*sizes, 1))
        return draft.call(layer, torch.squeeze, output, -1)
    function = getattr(torch.ops.aten, f"max_unpool{len(sizes)}d")
    if len(sizes) == 2:
        return draft.call(layer, function, *operands, sizes)
    return draft.call(layer, function, *operands, sizes, (1, 1, 1), (0, 0, 0))


def _by_hand(layer: Layer) -> bool:
    """Whether a pool pads as PyTorch's own do not: more on one side, or more than half a kernel."""
    op: Any = layer.op
    axes = len(maps(layer)[0]) - 1
    kernel, sides = each(op.kernel, axes), around(op.padding, axes)
    return sides[:axes] != sides[axes:] or any(
        2 * side > size for side, size in zip(sides, kernel * 2, strict=True)
    )


def _pool(draft: Draft, layer: Layer, operands: Operands, kind: str, fill: float) -> Any:
    op: Any = layer.op
    source_map, output_map = maps(layer)
    sizes = source_map[1:]
    axes = len(sizes)
    kernel, sides = each(op.kernel, axes), around(op.padding, axes)
    stride = kernel if op.stride is None else each(op.stride, axes)
    dilation = each(op.dilation, axes)
    (source,) = operands
    padding, ceil_mode = sides[:axes], op.ceil_mode
    spread: dict[str, Any] = {"dilation": dilation} if kind == "MaxPool" else {}
    if kind == "AvgPool" and any(step > 1 for step in dilation):
        raise InputError(layer.node.problem("takes means of places apart, as PyTorch does not"))
    if _by_hand(layer):
        # Padded by hand to the end of the last window, so that nothing is left to round.
        windows = zip(output_map[1:], stride, kernel, dilation, strict=True)
        needed = [
            (count - 1) * step + apart * (window - 1) + 1 for count, step, window, apart in windows
        ]
        behind = (end - size - pad for end, size, pad in zip(needed, sizes, padding, strict=True))
        source = pad(draft, layer, source, (*padding, *behind), fill)
        padding, ceil_mode = (0,) * axes, False
    if kind == "AvgPool":
        spread["count_include_pad"] = getattr(op, "include_pad", True)
    module = getattr(draft.torch.nn, f"{kind}{axes}d")(
        kernel, stride=stride, padding=padding, ceil_mode=ceil_mode, **spread
    )
    return draft.module(layer, module, source)


@LAYERS.register("adaptive_avgpool")
@windowed
def _adaptive_avgpool(draft: Draft, layer: Layer, operands: Operands) -> Any:
    return _adaptive(draft, layer, operands, "AdaptiveAvgPool")


@LAYERS.register("adaptive_maxpool")
@windowed
def _adaptive_maxpool(draft: Draft, layer: Layer, operands: Operands) -> Any:
    return _adaptive(draft, layer, operands, "AdaptiveMaxPool")


LAYERS.add("global_avgpool", _adaptive_avgpool)
LAYERS.add("global_maxpool", _adaptive_maxpool)


def _adaptive(draft: Draft, layer: Layer, operands: Operands, kind: str) -> Any:
    sizes = tuple(maps(layer)[1][1:])
    return draft.module(layer, getattr(draft.torch.nn, f"{kind}{len(sizes)}d")(sizes), *operands)


@LAYERS.register("upsample")
def _upsample(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    if op.coordinates == "asymmetric":
        message = "resizes with coordinates 'asymmetric', which PyTorch does not have"
        raise InputError(layer.node.problem(message, hint="half_pixel or align_corners"))
    axes = len(layer.shapes[0]) - 1
    linear = {1: "linear", 3: "trilinear"}
    mode = linear.get(axes, op.mode) if op.mode == "bilinear" else op.mode
    size = None if op.size is None else each(op.size, axes)
    factor = None if op.factor is None else tuple(map(float, each(op.factor, axes)))
    corners = op.coordinates == "align_corners" if op.mode in ("bilinear", "bicubic") else None
    if op.antialias:
        return draft.call(
            layer, draft.torch.nn.functional.interpolate, *operands, size, factor, mode, corners,
            antialias=True,
        )  # fmt: skip
    module = draft.torch.nn.Upsample(size, factor, mode, corners)
    return draft.module(layer, module, *operands)
