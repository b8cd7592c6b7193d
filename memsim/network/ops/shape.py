"""Inputs, resizing, repeating, shuffles, and what is nothing at inference."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from memsim.network.ops.base import (
    Arrangement,
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
    turned,
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


SUPPORT = {"bilinear": 1, "bicubic": 2}
"""Places on each side of an output pixel that count, by mode of interpolation."""


class Upsample(Operator):
    """Resizing by a whole factor or to a size, up or down."""

    kind: ClassVar[str] = "upsample"
    any_format: ClassVar[bool] = True
    arity: ClassVar[tuple[int, int | None]] = (1, 1)
    shorthand: ClassVar[str | None] = "factor"

    factor: Annotated[Pair | None, Field(description="whole factor of height and width")] = None
    size: Annotated[Pair | None, Field(description="output size, or [height, width]")] = None
    mode: Annotated[
        Literal["nearest", "nearest-exact", "bilinear", "bicubic", "area"],
        Field(description="how values are found; bilinear: linear along each axis"),
    ] = "nearest"
    coordinates: Annotated[
        Literal["half_pixel", "align_corners", "asymmetric"] | None,
        Field(
            description="where output pixels lie in the input (bilinear, bicubic; half_pixel if "
            "absent)"
        ),
    ] = None
    antialias: Annotated[
        bool, Field(description="down: over all that an output pixel covers (bilinear, bicubic)")
    ] = False

    def output_shape(self, inputs: Shapes) -> Shape:
        source = map_of(self.kind, inputs[0])
        axes = len(source) - 1
        if self.mode not in SUPPORT and (self.coordinates is not None or self.antialias):
            what = "coordinates" if self.coordinates is not None else "antialias"
            raise ShapeError(f"upsample takes {what} for modes bilinear and bicubic alone")
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
        if self.mode not in SUPPORT and self.mode != "area":
            return 1
        work = 1
        for size, places in zip(inputs[0][1:], Shape(output)[1:], strict=True):
            down = max(-(-size // places), 1)
            if self.mode == "area":
                work *= down
            else:
                work *= 2 * SUPPORT[self.mode] * (down if self.antialias else 1)
        return work

    def input_rows(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        first, _ = self._neighbours(start, source[1], output[1])
        _, last = self._neighbours(stop - 1, source[1], output[1])
        return first, last + 1

    def touched_rows(self, row: Index, source: Box, output: Box) -> tuple[Index, Index, int]:
        first, last = self._neighbours(row, source[1], output[1])
        return first, last + 1, 1

    def across(self) -> Operator | None:
        return turned(self)

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
        if self.mode == "nearest-exact":
            place = (2 * row + 1) * size // (2 * rows)
            return place, place
        if self.mode == "area":
            return row * size // rows, -(-(row + 1) * size // rows) - 1
        if self.antialias and size > rows:
            # All within the support around the middle of what the row covers, half a row off: the
            # places whose weights are not 0.
            middle, reach = (2 * row + 1) * size, 2 * SUPPORT[self.mode] * size
            low, high = (middle - reach + rows) // (2 * rows), (middle + reach + rows) // (2 * rows)
            low, high = low * (low > 0), high - 1
            return low, high + (size - 1 - high) * (high > size - 1)
        if self.coordinates == "align_corners":
            above = row * (size - 1) // max(rows - 1, 1)
        elif self.coordinates == "asymmetric":
            above = row * size // rows
        else:
            place = (2 * row + 1) * size - rows  # in half output rows: not below 0
            if self.mode == "bilinear":
                place = place * (place > 0)
            above = place // (2 * rows)
        if self.mode == "bicubic":
            low, high = above - 1, above + 2
            low = low * (low > 0)
            low = low + (size - 1 - low) * (low > size - 1)
            return low, high + (size - 1 - high) * (high > size - 1)
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

    def across(self) -> Operator:
        return self


class Expand(Operator):
    """Axes of size 1 repeated, and new axes in front; nothing moves: readers see it repeated."""

    kind: ClassVar[str] = "expand"
    shorthand: ClassVar[str | None] = "shape"

    shape: Annotated[
        tuple[Size, ...],
        Field(description="sizes of an image's axes", min_length=1, max_length=8),
    ]

    def arrangement(self, inputs: Shapes) -> Arrangement:
        return (("expanded", self.shape),)

    def output_shape(self, inputs: Shapes) -> Shape:
        source = Shape(inputs[0])
        more = len(self.shape) - len(source)
        ends = zip(source, self.shape[max(more, 0) :], strict=True) if more >= 0 else ()
        if more < 0 or any(size not in (1, wanted) for size, wanted in ends):
            raise ShapeError(f"{source} cannot be repeated to {Shape(self.shape)}")
        return Shape(self.shape, source.channel + more)


class Tile(Operator):
    """The whole of each axis several times, or (``each``) every place of it several times."""

    kind: ClassVar[str] = "tile"
    copied: ClassVar[bool] = True
    shorthand: ClassVar[str | None] = "times"

    times: Annotated[
        tuple[Size, ...],
        Field(description="how often, for each axis of an image", min_length=1, max_length=8),
    ]
    each: Annotated[bool, Field(description="every place, not the whole axis")] = False

    def output_shape(self, inputs: Shapes) -> Shape:
        source = Shape(inputs[0])
        if len(self.times) < len(source):
            raise ShapeError(
                f"{[*self.times]} are numbers for {len(self.times)} axes, not {source}"
            )
        whole = _aligned(source, len(self.times))
        sizes = (size * times for size, times in zip(whole, self.times, strict=True))
        return Shape(sizes, whole.channel)

    def arrangement(self, inputs: Shapes) -> Arrangement:
        pairs = [*zip(_aligned(Shape(inputs[0]), len(self.times)), self.times, strict=True)]
        if not self.each:
            apart = [(1, size) for size, _ in pairs]
            repeated = [(times, size) for size, times in pairs]
        else:
            apart = [(size, 1) for size, _ in pairs]
            repeated = [(size, times) for size, times in pairs]
        return (
            ("reshaped", tuple(size for each in apart for size in each)),
            ("expanded", tuple(size for each in repeated for size in each)),
            ("reshaped", tuple(one * other for one, other in repeated)),
        )


def _aligned(shape: Shape, rank: int) -> Shape:
    """The same with axes of size 1 in front."""
    more = rank - len(shape)
    return Shape((*(1,) * more, *shape), shape.channel + more)


class _Shuffle(Operator):
    """Moves elements between channels and places."""

    copied: ClassVar[bool] = True

    def _map(self, inputs: Shapes, axes: int | None = None) -> Shape:
        return map_of(self.kind, inputs[0], axes)


class ChannelShuffle(_Shuffle):
    """Channels of so many groups interleaved."""

    kind: ClassVar[str] = "channel_shuffle"
    shorthand: ClassVar[str | None] = "groups"

    groups: Annotated[Size, Field(description="groups of channels")]

    def output_shape(self, inputs: Shapes) -> Shape:
        source = self._map(inputs)
        if source[0] % self.groups:
            raise ShapeError(f"{source[0]} channels do not divide into {self.groups} groups")
        return source

    def arrangement(self, inputs: Shapes) -> Arrangement:
        channels, *sizes = self._map(inputs)
        order = (1, 0, *range(2, 2 + len(sizes)))
        return (
            ("reshaped", (self.groups, channels // self.groups, *sizes)),
            ("permuted", order),
            ("reshaped", (channels, *sizes)),
        )


class PixelShuffle(_Shuffle):
    """Channels become places: ``factor`` times as many rows and columns."""

    kind: ClassVar[str] = "pixel_shuffle"
    shorthand: ClassVar[str | None] = "factor"

    factor: Annotated[Size, Field(description="how many rows and columns one becomes")]
    depth: Annotated[
        Literal["inner", "outer"],
        Field(description="whether the channels that stay lie outside of those that move (inner: "
                          "PyTorch, ONNX's CRD), or inside (outer: ONNX's DCR)"),
    ] = "inner"  # fmt: skip

    def output_shape(self, inputs: Shapes) -> Shape:
        channels, height, width = self._map(inputs, 2)
        if channels % self.factor**2:
            raise ShapeError(f"{channels} channels do not divide into {self.factor}x{self.factor}")
        return Shape((channels // self.factor**2, height * self.factor, width * self.factor), 0)

    def arrangement(self, inputs: Shapes) -> Arrangement:
        channels, height, width = self._map(inputs, 2)
        by, left = self.factor, channels // self.factor**2
        parts = (left, by, by) if self.depth == "inner" else (by, by, left)
        order = (0, 3, 1, 4, 2) if self.depth == "inner" else (2, 3, 0, 4, 1)
        return (
            ("reshaped", (*parts, height, width)),
            ("permuted", order),
            ("reshaped", (left, height * by, width * by)),
        )


class PixelUnshuffle(_Shuffle):
    """Places become channels: a ``factor``-th of the rows and columns."""

    kind: ClassVar[str] = "pixel_unshuffle"
    shorthand: ClassVar[str | None] = "factor"

    factor: Annotated[Size, Field(description="how many rows and columns become one")]
    depth: Annotated[
        Literal["inner", "outer"],
        Field(description="whether the channels that there were lie outside of the new ones "
                          "(inner: PyTorch), or inside (outer: ONNX)"),
    ] = "inner"  # fmt: skip

    def output_shape(self, inputs: Shapes) -> Shape:
        channels, height, width = self._map(inputs, 2)
        if height % self.factor or width % self.factor:
            raise ShapeError(f"{height}x{width} does not divide by {self.factor}")
        return Shape((channels * self.factor**2, height // self.factor, width // self.factor), 0)

    def arrangement(self, inputs: Shapes) -> Arrangement:
        channels, height, width = self._map(inputs, 2)
        by = self.factor
        order = (0, 2, 4, 1, 3) if self.depth == "inner" else (2, 4, 0, 1, 3)
        return (
            ("reshaped", (channels, height // by, by, width // by, by)),
            ("permuted", order),
            ("reshaped", (channels * by * by, height // by, width // by)),
        )
