"""Inputs, resizing, and what is nothing at inference."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from memsim.network.ops.base import (
    Box,
    Index,
    Operator,
    Pair,
    Shape,
    ShapeError,
    Shapes,
    Size,
    each,
    map_of,
)


class Input(Operator):
    """A network input of the given shape, such as channels, height, width.

    Two axes are tokens and channels, if ``channel`` does not say otherwise.
    """

    kind: ClassVar[str] = "input"
    is_input: ClassVar[bool] = True
    shorthand: ClassVar[str | None] = "shape"
    arity: ClassVar[tuple[int, int | None]] = (0, 0)

    shape: Annotated[
        tuple[Size, ...],
        Field(description="[channels, height, width], or other axes", min_length=1, max_length=8),
    ]
    channel: Annotated[
        int | None,
        Field(strict=True, ge=0, le=7, description="axis of the channels, if it is not the usual"),
    ] = None

    def output_shape(self, inputs: Shapes) -> Shape:
        if self.channel is not None and self.channel >= len(self.shape):
            raise ShapeError(f"there is no axis {self.channel} in {Shape(self.shape)}")
        return Shape(self.shape, self.channel)


class Parameter(Operator):
    """A tensor that is learned and read like a map, such as a class token or a table of positions.

    It is stored once, whatever the batch.
    """

    kind: ClassVar[str] = "parameter"
    is_parameter: ClassVar[bool] = True
    shorthand: ClassVar[str | None] = "shape"
    arity: ClassVar[tuple[int, int | None]] = (0, 0)

    shape: Annotated[
        tuple[Size, ...], Field(description="sizes of its axes", min_length=1, max_length=8)
    ]

    def output_shape(self, inputs: Shapes) -> Shape:
        return Shape(self.shape)

    def learnable(self, inputs: Shapes, output: Shape) -> int:
        return math.prod(self.shape)


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
        source = map_of(self.kind, inputs[0])
        axes = len(source) - 1
        if self.coordinates is not None and self.mode == "nearest":
            raise ShapeError("upsample takes coordinates for mode bilinear alone")
        if (self.factor is None) == (self.size is None):
            raise ShapeError("upsample takes either a factor or a size")
        if self.size is not None:
            return Shape((source[0], *each(self.size, axes)), 0)
        assert self.factor is not None
        factors = zip(source[1:], each(self.factor, axes), strict=True)
        return Shape((source[0], *(size * factor for size, factor in factors)), 0)

    def oriented(self, number: int, source: Shape, output: Shape) -> Shape:
        return Shape(source, 0)

    def work(self, inputs: Shapes, output: Shape) -> int:
        return 1 if self.mode == "nearest" else 4

    def input_rows(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        first, _ = self._neighbours(start, source[1], output[1])
        _, last = self._neighbours(stop - 1, source[1], output[1])
        return first, last + 1

    def touched_rows(self, row: Index, source: Box, output: Box) -> tuple[Index, Index, int]:
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
