"""Operators that arrange data: inputs, concat, slices, resizing, softmax."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from memsim.network.ops.base import (
    Extent,
    Index,
    Operator,
    Pair,
    Shape,
    ShapeError,
    Shapes,
    Size,
    pair,
)


class Input(Operator):
    """A network input of the given shape (channels, height, width)."""

    kind: ClassVar[str] = "input"
    is_input: ClassVar[bool] = True
    shorthand: ClassVar[str | None] = "shape"
    arity: ClassVar[tuple[int, int | None]] = (0, 0)

    shape: Annotated[tuple[Size, Size, Size], Field(description="[channels, height, width]")]

    def output_shape(self, inputs: Shapes) -> Shape:
        return self.shape


class Concat(Operator):
    """Tensors of one size stacked along the channels, in the order of ``from``."""

    kind: ClassVar[str] = "concat"
    joins: ClassVar[bool] = True
    arity: ClassVar[tuple[int, int | None]] = (1, None)

    def output_shape(self, inputs: Shapes) -> Shape:
        for shape in inputs:
            if shape[1:] != inputs[0][1:]:
                sizes = " and ".join(f"{s[1]}x{s[2]}" for s in inputs)
                raise ShapeError(f"concat needs equal sizes, not {sizes}")
        return (sum(shape[0] for shape in inputs), *inputs[0][1:])


class Slice(Operator):
    """Channels ``start`` to ``stop`` (exclusive) of its input."""

    kind: ClassVar[str] = "slice"

    start: Annotated[Extent, Field(description="first channel")] = 0
    stop: Annotated[Size | None, Field(description="channel after the last; the end if absent")] = (
        None
    )

    def selects(self, inputs: Shapes) -> tuple[int, int]:
        return self.start, inputs[0][0] if self.stop is None else self.stop

    def output_shape(self, inputs: Shapes) -> Shape:
        channels = inputs[0][0]
        start, stop = self.selects(inputs)
        if not start < stop <= channels:
            raise ShapeError(f"channels {start} to {stop} are no slice of {channels} channels")
        return (stop - start, *inputs[0][1:])

    def input_channels(
        self, start: Index, stop: Index, source: Shape, output: Shape
    ) -> tuple[Index, Index]:
        return start + self.start, stop + self.start


class Upsample(Operator):
    """Resizing by a factor, or to a size or to the size of a second input."""

    kind: ClassVar[str] = "upsample"
    arity: ClassVar[tuple[int, int | None]] = (1, 1)
    shorthand: ClassVar[str | None] = "factor"

    factor: Annotated[Pair | None, Field(description="whole factor of height and width")] = None
    size: Annotated[Pair | None, Field(description="output size, or [height, width]")] = None
    mode: Annotated[Literal["nearest", "bilinear"], Field(description="how values are found")] = (
        "nearest"
    )

    def output_shape(self, inputs: Shapes) -> Shape:
        channels, height, width = inputs[0]
        if (self.factor is None) == (self.size is None):
            raise ShapeError("upsample takes either a factor or a size")
        if self.size is not None:
            return (channels, *pair(self.size))
        assert self.factor is not None
        vertical, horizontal = pair(self.factor)
        return (channels, height * vertical, width * horizontal)

    def work(self, inputs: Shapes, output: Shape) -> int:
        return 1 if self.mode == "nearest" else 4

    def input_rows(
        self, start: Index, stop: Index, source: Shape, output: Shape
    ) -> tuple[Index, Index]:
        halo = int(self.mode == "bilinear")
        first = start * source[1] // output[1]
        last = (stop - 1) * source[1] // output[1]
        return first - halo, last + 1 + halo


class Flatten(Operator):
    """All elements as channels of a 1x1 map."""

    kind: ClassVar[str] = "flatten"
    view: ClassVar[bool] = True

    def output_shape(self, inputs: Shapes) -> Shape:
        channels, height, width = inputs[0]
        return (channels * height * width, 1, 1)


class Dropout(Operator):
    """Nothing at inference."""

    kind: ClassVar[str] = "dropout"
    view: ClassVar[bool] = True
    shorthand: ClassVar[str | None] = "rate"

    rate: Annotated[float, Field(ge=0, lt=1, description="share dropped in training")] = 0.5


class Identity(Operator):
    """Its input, under another name."""

    kind: ClassVar[str] = "identity"
    view: ClassVar[bool] = True


class Softmax(Operator):
    """Exponentials over the channels, normalised."""

    kind: ClassVar[str] = "softmax"

    def work(self, inputs: Shapes, output: Shape) -> int:
        return 4

    def input_channels(
        self, start: Index, stop: Index, source: Shape, output: Shape
    ) -> tuple[Index, Index]:
        return 0 * start, 0 * stop + source[0]
