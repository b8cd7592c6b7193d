"""Operators that need a whole axis before they write any of it: softmax and layer norm."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

from pydantic import Field

from memsim.network.ops.arrange import Axis, axis_of
from memsim.network.ops.base import Box, Index, Operator, Shape, ShapeError, Shapes, Size


class Reading(Operator):
    """Reads all of some axes of a box, and its own place along the others. No layer of its own."""

    kind: ClassVar[str] = "reading"

    rows: bool = False
    channels: bool = False

    def input_rows(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        if self.rows or source[1] != output[1]:
            return 0 * start, 0 * stop + source[1]
        return start, stop

    def input_channels(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        if self.channels or source[0] != output[0]:
            return 0 * start, 0 * stop + source[0]
        return start, stop

    @classmethod
    def whole(cls, shape: Shape, axes: set[int]) -> Reading:
        """Reads all of these axes of a shape."""
        others = [axis for axis in range(len(shape)) if axis != shape.channel]
        return cls(rows=others[:1] != [] and others[0] in axes, channels=shape.channel in axes)


class Softmax(Operator):
    """Exponentials along an axis, the channels if none is given, normalised."""

    kind: ClassVar[str] = "softmax"
    shorthand: ClassVar[str | None] = "axis"

    axis: Annotated[Axis | None, Field(description="axis of an image; the channels if absent")] = (
        None
    )

    def output_shape(self, inputs: Shapes) -> Shape:
        if self.axis is not None:
            axis_of(self.axis, inputs[0])
        return inputs[0]

    def work(self, inputs: Shapes, output: Shape) -> int:
        return 4

    def reader(self, number: int, inputs: Shapes) -> Operator:
        source = Shape(inputs[0])
        axis = source.channel if self.axis is None else axis_of(self.axis, source)
        return Reading.whole(source, {axis})


class LayerNorm(Operator):
    """Normalisation over the last axes, the last one if not given, with a scale and a shift."""

    kind: ClassVar[str] = "layernorm"
    shorthand: ClassVar[str | None] = "axes"

    axes: Annotated[Size, Field(description="how many axes from the end")] = 1
    scale: Annotated[bool, Field(description="with a learned factor per element")] = True
    shift: Annotated[bool, Field(description="with a learned constant per element")] = True

    def output_shape(self, inputs: Shapes) -> Shape:
        if self.axes > len(inputs[0]):
            raise ShapeError(f"layernorm over {self.axes} axes of {inputs[0]}")
        return inputs[0]

    def work(self, inputs: Shapes, output: Shape) -> int:
        return 4

    def learnable(self, inputs: Shapes, output: Shape) -> int:
        return math.prod(inputs[0][-self.axes :]) * (self.scale + self.shift)

    def stored(self, inputs: Shapes, output: Shape) -> int:
        return -(-self.learnable(inputs, output) // Shape(output).box[0])

    def reader(self, number: int, inputs: Shapes) -> Operator:
        rank = len(inputs[0])
        return Reading.whole(Shape(inputs[0]), {*range(rank - self.axes, rank)})
