"""Pooling: windows, adaptive grids, the whole map."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from memsim.network.ops.base import (
    Index,
    Operator,
    Padding,
    Pair,
    Shape,
    ShapeError,
    Shapes,
    Window,
    pair,
    sides,
)
from memsim.network.ops.window import window_rows, window_size


class _WindowPool(Operator):
    pools: ClassVar[bool] = True
    shorthand: ClassVar[str | None] = "kernel"

    kernel: Annotated[Pair, Field(description="window size, or [height, width]")]
    stride: Annotated[Pair | None, Field(description="stride; the kernel where left out")] = None
    padding: Annotated[Padding, Field(description="rows and columns around the input")] = 0
    ceil_mode: Annotated[bool, Field(description="round the output size up")] = False

    @property
    def window(self) -> Window:
        return Window(*self.geometry())

    def geometry(self) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int, int, int]]:
        """Kernel, stride, padding (top, left, bottom, right)."""
        kernel = pair(self.kernel)
        return kernel, kernel if self.stride is None else pair(self.stride), sides(self.padding)

    def output_shape(self, inputs: Shapes) -> Shape:
        kernel, stride, padding = self.geometry()
        if any(2 * pad > kernel[i % 2] for i, pad in enumerate(padding)):
            raise ShapeError("a pool's padding is at most half its kernel")
        size = window_size(inputs[0], kernel, stride, padding, ceil_mode=self.ceil_mode)
        return (inputs[0][0], *size)

    def work(self, inputs: Shapes, output: Shape) -> int:
        kernel, _, _ = self.geometry()
        return kernel[0] * kernel[1]

    def input_rows(
        self, start: Index, stop: Index, source: Shape, output: Shape
    ) -> tuple[Index, Index]:
        kernel, stride, padding = self.geometry()
        return window_rows(start, stop, kernel[0], stride[0], padding[0])


class MaxPool(_WindowPool):
    """Maximum over a sliding window."""

    kind: ClassVar[str] = "maxpool"


class AvgPool(_WindowPool):
    """Mean over a sliding window."""

    kind: ClassVar[str] = "avgpool"


class AdaptiveAvgPool(Operator):
    """Mean over a grid of the given size, whatever the input's size."""

    kind: ClassVar[str] = "adaptive_avgpool"
    pools: ClassVar[bool] = True
    shorthand: ClassVar[str | None] = "size"

    size: Annotated[Pair, Field(description="output size, or [height, width]")]

    def output_shape(self, inputs: Shapes) -> Shape:
        return (inputs[0][0], *pair(self.size))

    def work(self, inputs: Shapes, output: Shape) -> int:
        _, height, width = inputs[0]
        return -(-height // output[1]) * -(-width // output[2])

    def input_rows(
        self, start: Index, stop: Index, source: Shape, output: Shape
    ) -> tuple[Index, Index]:
        return start * source[1] // output[1], -(-stop * source[1] // output[1])


class AdaptiveMaxPool(AdaptiveAvgPool):
    """Maximum over a grid of the given size, whatever the input's size."""

    kind: ClassVar[str] = "adaptive_maxpool"


class _GlobalPool(Operator):
    pools: ClassVar[bool] = True

    def output_shape(self, inputs: Shapes) -> Shape:
        return (inputs[0][0], 1, 1)

    def work(self, inputs: Shapes, output: Shape) -> int:
        return inputs[0][1] * inputs[0][2]

    def input_rows(
        self, start: Index, stop: Index, source: Shape, output: Shape
    ) -> tuple[Index, Index]:
        return 0 * start, 0 * stop + source[1]


class GlobalAvgPool(_GlobalPool):
    """Mean of each channel."""

    kind: ClassVar[str] = "global_avgpool"


class GlobalMaxPool(_GlobalPool):
    """Maximum of each channel."""

    kind: ClassVar[str] = "global_maxpool"
