"""Batch normalisation, activations, and the operators that combine tensors elementwise."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

from pydantic import Field

from memsim.network.ops.base import InPlace, Operator, Shape, Shapes, broadcast


class _Pointwise(Operator):
    elementwise: ClassVar[bool] = True
    in_place: ClassVar[bool] = True

    inplace: InPlace = False

    def work(self, inputs: Shapes, output: Shape) -> int:
        return 1


class BatchNorm(Operator):  # no framework lets it write over its input
    """Batch normalisation at inference: a scale and a shift per channel.

    Two parameters per channel are learned (gamma, beta); four are stored, with the running
    mean and variance.
    """

    kind: ClassVar[str] = "batchnorm"
    elementwise: ClassVar[bool] = True
    folds: ClassVar[bool] = True

    def work(self, inputs: Shapes, output: Shape) -> int:
        return 1

    def stored(self, inputs: Shapes, output: Shape) -> int:
        return 4

    def folded(self, inputs: Shapes, output: Shape) -> int:
        return 2  # the scale and the shift

    def learnable(self, inputs: Shapes, output: Shape) -> int:
        return 2 * output[0]

    def output_shape(self, inputs: Shapes) -> Shape:
        return Shape(inputs[0], 0)


class Relu(_Pointwise):
    """``max(x, 0)``."""

    kind: ClassVar[str] = "relu"


class Relu6(_Pointwise):
    """``min(max(x, 0), 6)``."""

    kind: ClassVar[str] = "relu6"


class LeakyRelu(_Pointwise):
    """``x`` where positive, else ``slope * x``."""

    kind: ClassVar[str] = "leaky_relu"
    shorthand: ClassVar[str | None] = "slope"

    slope: Annotated[float, Field(ge=0, le=1, description="factor of negative values")] = 0.01


class Sigmoid(_Pointwise):
    """Logistic function."""

    kind: ClassVar[str] = "sigmoid"


class Tanh(_Pointwise):
    """Hyperbolic tangent."""

    kind: ClassVar[str] = "tanh"


class Silu(_Pointwise):
    """``x * sigmoid(x)``."""

    kind: ClassVar[str] = "silu"


class Hardswish(_Pointwise):
    """``x * relu6(x + 3) / 6``."""

    kind: ClassVar[str] = "hardswish"


class Hardsigmoid(_Pointwise):
    """``relu6(x + 3) / 6``."""

    kind: ClassVar[str] = "hardsigmoid"


class Gelu(_Pointwise):
    """Gaussian error linear unit."""

    kind: ClassVar[str] = "gelu"


class Complement(_Pointwise):
    """``1 - x``: what a gate of value ``x`` lets through on its other side."""

    kind: ClassVar[str] = "complement"


class _Combine(_Pointwise):
    arity: ClassVar[tuple[int, int | None]] = (2, None)
    combines: ClassVar[bool] = True

    def output_shape(self, inputs: Shapes) -> Shape:
        if all(shape == inputs[0] for shape in inputs):
            return inputs[0]
        largest = max(inputs, key=lambda shape: (len(shape), math.prod(shape)))
        return Shape(broadcast(self.kind, inputs), Shape(largest).channel)

    def work(self, inputs: Shapes, output: Shape) -> int:
        return len(inputs) - 1


class Add(_Combine):
    """Sum of tensors; what has size 1 along an axis is repeated along it."""

    kind: ClassVar[str] = "add"


class Mul(_Combine):
    """Product of tensors; what has size 1 along an axis is repeated along it, as the 1x1 map of
    squeeze-and-excitation is."""

    kind: ClassVar[str] = "mul"
