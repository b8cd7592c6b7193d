"""Pooling: windows, adaptive grids, the whole map."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

from pydantic import Field

from memsim.network.ops.base import (
    Box,
    Index,
    Operator,
    Padding,
    Pair,
    Shape,
    ShapeError,
    Shapes,
    Window,
    around,
    each,
    first,
    map_of,
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

    def oriented(self, number: int, source: Shape, output: Shape) -> Shape:
        return Shape(source, 0)

    def output_shape(self, inputs: Shapes) -> Shape:
        source = map_of(self.kind, inputs[0])
        axes = len(source) - 1
        kernel, padding = each(self.kernel, axes), around(self.padding, axes)
        stride = kernel if self.stride is None else each(self.stride, axes)
        if any(2 * pad > kernel[i % axes] for i, pad in enumerate(padding)):
            raise ShapeError("a pool's padding is at most half its kernel")
        size = window_size(source, kernel, stride, padding, ceil_mode=self.ceil_mode)
        return Shape((source[0], *size), 0)

    def work(self, inputs: Shapes, output: Shape) -> int:
        return math.prod(each(self.kernel, len(inputs[0]) - 1))

    def input_rows(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        kernel = first(self.kernel)
        stride = kernel if self.stride is None else first(self.stride)
        return window_rows(start, stop, kernel, stride, first(self.padding))


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

    def oriented(self, number: int, source: Shape, output: Shape) -> Shape:
        return Shape(source, 0)

    def output_shape(self, inputs: Shapes) -> Shape:
        source = map_of(self.kind, inputs[0])
        return Shape((source[0], *each(self.size, len(source) - 1)), 0)

    def work(self, inputs: Shapes, output: Shape) -> int:
        sizes = zip(inputs[0][1:], output[1:], strict=True)
        return math.prod(-(-size // places) for size, places in sizes)

    def input_rows(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        return start * source[1] // output[1], -(-stop * source[1] // output[1])


class AdaptiveMaxPool(AdaptiveAvgPool):
    """Maximum over a grid of the given size, whatever the input's size."""

    kind: ClassVar[str] = "adaptive_maxpool"


class _GlobalPool(Operator):
    pools: ClassVar[bool] = True

    def oriented(self, number: int, source: Shape, output: Shape) -> Shape:
        return Shape(source, 0)

    def output_shape(self, inputs: Shapes) -> Shape:
        source = map_of(self.kind, inputs[0])
        return Shape((source[0], *(1,) * (len(source) - 1)), 0)

    def work(self, inputs: Shapes, output: Shape) -> int:
        return math.prod(inputs[0][1:])

    def input_rows(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        return 0 * start, 0 * stop + source[1]


class GlobalAvgPool(_GlobalPool):
    """Mean of each channel."""

    kind: ClassVar[str] = "global_avgpool"


class GlobalMaxPool(_GlobalPool):
    """Maximum of each channel."""

    kind: ClassVar[str] = "global_maxpool"
