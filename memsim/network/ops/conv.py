"""Convolutions: what CIO counts."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from memsim.network.ops.base import (
    Box,
    Extent,
    Index,
    Operator,
    Padding,
    Pair,
    Shape,
    ShapeError,
    Shapes,
    Size,
    Window,
    around,
    each,
    first,
    map_of,
    pair,
    sides,
    turned,
)
from memsim.network.ops.reading import Reading, Share
from memsim.network.ops.window import (
    LeadingAxes,
    leading,
    transposed_rows,
    window_rows,
    window_size,
)


class _Convolution(Operator):
    """What plain and transposed convolutions share."""

    multiplies: ClassVar[bool] = True
    any_format: ClassVar[bool] = True
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
    axes: LeadingAxes = None

    @property
    def biased(self) -> bool:
        return self.bias

    @property
    def window(self) -> Window:
        kernel, stride, dilation = pair(self.kernel), pair(self.stride), pair(self.dilation)
        return Window(kernel, stride, self.pads(), dilation, self.groups)

    def pads(self) -> tuple[int, int, int, int]:
        """Padding as (top, left, bottom, right)."""
        padding: int | tuple[int, ...] | str = getattr(self, "padding", 0)
        return sides(self.around(2) if isinstance(padding, str) else padding)

    def around(self, axes: int) -> tuple[int, ...]:
        """Padding in front of each of so many spatial axes, then that behind each."""
        raise TypeError(f"{type(self).__name__} must define around()")

    def oriented(self, number: int, source: Shape, output: Shape) -> Shape:
        return source.by(output.channel)

    def _channels(self, inputs: Shapes) -> int:
        return inputs[0][0 if self.axes is None else -self.axes - 1]

    def op_class(self, inputs: Shapes) -> str:
        depthwise = self.groups > 1 and self.groups == self._channels(inputs)
        return "depthwise" if depthwise else "conv"

    def taps(self, inputs: Shapes) -> int:
        """Places of the kernel."""
        return math.prod(each(self.kernel, self.axes or len(inputs[0]) - 1))

    def stored(self, inputs: Shapes, output: Shape) -> int:
        return self._channels(inputs) // self.groups * self.taps(inputs) + int(self.bias)

    def input_channels(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        per_output, per_input = output[0] // self.groups, source[0] // self.groups
        return start // per_output * per_input, -(-stop // per_output) * per_input

    def _check_groups(self, channels: int) -> None:
        for what, count in (("input", channels), ("output", self.out)):
            if count % self.groups:
                raise ShapeError(f"{count} {what} channels do not divide into {self.groups} groups")


class Conv(_Convolution):
    """Convolution. Without ``padding`` it keeps the size at stride 1 (``(kernel - 1) / 2``).

    MACs are output elements x places of the kernel x input channels / groups, those in the padding
    with them. Parameters are ``out`` x places of the kernel x input channels / groups, and ``out``
    for a bias.
    """

    kind: ClassVar[str] = "conv"

    padding: Annotated[
        Padding | Literal["same", "valid"],
        Field(
            description="'same' (dilation * (kernel - 1) / 2 on each side), 'valid' (none), a "
            "number, [vertical, horizontal] or [top, left, bottom, right]"
        ),
    ] = "same"

    def around(self, axes: int) -> tuple[int, ...]:
        if self.padding == "valid":
            return (0,) * (2 * axes)
        if isinstance(self.padding, str):
            if isinstance(self.kernel, int) and isinstance(self.dilation, int):
                return (self.dilation * (self.kernel - 1) // 2,) * (2 * axes)
            reach = zip(each(self.kernel, axes), each(self.dilation, axes), strict=True)
            return around(tuple(step * (size - 1) // 2 for size, step in reach), axes)
        return around(self.padding, axes)

    def output_shape(self, inputs: Shapes) -> Shape:
        lead, source = leading(self.kind, inputs[0], self.axes)
        self._check_groups(source[0])
        axes = len(source) - 1
        kernel, stride = each(self.kernel, axes), each(self.stride, axes)
        dilation = each(self.dilation, axes)
        size = window_size(source, kernel, stride, self.around(axes), dilation)
        return Shape((*lead, self.out, *size), len(lead))

    def macs(self, inputs: Shapes, output: Shape) -> int:
        return self._channels(inputs) // self.groups * self.taps(inputs) * math.prod(output)

    def input_rows(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        if self.axes is not None:
            return start, stop
        top = self._top()
        return window_rows(
            start, stop, first(self.kernel), first(self.stride), top, first(self.dilation)
        )

    @property
    def reads_rows_by(self) -> Hashable:
        return self.kind, self.kernel, self.stride, self.dilation, self.padding, self.axes

    def touched_rows(self, row: Index, source: Box, output: Box) -> tuple[Index, Index, int]:
        low, high = self.input_rows(row, row + 1, source, output)
        return low, high, 1 if self.axes is not None else first(self.dilation)

    def across(self) -> Operator | None:
        return None if self.axes is not None else turned(self)

    def _top(self) -> int:
        """Padding in front of the first spatial axis."""
        if isinstance(self.padding, str):
            reach = first(self.dilation) * (first(self.kernel) - 1)
            return 0 if self.padding == "valid" else reach // 2
        return first(self.padding)


class ComputedConv(Conv):
    """Convolution with kernels that are computed: the second input, ``out x channels / groups x
    kernel``; a third is a computed constant per channel.

    What it reads as kernels are feature maps, so it has no weights, and CIO does not count it. A
    tile holds the kernels of its channels, as those of a convolution. MACs are those of ``conv``.
    """

    kind: ClassVar[str] = "computed_conv"
    arity: ClassVar[tuple[int, int | None]] = (2, 3)
    convolves: ClassVar[bool] = False
    any_format: ClassVar[bool] = False

    def output_shape(self, inputs: Shapes) -> Shape:
        output = super().output_shape(inputs)
        channels, given = self._channels(inputs), tuple(inputs[1])
        taps = each(self.kernel, self.axes or len(inputs[0]) - 1)
        needed = (self.out, channels // self.groups, *taps)
        if given != needed:
            told = "x".join(map(str, needed))
            raise ShapeError(f"needs kernels of {told}, not {Shape(given)}")
        if len(inputs) > 2 and math.prod(inputs[2]) != self.out:
            raise ShapeError(f"needs a constant for each of {self.out} channels, not {inputs[2]}")
        return output

    def stored(self, inputs: Shapes, output: Shape) -> int:
        return int(self.bias)

    def oriented(self, number: int, source: Shape, output: Shape) -> Shape:
        return Shape(source, 0) if number else super().oriented(number, source, output)

    def reader(self, number: int, inputs: Shapes) -> Operator:
        return Reading(rows=True) if number else self

    def across(self) -> Operator | None:
        return None


class ConvTranspose(_Convolution):
    """Transposed convolution; its MACs are counted at input resolution.

    MACs are input elements x places of the kernel x ``out`` / groups; parameters as of ``conv``.
    """

    kind: ClassVar[str] = "conv_transpose"
    transposed: ClassVar[bool] = True

    padding: Annotated[Padding, Field(description="rows and columns cut from the output")] = 0
    output_padding: Annotated[
        Annotated[int, Field(strict=True, ge=0, le=64)]
        | tuple[Annotated[int, Field(strict=True, ge=0, le=64)], ...],
        Field(description="rows and columns added at the bottom and right"),
    ] = 0

    def around(self, axes: int) -> tuple[int, ...]:
        return around(self.padding, axes)

    def output_shape(self, inputs: Shapes) -> Shape:
        lead, source = leading(self.kind, inputs[0], self.axes)
        self._check_groups(source[0])
        axes = len(source) - 1
        kernel, stride = each(self.kernel, axes), each(self.stride, axes)
        dilation, extra = each(self.dilation, axes), each(self.output_padding, axes)
        padding = self.around(axes)
        size = [
            (source[1 + axis] - 1) * stride[axis]
            + dilation[axis] * (kernel[axis] - 1)
            + 1
            + extra[axis]
            - padding[axis]
            - padding[axis + axes]
            for axis in range(axes)
        ]
        if min(size) < 1:
            raise ShapeError(f"padding leaves an output of {'x'.join(map(str, size))}")
        return Shape((*lead, self.out, *size), len(lead))

    def macs(self, inputs: Shapes, output: Shape) -> int:
        return math.prod(inputs[0]) * self.out // self.groups * self.taps(inputs)

    def input_rows(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        if self.axes is not None:
            return start, stop
        stride, top = first(self.stride), first(self.padding)
        reach = first(self.dilation) * (first(self.kernel) - 1)
        return -(-(start + top - reach) // stride), (stop - 1 + top) // stride + 1

    def touched_rows(self, row: Index, source: Box, output: Box) -> tuple[Index, Index, int]:
        if self.axes is not None:
            return row, row + 1, 1
        return transposed_rows(
            row, first(self.kernel), first(self.stride), first(self.padding), first(self.dilation)
        )

    def across(self) -> Operator | None:
        return None if self.axes is not None else turned(self)


class _Anywhere(Share):
    """Reads a share of the rows, and all channels of each."""

    kind: ClassVar[str] = "anywhere"

    capped: bool = False

    def input_channels(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        return 0 * start, 0 * stop + source[0]


class DeformConv(Operator):
    """A convolution whose places are moved by what the second input says, and perhaps weighted by
    the third.

    Declared cost: a strip reads its share of the map's rows, and its own rows of the offsets (two
    numbers for each place of the kernel) and weights; MACs and parameters are those of ``conv``, at
    the rate of ``linear``, since kernels collect the map's places first.
    """

    kind: ClassVar[str] = "deform_conv"
    arity: ClassVar[tuple[int, int | None]] = (2, 3)
    multiplies: ClassVar[bool] = True
    shorthand: ClassVar[str | None] = "out"

    out: Annotated[Size, Field(description="output channels")]
    kernel: Annotated[tuple[Size, Size], Field(description="[height, width]")]
    stride: Annotated[tuple[Size, Size], Field(description="[vertical, horizontal]")] = (1, 1)
    padding: Annotated[
        tuple[Extent, Extent, Extent, Extent], Field(description="[top, left, bottom, right]")
    ] = (0, 0, 0, 0)
    dilation: Annotated[tuple[Size, Size], Field(description="distance between places")] = (1, 1)
    groups: Annotated[Size, Field(description="channel groups")] = 1
    bias: Annotated[bool, Field(description="add a learned constant per channel")] = False

    @property
    def biased(self) -> bool:
        return self.bias

    def op_class(self, inputs: Shapes) -> str:
        return "linear"

    def output_shape(self, inputs: Shapes) -> Shape:
        source = map_of(self.kind, inputs[0], 2)
        size = window_size(source, self.kernel, self.stride, self.padding, self.dilation)
        taps = math.prod(self.kernel)
        for given, multiple in zip(inputs[1:], (2 * taps, taps), strict=False):
            if given[0] % multiple or tuple(given[1:]) != size:
                told = "x".join(map(str, size))
                raise ShapeError(f"deform_conv needs a multiple of {multiple}x{told}, not {given}")
        if source[0] % self.groups or self.out % self.groups:
            raise ShapeError(f"{source[0]} and {self.out} channels are no {self.groups} groups")
        return Shape((self.out, *size))

    def macs(self, inputs: Shapes, output: Shape) -> int:
        return inputs[0][0] // self.groups * math.prod(self.kernel) * math.prod(output)

    def stored(self, inputs: Shapes, output: Shape) -> int:
        return inputs[0][0] // self.groups * math.prod(self.kernel) + int(self.bias)

    def work(self, inputs: Shapes, output: Shape) -> int:
        # Four neighbours for each place of each input channel.
        return -(-4 * inputs[0][0] * math.prod(self.kernel) // output[0])

    def oriented(self, number: int, source: Shape, output: Shape) -> Shape:
        return Shape(source, 0)

    def reader(self, number: int, inputs: Shapes) -> Operator:
        return Reading(channels=True) if number else _Anywhere()
