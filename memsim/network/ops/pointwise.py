"""Batch normalisation, activations, and the operators that combine tensors elementwise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, ClassVar

from pydantic import Field

from memsim.network.ops.base import InPlace, Operator, Shape, Shapes, broadcast


class Pointwise(Operator):
    """Base of operators that frameworks can write over their first input."""

    elementwise: ClassVar[bool] = True
    in_place: ClassVar[bool] = True

    inplace: InPlace = False

    def work(self, inputs: Shapes, output: Shape) -> int:
        return 1


class BatchNorm(Operator):  # no framework lets it write over its input
    """Batch normalisation at inference: a scale and a shift per channel.

    Two parameters per channel are learned (gamma, beta), unless ``affine`` is off; the running
    mean and variance are stored with them.
    """

    kind: ClassVar[str] = "batchnorm"
    elementwise: ClassVar[bool] = True
    folds: ClassVar[bool] = True

    affine: Annotated[
        bool, Field(strict=True, description="with a learned factor and constant per channel")
    ] = True

    def work(self, inputs: Shapes, output: Shape) -> int:
        return 1

    def stored(self, inputs: Shapes, output: Shape) -> int:
        return 4 if self.affine else 2

    def folded(self, inputs: Shapes, output: Shape) -> int:
        return 2  # the scale and the shift

    def learnable(self, inputs: Shapes, output: Shape) -> int:
        return 2 * output[0] if self.affine else 0

    def output_shape(self, inputs: Shapes) -> Shape:
        return Shape.of(inputs[0]).by(0)


class Relu(Pointwise):
    """``max(x, 0)``."""

    kind: ClassVar[str] = "relu"


class Relu6(Pointwise):
    """``min(max(x, 0), 6)``."""

    kind: ClassVar[str] = "relu6"


class LeakyRelu(Pointwise):
    """``x`` where positive, else ``slope * x``."""

    kind: ClassVar[str] = "leaky_relu"
    shorthand: ClassVar[str | None] = "slope"

    slope: Annotated[float, Field(ge=0, le=1, description="factor of negative values")] = 0.01


class Sigmoid(Pointwise):
    """Logistic function."""

    kind: ClassVar[str] = "sigmoid"


class Tanh(Pointwise):
    """Hyperbolic tangent."""

    kind: ClassVar[str] = "tanh"


class Silu(Pointwise):
    """``x * sigmoid(x)``."""

    kind: ClassVar[str] = "silu"


class Hardswish(Pointwise):
    """``x * relu6(x + 3) / 6``."""

    kind: ClassVar[str] = "hardswish"


class Hardsigmoid(Pointwise):
    """``relu6(x + 3) / 6``."""

    kind: ClassVar[str] = "hardsigmoid"


class Gelu(Pointwise):
    """Gaussian error linear unit."""

    kind: ClassVar[str] = "gelu"


class Complement(Pointwise):
    """``1 - x``: what a gate of value ``x`` lets through on its other side."""

    kind: ClassVar[str] = "complement"


class Combine(Pointwise):
    """Base of operators of several tensors; what has size 1 along an axis is repeated along it."""

    arity: ClassVar[tuple[int, int | None]] = (2, None)
    combines: ClassVar[bool] = True

    def output_shape(self, inputs: Shapes) -> Shape:
        if all(shape == inputs[0] for shape in inputs):
            return inputs[0]
        largest = max(inputs, key=lambda shape: (len(shape), math.prod(shape)))
        return Shape(broadcast(self.kind, inputs), Shape(largest).channel)

    def work(self, inputs: Shapes, output: Shape) -> int:
        return len(inputs) - 1


class Add(Combine):
    """Sum of tensors; what has size 1 along an axis is repeated along it."""

    kind: ClassVar[str] = "add"


class Mul(Combine):
    """Product of tensors; what has size 1 along an axis is repeated along it, as the 1x1 map of
    squeeze-and-excitation is."""

    kind: ClassVar[str] = "mul"


@cache
def named(kind: str) -> type[Operator]:
    """An operator of :data:`FUNCTIONS` or :data:`COMBINATIONS`, made when it is used.

    Examples
    --------
    >>> named("atan2").__name__, named("where").arity
    ('Atan2', (3, 3))
    """
    base: type[Operator] = Pointwise if kind in FUNCTIONS else Combine
    formula = {**FUNCTIONS, **COMBINATIONS}[kind]
    name = _class_name(kind)
    body: dict[str, Any] = {
        "kind": kind,
        "arity": base.arity if kind not in THREE else (3, 3),
        "__doc__": f"``{formula}``.",
        "__module__": __name__,
        "__annotations__": {"kind": ClassVar[str], "arity": ClassVar[tuple[int, int | None]]},
    }
    for number, (default, told) in NUMBERS.get(kind, {}).items():
        field = Field(allow_inf_nan=False, description=told)
        body["__annotations__"][number] = Annotated[float, field]
        body[number] = default
    return type(name, (base,), body)


NUMBERS: Mapping[str, Mapping[str, tuple[float, str]]] = {
    "elu": {"alpha": (1, "what negative values tend to, without a sign")},
    "celu": {"alpha": (1, "what negative values tend to, without a sign")},
    "softplus": {"beta": (1, "how steep it is")},
    "hardshrink": {"lambd": (0.5, "from where values pass")},
    "softshrink": {"lambd": (0.5, "how far values are moved")},
    "threshold": {
        "threshold": (0, "from where values pass"), "value": (0, "what the others become"),
    },
}  # fmt: skip
"""The numbers of functions that have some: their defaults, and what they say."""


def _class_name(kind: str) -> str:
    return "".join(map(str.title, kind.split("_")))


def __getattr__(name: str) -> type[Operator]:
    """The class of a name, so that these operators can be pickled as all others."""
    for kind in NAMED:
        if _class_name(kind) == name:
            return named(kind)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


FUNCTIONS = {
    "abs": "|x|",
    "neg": "-x",
    "sign": "-1, 0 or 1",
    "square": "x * x",
    "sqrt": "sqrt(x)",
    "rsqrt": "1 / sqrt(x)",
    "reciprocal": "1 / x",
    "exp": "exp(x)",
    "exp2": "2 ** x",
    "expm1": "exp(x) - 1",
    "log": "log(x)",
    "log2": "log2(x)",
    "log10": "log10(x)",
    "log1p": "log(1 + x)",
    "erf": "erf(x)",
    "erfc": "1 - erf(x)",
    "sin": "sin(x)",
    "cos": "cos(x)",
    "tan": "tan(x)",
    "asin": "asin(x)",
    "acos": "acos(x)",
    "atan": "atan(x)",
    "sinh": "sinh(x)",
    "cosh": "cosh(x)",
    "asinh": "asinh(x)",
    "acosh": "acosh(x)",
    "atanh": "atanh(x)",
    "floor": "floor(x)",
    "ceil": "ceil(x)",
    "round": "round(x)",
    "trunc": "trunc(x)",
    "frac": "x - trunc(x)",
    "elu": "x where positive, else alpha * (exp(x) - 1)",
    "celu": "x where positive, else alpha * (exp(x / alpha) - 1)",
    "selu": "1.0507 * x where positive, else 1.7581 * (exp(x) - 1)",
    "mish": "x * tanh(log(1 + exp(x)))",
    "softplus": "log(1 + exp(beta * x)) / beta",
    "softsign": "x / (1 + |x|)",
    "logsigmoid": "log(sigmoid(x))",
    "logit": "log(x / (1 - x))",
    "hardshrink": "x where |x| > lambd, else 0",
    "softshrink": "x moved towards 0 by lambd, at most to 0",
    "threshold": "x where above threshold, else value",
    "compare": "whether x is more, less or the same as a number",
    "modulo": "what is left of x divided by a number",
    "shift": "the bits of x moved, or combined with a number's",
    "isnan": "whether x is no number",
    "isinf": "whether x is infinite",
    "isfinite": "whether x is a finite number",
    "nan_to_num": "x, and numbers for what is none",
    "logical_not": "not x",
    "bitwise_not": "each bit of x the other way",
}
"""Operators of one tensor that differ in the function, which moves the same bytes."""

COMBINATIONS = {
    "sub": "x - y",
    "div": "x / y",
    "minimum": "min(x, y)",
    "maximum": "max(x, y)",
    "average": "(x + y) / 2",
    "power": "x ** y",
    "remainder": "what is left of x / y",
    "atan2": "atan(x / y)",
    "equal": "x == y",
    "not_equal": "x != y",
    "greater": "x > y",
    "greater_equal": "x >= y",
    "less": "x < y",
    "less_equal": "x <= y",
    "logical_and": "x and y",
    "logical_or": "x or y",
    "logical_xor": "either x or y",
    "bitwise_and": "bits of both x and y",
    "bitwise_or": "bits of x or y",
    "bitwise_xor": "bits of either x or y",
    "bit_shift": "the bits of x moved by y places",
    "masked": "x, and a number where y says so",
    "gated": "x * sigmoid(y)",
    "leak": "x where positive, else y * x",
    "blend": "x + number * (y - x)",
    "where": "y where x says so, else z",
    "lerp": "x + z * (y - x)",
    "addcmul": "x + number * y * z",
    "addcdiv": "x + number * y / z",
}
"""Operators of several tensors, likewise; sizes of 1 are repeated."""

THREE = frozenset({"where", "lerp", "addcmul", "addcdiv"})
"""Those of three tensors."""

NAMED = (*FUNCTIONS, *COMBINATIONS)
"""The kinds of operators that :func:`named` makes."""


class Clamp(Pointwise):
    """``min(max(x, low), high)``; no bound where none is given."""

    kind: ClassVar[str] = "clamp"

    low: Annotated[float | None, Field(allow_inf_nan=False, description="lower bound")] = None
    high: Annotated[float | None, Field(allow_inf_nan=False, description="upper bound")] = None


class Pow(Pointwise):
    """``factor * x ** exponent``."""

    kind: ClassVar[str] = "pow"
    shorthand: ClassVar[str | None] = "exponent"

    exponent: Annotated[float, Field(allow_inf_nan=False, description="the power")] = 2
    factor: Annotated[float, Field(allow_inf_nan=False, description="multiplies it")] = 1


class Scale(Operator):
    """``factor * x + shift``, with plain numbers: nothing is stored and nothing learned."""

    kind: ClassVar[str] = "scale"
    elementwise: ClassVar[bool] = True
    in_place: ClassVar[bool] = True
    shorthand: ClassVar[str | None] = "factor"

    inplace: InPlace = False
    factor: Annotated[float, Field(allow_inf_nan=False, description="multiplies each element")] = 1
    shift: Annotated[float, Field(allow_inf_nan=False, description="is added to each element")] = 0

    def work(self, inputs: Shapes, output: Shape) -> int:
        return 1
