"""How PyTorch runs normalisations and reductions."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from memsim.formats.module.layers import LAYERS, Operands
from memsim.network import Layer
from memsim.network.ops.arrange import axis_of

if TYPE_CHECKING:
    from memsim.formats.module.draft import Draft

__all__ = ["LAYERS"]


@LAYERS.register("log_softmax")
def _log_softmax(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    axis = axis_of(op.axis, layer.output.image)
    return draft.module(layer, draft.torch.nn.LogSoftmax(dim=1 + axis), *operands)


@lru_cache(maxsize=1)
def _norm(torch: Any) -> Any:
    class Norm(torch.nn.Module):  # type: ignore[misc]
        """A normalisation by a function, with a factor or a constant or both or none."""

        def __init__(self, function: Any, sizes: tuple[int, ...], scale: bool, shift: bool):
            super().__init__()
            self.apply_function = function
            self.weight = torch.nn.Parameter(torch.ones(sizes)) if scale else None
            self.bias = torch.nn.Parameter(torch.zeros(sizes)) if shift else None

        def forward(self, x: Any) -> Any:
            """Normalise."""
            return self.apply_function(x, self.weight, self.bias)

    return Norm


@LAYERS.register("rms_norm")
def _rms_norm(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    torch, sizes = draft.torch, tuple(layer.shapes[0][-op.axes :])

    def function(x: Any, weight: Any, bias: Any) -> Any:
        normal = torch.nn.functional.rms_norm(x, sizes, weight)
        return normal if bias is None else normal + bias

    module = _norm(torch)(function, sizes, op.scale, op.shift)
    return draft.module(layer, module, *operands)


@LAYERS.register("group_norm")
def _group_norm(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    channels, norm = layer.output.image[0], draft.torch.nn.functional.group_norm

    def function(x: Any, weight: Any, bias: Any) -> Any:
        return norm(x, op.groups, weight, bias)

    module = _norm(draft.torch)(function, (channels,), op.scale, op.shift)
    return draft.module(layer, module, *operands)


@LAYERS.register("instance_norm")
def _instance_norm(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    norm = draft.torch.nn.functional.instance_norm

    def function(x: Any, weight: Any, bias: Any) -> Any:
        return norm(x, weight=weight, bias=bias)

    module = _norm(draft.torch)(function, (layer.output.image[0],), op.scale, op.shift)
    return draft.module(layer, module, *operands)


@LAYERS.register("lrn")
def _lrn(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    return draft.module(layer, draft.torch.nn.LocalResponseNorm(op.size), *operands)


def _places(axes: tuple[int, ...], rank: int) -> tuple[int, ...]:
    """Axes of an image as those of a tensor with its batch."""
    return tuple(1 + axis % rank for axis in axes)


@LAYERS.register("normalize")
def _normalize(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    torch, places = draft.torch, _places(op.axes, len(layer.shapes[0]))

    def deviation(x: Any, *_: Any) -> Any:
        return (x - x.mean(places, True)) / (x.std(places, correction=0, keepdim=True) + 1e-9)

    def norm(x: Any, *_: Any) -> Any:
        order = 1 if op.by == "l1" else 2
        return x / torch.linalg.vector_norm(x, order, places, True).clamp_min(1e-12)

    function = deviation if op.by == "deviation" else norm
    return draft.module(layer, _norm(torch)(function, (), False, False), *operands)


@LAYERS.register("reduce")
def _reduce(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    torch, places, keep = draft.torch, _places(op.axes, len(layer.shapes[0])), op.keep
    (x,) = operands
    correction = int(op.unbiased)
    if not places:
        result = draft.call(layer, torch.abs, x) if op.function in ("l1", "l2") else x
        if op.function == "sumsquare":
            result = draft.call(layer, torch.square, x)
        elif op.function == "logsum":
            result = draft.call(layer, torch.log, x)
    elif op.function in ("var", "std"):
        call = getattr(torch, op.function)
        result = draft.call(layer, call, x, places, correction=correction, keepdim=keep)
    elif op.function in ("max", "min"):
        result = draft.call(layer, getattr(torch, f"a{op.function}"), x, places, keep)
    elif op.function in ("l1", "l2", "absmax", "absmin"):
        order = {"l1": 1, "l2": 2, "absmax": float("inf"), "absmin": float("-inf")}[op.function]
        result = draft.call(layer, torch.linalg.vector_norm, x, order, places, keep)
    elif op.function in ("prod", "argmax", "argmin"):
        result = _one_by_one(draft, layer, x, places)
    elif op.function == "logsum":
        result = draft.call(layer, torch.log, draft.call(layer, torch.sum, x, places, keep))
    elif op.function == "sumsquare":
        result = draft.call(layer, torch.sum, draft.call(layer, torch.square, x), places, keep)
    else:
        result = draft.call(layer, getattr(torch, op.function), x, places, keep)
    if not keep and len(layer.shapes[0]) - len({*places}) < 2:
        return draft.call(layer, torch.reshape, result, (-1, *layer.output.image))
    return result


def _one_by_one(draft: Draft, layer: Layer, x: Any, places: tuple[int, ...]) -> Any:
    """Functions that PyTorch has for one axis alone."""
    op: Any = layer.op
    rank = len(layer.shapes[0]) + 1
    rest = [axis for axis in range(rank) if axis not in places]
    call = getattr(draft.torch, op.function)
    if len(places) == 1:
        return draft.call(layer, call, x, places[0], op.keep)
    moved = draft.call(layer, draft.torch.permute, x, (*rest, *places))
    flat = draft.call(layer, draft.torch.flatten, moved, len(rest))
    reduced = draft.call(layer, call, flat, -1)
    return draft.call(layer, draft.torch.reshape, reduced, (-1, *layer.output.image))
