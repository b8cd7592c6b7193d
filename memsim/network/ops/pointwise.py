"""Batch normalisation, activations, and the operators that combine tensors elementwise."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from memsim.network.ops.base import InPlace, Operator, Shape, ShapeError, Shapes


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
        channels = max(shape[0] for shape in inputs)
        for shape in inputs:
            if shape[0] != channels:
                counts = " and ".join(str(s[0]) for s in inputs)
                raise ShapeError(f"{self.kind} needs equal channels, not {counts}")
        size = max(shape[1:] for shape in inputs)
        for shape in inputs:
            if shape[1:] not in (size, (1, 1)):
                sizes = " and ".join(f"{s[1]}x{s[2]}" for s in inputs)
                raise ShapeError(f"{self.kind} needs equal sizes (or 1x1), not {sizes}")
        return (channels, *size)

    def work(self, inputs: Shapes, output: Shape) -> int:
        return len(inputs) - 1


class Add(_Combine):
    """Sum of tensors of one shape; a 1x1 map is broadcast."""

    kind: ClassVar[str] = "add"


class Mul(_Combine):
    """Product of tensors of one shape; a 1x1 map is broadcast (squeeze-and-excitation)."""

    kind: ClassVar[str] = "mul"
