"""How PyTorch runs elementwise operators: functions by name, and those with stored tensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, Any

from memsim.formats.module.layers import LAYERS, Operands
from memsim.network import Layer
from memsim.network.ops.pointwise import COMBINATIONS, FUNCTIONS, NUMBERS

if TYPE_CHECKING:
    from memsim.formats.module.draft import Draft

__all__ = ["LAYERS"]

MODULES = {
    "elu": "ELU",
    "celu": "CELU",
    "selu": "SELU",
    "mish": "Mish",
    "softplus": "Softplus",
    "logsigmoid": "LogSigmoid",
    "hardshrink": "Hardshrink",
    "softshrink": "Softshrink",
}
"""Functions that are a module; some can write over their input."""

OVER = ("elu", "celu", "selu", "mish")

WITH_NUMBERS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "threshold": ("threshold", (0.0, 0.0)),
    "compare": ("gt", (0.0,)),
    "modulo": ("remainder", (2.0,)),
    "shift": ("mul", (2.0,)),  # tensors of floating point numbers have no bits to move
    "bitwise_not": ("logical_not", ()),
    "softsign": ("", ()),
}
"""Functions that PyTorch calls otherwise, or that take a number: (name, numbers)."""

CALLED = {
    "power": "pow",
    "equal": "eq",
    "not_equal": "ne",
    "greater": "gt",
    "greater_equal": "ge",
    "less": "lt",
    "less_equal": "le",
    "bitwise_and": "logical_and",
    "bitwise_or": "logical_or",
    "bitwise_xor": "logical_xor",
    "bit_shift": "mul",
}
"""Functions of several tensors that PyTorch calls otherwise, or only has for other types."""


def function(torch: Any, kind: str) -> Callable[..., Any]:
    """A function of several tensors."""
    special: dict[str, Callable[..., Any]] = {
        "average": lambda a, b: torch.lerp(a, b, 0.5),
        "blend": lambda a, b: torch.lerp(a, b, 0.5),
        "masked": lambda a, mask: torch.masked_fill(a, mask.bool(), 0.0),
        "leak": torch._prelu_kernel,
        "gated": lambda a, b: a * torch.sigmoid(b),
        "where": lambda a, b, c: torch.where(a.bool(), b, c),
    }
    found: Callable[..., Any] = special.get(kind) or getattr(torch, CALLED.get(kind, kind))
    return found


@lru_cache(maxsize=1)
def _combination(torch: Any) -> Any:
    class Combination(torch.nn.Module):  # type: ignore[misc]
        """A function of tensors, some of which it holds."""

        def __init__(self, kind: str, held: Iterable[tuple[int, ...]], places: tuple[int, ...]):
            super().__init__()
            self.apply_function, self.places = function(torch, kind), places
            self.held = [f"weight{at}" if at else "weight" for at, _ in enumerate(places)]
            for name, sizes in zip(self.held, held, strict=True):
                setattr(self, name, torch.nn.Parameter(torch.ones(sizes)))

        def forward(self, *inputs: Any) -> Any:
            """Apply the function, with what is held in its places."""
            tensors = list(inputs)
            for place, name in sorted(zip(self.places, self.held, strict=True)):
                tensors.insert(place, getattr(self, name))
            if len(tensors) == 3:
                return self.apply_function(*tensors)
            return reduce(self.apply_function, tensors)

    return Combination


def _aligned(held: Any, layer: Layer) -> tuple[int, ...]:
    """The sizes of a stored tensor of a layer, as PyTorch aligns them."""
    image = layer.output.image
    if held != "channel":
        return tuple(held)
    behind = len(image) - 1 - image.channel
    return (image[image.channel], *(1,) * behind)


def _modules(kind: str) -> Callable[[Draft, Layer, Operands], Any]:
    def translate(draft: Draft, layer: Layer, operands: Operands) -> Any:
        made = getattr(draft.torch.nn, MODULES[kind])
        over = {"inplace": True} if layer.op.overwrites and kind in OVER else {}
        given = {each: getattr(layer.op, each) for each in NUMBERS.get(kind, ())}
        return draft.module(layer, made(**given, **over), *operands)

    return translate


def _functions(kind: str) -> Callable[[Draft, Layer, Operands], Any]:
    name, usual = WITH_NUMBERS.get(kind, (kind, ()))

    def translate(draft: Draft, layer: Layer, operands: Operands) -> Any:
        numbers = tuple(getattr(layer.op, each) for each in NUMBERS.get(kind, ())) or usual
        if kind == "softsign":
            return draft.module(layer, draft.torch.nn.Softsign(), *operands)
        if layer.op.overwrites and kind not in WITH_NUMBERS:
            return draft.method(layer, f"{name}_", *operands)
        call = getattr(draft.torch, name, None) or getattr(draft.torch.nn.functional, name)
        return draft.call(layer, call, *operands, *numbers)

    return translate


def _combined(draft: Draft, layer: Layer, operands: Operands) -> Any:
    module = _combination(draft.torch)(layer.op.kind, (), ())
    return draft.module(layer, module, *operands)


for _kind in FUNCTIONS:
    LAYERS.add(_kind, _modules(_kind) if _kind in MODULES else _functions(_kind))
for _kind in COMBINATIONS:
    LAYERS.add(_kind, _combined)


@LAYERS.register("parametric")
def _parametric(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    places = op.places or tuple(range(len(operands), len(operands) + len(op.shapes)))
    sizes = [_aligned(each, layer) for each in op.shapes]
    rank = len(layer.output.image)
    for at, source in enumerate(layer.shapes):
        if len(source) < rank:  # its batch would be taken for another axis
            seen = (-1, *(1,) * (rank - len(source)), *source)
            operands[at] = draft.call(layer, draft.torch.reshape, operands[at], seen)
    return draft.module(layer, _combination(draft.torch)(op.function, sizes, places), *operands)


@LAYERS.register("scale_shift")
def _scale_shift(draft: Draft, layer: Layer, operands: Operands) -> Any:
    sizes = _aligned("channel", layer)
    module = _combination(draft.torch)("addcmul", (sizes, sizes), (0, 2))
    return draft.module(layer, module, *operands)


@LAYERS.register("prelu")
def _prelu(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    sizes = _aligned(op.slope, layer)
    if math.prod(sizes) == 1 or (op.slope == "channel" and layer.output.image.channel == 0):
        return draft.module(layer, draft.torch.nn.PReLU(math.prod(sizes)), *operands)
    module = _combination(draft.torch)("leak", (sizes,), (1,))
    return draft.module(layer, module, *operands)


@LAYERS.register("clamp")
def _clamp(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    low, high = op.low, op.high
    if low is None and high is None:
        high = math.inf
    if op.overwrites:
        return draft.method(layer, "clamp_", *operands, low, high)
    return draft.call(layer, draft.torch.clamp, *operands, low, high)


@LAYERS.register("pow")
def _pow(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    if op.overwrites:
        output = draft.method(layer, "pow_", *operands, op.exponent)
        return output if op.factor == 1 else draft.method(layer, "mul_", output, op.factor)
    output = draft.call(layer, draft.torch.pow, *operands, op.exponent)
    return output if op.factor == 1 else draft.call(layer, draft.torch.mul, output, op.factor)
