"""Convolutions: what CIO counts."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from memsim.network.ops.base import (
    Index,
    Operator,
    Padding,
    Pair,
    Shape,
    ShapeError,
    Shapes,
    Size,
    Window,
    pair,
    sides,
)
from memsim.network.ops.window import transposed_rows, window_rows, window_size


class _Convolution(Operator):
    """What plain and transposed convolutions share."""

    multiplies: ClassVar[bool] = True
    convolves: ClassVar[bool] = True
    shorthand: ClassVar[str | None] = "out"

    out: Annotated[Size, Field(description="output channels")]
    kernel: Annotated[Pair, Field(description="kernel size, or [height, width]")] = 1
    stride: Annotated[Pair, Field(description="stride, or [vertical, horizontal]")] = 1
    dilation: Annotated[Pair, Field(description="distance between kernel taps")] = 1
    groups: Annotated[
        Size, Field(description="channel groups; the input's channels: depthwise")
    ] = 1
    bias: Annotated[bool, Field(description="add a learned constant per channel")] = False

    @property
    def biased(self) -> bool:
        return self.bias

    @property
    def window(self) -> Window:
        kernel, stride, dilation = pair(self.kernel), pair(self.stride), pair(self.dilation)
        return Window(kernel, stride, self.pads(), dilation, self.groups)

    def pads(self) -> tuple[int, int, int, int]:
        """Padding as (top, left, bottom, right)."""
        raise TypeError(f"{type(self).__name__} must define pads()")

    def op_class(self, inputs: Shapes) -> str:
        depthwise = self.groups > 1 and self.groups == inputs[0][0]
        return "depthwise" if depthwise else "conv"

    def stored(self, inputs: Shapes, output: Shape) -> int:
        height, width = pair(self.kernel)
        return inputs[0][0] // self.groups * height * width + int(self.bias)

    def input_channels(
        self, start: Index, stop: Index, source: Shape, output: Shape
    ) -> tuple[Index, Index]:
        per_output, per_input = output[0] // self.groups, source[0] // self.groups
        return start // per_output * per_input, -(-stop // per_output) * per_input

    def _check_groups(self, channels: int) -> None:
        for what, count in (("input", channels), ("output", self.out)):
            if count % self.groups:
                raise ShapeError(f"{count} {what} channels do not divide into {self.groups} groups")


class Conv(_Convolution):
    """Convolution. Without ``padding`` it keeps the size at stride 1 (``(kernel - 1) / 2``)."""

    kind: ClassVar[str] = "conv"

    padding: Annotated[
        Padding | Literal["same", "valid"],
        Field(
            description="'same' (dilation * (kernel - 1) / 2 on each side), 'valid' (none), a "
            "number, [vertical, horizontal] or [top, left, bottom, right]"
        ),
    ] = "same"

    def pads(self) -> tuple[int, int, int, int]:
        if self.padding == "valid":
            return (0, 0, 0, 0)
        if isinstance(self.padding, str):
            (kh, kw), (dh, dw) = pair(self.kernel), pair(self.dilation)
            return sides((dh * (kh - 1) // 2, dw * (kw - 1) // 2))
        return sides(self.padding)

    def output_shape(self, inputs: Shapes) -> Shape:
        self._check_groups(inputs[0][0])
        size = window_size(
            inputs[0], pair(self.kernel), pair(self.stride), self.pads(), pair(self.dilation)
        )
        return (self.out, *size)

    def macs(self, inputs: Shapes, output: Shape) -> int:
        height, width = pair(self.kernel)
        fan_in = inputs[0][0] // self.groups * height * width
        return fan_in * output[0] * output[1] * output[2]

    def input_rows(
        self, start: Index, stop: Index, source: Shape, output: Shape
    ) -> tuple[Index, Index]:
        kernel, stride = pair(self.kernel)[0], pair(self.stride)[0]
        return window_rows(start, stop, kernel, stride, self.pads()[0], pair(self.dilation)[0])

    def touched_rows(self, row: Index, source: Shape, output: Shape) -> tuple[Index, Index, int]:
        first, last = self.input_rows(row, row + 1, source, output)
        return first, last, pair(self.dilation)[0]


class ConvTranspose(_Convolution):
    """Transposed convolution; its MACs are counted at input resolution."""

    kind: ClassVar[str] = "conv_transpose"
    transposed: ClassVar[bool] = True

    padding: Annotated[Padding, Field(description="rows and columns cut from the output")] = 0
    output_padding: Annotated[
        Annotated[int, Field(strict=True, ge=0, le=64)]
        | tuple[
            Annotated[int, Field(strict=True, ge=0, le=64)],
            Annotated[int, Field(strict=True, ge=0, le=64)],
        ],
        Field(description="rows and columns added at the bottom and right"),
    ] = 0

    def pads(self) -> tuple[int, int, int, int]:
        return sides(self.padding)

    def output_shape(self, inputs: Shapes) -> Shape:
        self._check_groups(inputs[0][0])
        kernel, stride, dilation = pair(self.kernel), pair(self.stride), pair(self.dilation)
        padding, extra = self.pads(), pair(self.output_padding)
        size = [
            (inputs[0][1 + axis] - 1) * stride[axis]
            + dilation[axis] * (kernel[axis] - 1)
            + 1
            + extra[axis]
            - padding[axis]
            - padding[axis + 2]
            for axis in (0, 1)
        ]
        if min(size) < 1:
            raise ShapeError(f"padding leaves an output of {size[0]}x{size[1]}")
        return (self.out, size[0], size[1])

    def macs(self, inputs: Shapes, output: Shape) -> int:
        channels, height, width = inputs[0]
        taps = pair(self.kernel)[0] * pair(self.kernel)[1]
        return channels * height * width * output[0] // self.groups * taps

    def input_rows(
        self, start: Index, stop: Index, source: Shape, output: Shape
    ) -> tuple[Index, Index]:
        stride, top = pair(self.stride)[0], self.pads()[0]
        reach = pair(self.dilation)[0] * (pair(self.kernel)[0] - 1)
        return -(-(start + top - reach) // stride), (stop - 1 + top) // stride + 1

    def touched_rows(self, row: Index, source: Shape, output: Shape) -> tuple[Index, Index, int]:
        kernel, stride = pair(self.kernel)[0], pair(self.stride)[0]
        return transposed_rows(row, kernel, stride, self.pads()[0], pair(self.dilation)[0])
