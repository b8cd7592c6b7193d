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
    turned,
)
from memsim.network.ops.window import LeadingAxes, leading, window_rows, window_size


class _WindowPool(Operator):
    pools: ClassVar[bool] = True
    any_format: ClassVar[bool] = True
    shorthand: ClassVar[str | None] = "kernel"

    kernel: Annotated[Pair, Field(description="window size, or [height, width]")]
    stride: Annotated[Pair | None, Field(description="stride; the kernel where left out")] = None
    padding: Annotated[Padding, Field(description="rows and columns around the input")] = 0
    ceil_mode: Annotated[bool, Field(description="round the output size up")] = False
    dilation: Annotated[Pair, Field(description="distance between the places of a window")] = 1
    axes: LeadingAxes = None

    @property
    def window(self) -> Window:
        return Window(*self.geometry(), pair(self.dilation))

    def geometry(self) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int, int, int]]:
        """Kernel, stride, padding (top, left, bottom, right)."""
        kernel = pair(self.kernel)
        return kernel, kernel if self.stride is None else pair(self.stride), sides(self.padding)

    def oriented(self, number: int, source: Shape, output: Shape) -> Shape:
        return source.by(output.channel)

    def output_shape(self, inputs: Shapes) -> Shape:
        lead, source = leading(self.kind, inputs[0], self.axes)
        axes = len(source) - 1
        kernel, padding = each(self.kernel, axes), around(self.padding, axes)
        stride = kernel if self.stride is None else each(self.stride, axes)
        dilation = each(self.dilation, axes)
        reach = [step * (size - 1) + 1 for step, size in zip(dilation, kernel, strict=True)]
        if any(pad >= reach[i % axes] for i, pad in enumerate(padding)):
            raise ShapeError("a pool's padding is smaller than what its kernel reaches over")
        size = window_size(source, kernel, stride, padding, dilation, self.ceil_mode)
        return Shape((*lead, source[0], *size), len(lead))

    def work(self, inputs: Shapes, output: Shape) -> int:
        return math.prod(each(self.kernel, self.axes or len(inputs[0]) - 1))

    def input_rows(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        if self.axes is not None:
            return start, stop
        kernel = first(self.kernel)
        stride = kernel if self.stride is None else first(self.stride)
        return window_rows(start, stop, kernel, stride, first(self.padding), first(self.dilation))

    def touched_rows(self, row: Index, source: Box, output: Box) -> tuple[Index, Index, int]:
        low, high = self.input_rows(row, row + 1, source, output)
        return low, high, 1 if self.axes is not None else first(self.dilation)

    def across(self) -> Operator | None:
        return None if self.axes is not None else turned(self)


class MaxPool(_WindowPool):
    """Maximum over a sliding window."""

    kind: ClassVar[str] = "maxpool"

    indices: Annotated[
        bool,
        Field(description="where the maxima lie, not what they are: a pass of its own over the "
                          "input"),
    ] = False  # fmt: skip


class AvgPool(_WindowPool):
    """Mean over a sliding window."""

    kind: ClassVar[str] = "avgpool"

    include_pad: Annotated[bool, Field(description="padding counts as places of 0")] = True


class LpPool(_WindowPool):
    """Norm of a sliding window: the ``p``-th root of the sum of ``p``-th powers."""

    kind: ClassVar[str] = "lppool"

    p: Annotated[float, Field(gt=0, description="the power")] = 2.0


class MaxUnpool(Operator):
    """Maxima, the first input, put back to where the second input says that they lay; else 0.

    Where is not known here: it reads both inputs once, a tile its share.
    """

    kind: ClassVar[str] = "max_unpool"
    arity: ClassVar[tuple[int, int | None]] = (2, 2)
    shorthand: ClassVar[str | None] = "size"

    size: Annotated[Pair, Field(description="output size, or [height, width]")]

    def oriented(self, number: int, source: Shape, output: Shape) -> Shape:
        return Shape(source, 0)

    def output_shape(self, inputs: Shapes) -> Shape:
        source = map_of(self.kind, inputs[0])
        if inputs[1] != source:
            raise ShapeError(f"max_unpool needs equal shapes, not {source} and {inputs[1]}")
        return Shape((source[0], *each(self.size, len(source) - 1)), 0)

    def work(self, inputs: Shapes, output: Shape) -> int:
        return 1

    def input_rows(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        return start * source[1] // output[1], -(-stop * source[1] // output[1])


class AdaptiveAvgPool(Operator):
    """Mean over a grid of the given size, whatever the input's size."""

    kind: ClassVar[str] = "adaptive_avgpool"
    any_format: ClassVar[bool] = True
    pools: ClassVar[bool] = True
    shorthand: ClassVar[str | None] = "size"

    size: Annotated[Pair, Field(description="output size, or [height, width]")]
    axes: LeadingAxes = None

    def oriented(self, number: int, source: Shape, output: Shape) -> Shape:
        return source.by(output.channel)

    def output_shape(self, inputs: Shapes) -> Shape:
        lead, source = leading(self.kind, inputs[0], self.axes)
        return Shape((*lead, source[0], *each(self.size, len(source) - 1)), len(lead))

    def work(self, inputs: Shapes, output: Shape) -> int:
        sizes = zip(inputs[0], output, strict=True)
        return math.prod(-(-size // places) for size, places in sizes)

    def input_rows(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        if self.axes is not None:
            return start, stop
        return start * source[1] // output[1], -(-stop * source[1] // output[1])

    def across(self) -> Operator | None:
        return None if self.axes is not None else turned(self)


class AdaptiveMaxPool(AdaptiveAvgPool):
    """Maximum over a grid of the given size, whatever the input's size."""

    kind: ClassVar[str] = "adaptive_maxpool"


class _GlobalPool(Operator):
    pools: ClassVar[bool] = True
    any_format: ClassVar[bool] = True

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

    def across(self) -> Operator:
        return self


class GlobalAvgPool(_GlobalPool):
    """Mean of each channel."""

    kind: ClassVar[str] = "global_avgpool"


class GlobalMaxPool(_GlobalPool):
    """Maximum of each channel."""

    kind: ClassVar[str] = "global_maxpool"
