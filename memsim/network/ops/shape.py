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
    """Resizing by a whole factor or to a size, up or down."""

    kind: ClassVar[str] = "upsample"
    arity: ClassVar[tuple[int, int | None]] = (1, 1)
    shorthand: ClassVar[str | None] = "factor"

    factor: Annotated[Pair | None, Field(description="whole factor of height and width")] = None
    size: Annotated[Pair | None, Field(description="output size, or [height, width]")] = None
    mode: Annotated[Literal["nearest", "bilinear"], Field(description="how values are found")] = (
        "nearest"
    )
    coordinates: Annotated[
        Literal["half_pixel", "align_corners", "asymmetric"] | None,
        Field(description="where output pixels lie in the input (bilinear; half_pixel if absent)"),
    ] = None

    def output_shape(self, inputs: Shapes) -> Shape:
        channels, height, width = inputs[0]
        if self.coordinates is not None and self.mode == "nearest":
            raise ShapeError("upsample takes coordinates for mode bilinear alone")
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
        first, _ = self._neighbours(start, source[1], output[1])
        _, last = self._neighbours(stop - 1, source[1], output[1])
        return first, last + 1

    def touched_rows(self, row: Index, source: Shape, output: Shape) -> tuple[Index, Index, int]:
        first, last = self._neighbours(row, source[1], output[1])
        return first, last + 1, 1

    def _neighbours(self, row: Index, size: int, rows: int) -> tuple[Index, Index]:
        """The rows of ``size`` that output row ``row`` of ``rows`` lies between.

        As PyTorch's ``interpolate`` finds them, in whole numbers: floating point may fall on the
        other side where a place is whole. ``nearest`` takes row ``floor(row * size / rows)``;
        other ways to round take other rows, but no more. ``bilinear`` takes the row at or above
        a place and the one below it, whatever its weight. The place is ``(row + 0.5) * size /
        rows - 0.5`` but not less than 0 (half_pixel), ``row * (size - 1) / (rows - 1)``
        (align_corners) or ``row * size / rows`` (asymmetric). A height that stays is copied. A
        factor that is not whole is not known here: the sizes decide, as with
        ``recompute_scale_factor``.
        """
        if size == rows:
            return row, row
        if self.mode == "nearest":
            return row * size // rows, row * size // rows
        if self.coordinates == "align_corners":
            above = row * (size - 1) // max(rows - 1, 1)
        elif self.coordinates == "asymmetric":
            above = row * size // rows
        else:
            place = (2 * row + 1) * size - rows  # in half output rows: not below 0
            above = place * (place > 0) // (2 * rows)
        return above, above + (above < size - 1)


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
