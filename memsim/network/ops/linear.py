"""Products of matrices: the fully connected layer, and products of two tensors."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from memsim.network.ops.base import (
    Box,
    Index,
    Operator,
    Shape,
    ShapeError,
    Shapes,
    Size,
    broadcast,
)
from memsim.network.ops.norm import Reading


class Linear(Operator):
    """Fully connected layer over the last axis, of tokens or any other rows; of a map over the
    channels, if it is 1x1 (put ``flatten`` before it otherwise)."""

    kind: ClassVar[str] = "linear"
    multiplies: ClassVar[bool] = True
    shorthand: ClassVar[str | None] = "out"

    out: Annotated[Size, Field(description="output features")]
    bias: Annotated[bool, Field(description="add a learned constant per feature")] = True

    axis: Annotated[
        Literal[-1] | None,
        Field(description="-1: over the last axis even of what looks like a map"),
    ] = None

    @property
    def biased(self) -> bool:
        return self.bias

    def op_class(self, inputs: Shapes) -> str:
        return "linear"

    def _axis(self, source: Shape) -> int:
        source = Shape(source)
        if self.axis is not None:
            return len(source) - 1
        if source[1:] == (1, 1) and source.channel == 0:
            return 0
        if len(source) == 3 and source.channel == 0:
            raise ShapeError(
                f"linear takes a 1x1 feature map, not {source}; "
                "put global_avgpool or flatten before it"
            )
        return len(source) - 1

    def output_shape(self, inputs: Shapes) -> Shape:
        axis = self._axis(inputs[0])
        return Shape(inputs[0]).resized(axis, self.out).by(axis)

    def stored(self, inputs: Shapes, output: Shape) -> int:
        return inputs[0][self._axis(inputs[0])] + int(self.bias)

    def macs(self, inputs: Shapes, output: Shape) -> int:
        return math.prod(inputs[0]) * self.out

    def input_channels(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        return 0 * start, 0 * stop + source[0]


class MatMul(Operator):
    """Product of two tensors over the last axis of the first and the last but one of the second.

    All axes before them are those of a batch of products, and are broadcast.
    """

    kind: ClassVar[str] = "matmul"
    arity: ClassVar[tuple[int, int | None]] = (2, 2)
    multiplies: ClassVar[bool] = True

    def op_class(self, inputs: Shapes) -> str:
        return "linear"

    def output_shape(self, inputs: Shapes) -> Shape:
        left, right = inputs
        if min(len(left), len(right)) < 2 or left[-1] != right[-2]:
            raise ShapeError(f"matmul needs ... x M x K and ... x K x N, not {left} and {right}")
        return Shape((*broadcast("matmul", (left[:-2], right[:-2])), left[-2], right[-1]))

    def macs(self, inputs: Shapes, output: Shape) -> int:
        return math.prod(output) * inputs[0][-1]

    def reader(self, number: int, inputs: Shapes) -> Operator:
        # Of two axes the channels are the columns of the product; of three they are the batch,
        # and the rows those of the first operand; of more both are of the batch.
        rank = max(map(len, inputs))
        if number == 0:
            return Reading(channels=rank == 2)
        return Reading(rows=rank <= 3)
