"""The fully connected layer."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from memsim.network.ops.base import Index, Operator, Shape, ShapeError, Shapes, Size


class Linear(Operator):
    """Fully connected layer on a 1x1 feature map; put ``flatten`` before it otherwise."""

    kind: ClassVar[str] = "linear"
    multiplies: ClassVar[bool] = True
    shorthand: ClassVar[str | None] = "out"

    out: Annotated[Size, Field(description="output features")]
    bias: Annotated[bool, Field(description="add a learned constant per feature")] = True

    @property
    def biased(self) -> bool:
        return self.bias

    def op_class(self, inputs: Shapes) -> str:
        return "linear"

    def output_shape(self, inputs: Shapes) -> Shape:
        channels, height, width = inputs[0]
        if (height, width) != (1, 1):
            raise ShapeError(
                f"linear takes a 1x1 feature map, not {channels}x{height}x{width}; "
                "put global_avgpool or flatten before it"
            )
        return (self.out, 1, 1)

    def stored(self, inputs: Shapes, output: Shape) -> int:
        return inputs[0][0] + int(self.bias)

    def macs(self, inputs: Shapes, output: Shape) -> int:
        return inputs[0][0] * self.out

    def input_channels(
        self, start: Index, stop: Index, source: Shape, output: Shape
    ) -> tuple[Index, Index]:
        return 0 * start, 0 * stop + source[0]
