"""Operators that arrange data and compute nothing: concat, slice, reshape, permute."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

from pydantic import Field

from memsim.network.ops.base import (
    Arrangement,
    Box,
    Extent,
    Index,
    Operator,
    Shape,
    ShapeError,
    Shapes,
    Size,
)

Axis = Annotated[int, Field(strict=True, ge=-8, le=7)]
"""An axis of an image; below 0 it counts from the end."""


def axis_of(axis: int, shape: Shape) -> int:
    """An axis counted from the front.

    Raises
    ------
    ShapeError
        If there is none.
    """
    if not -len(shape) <= axis < len(shape):
        raise ShapeError(f"there is no axis {axis} in {Shape(shape)}")
    return axis % len(shape)


class Placed(Operator):
    """What an operand of a concat is to it: an offset along one axis. No layer of its own."""

    kind: ClassVar[str] = "placed"

    offset: int
    along: int  # of a box: 0 channels, 1 rows, 2 columns

    def input_rows(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        offset = self.offset if self.along == 1 else 0
        return start - offset, stop - offset

    def input_channels(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        offset = self.offset if self.along == 0 else 0
        return start - offset, stop - offset


class Concat(Operator):
    """Tensors one after the other along an axis, the channels if none is given, in the order of
    ``from``; all other axes are equal."""

    kind: ClassVar[str] = "concat"
    joins: ClassVar[bool] = True
    arity: ClassVar[tuple[int, int | None]] = (1, None)

    axis: Annotated[Axis | None, Field(description="axis of an image; the channels if absent")] = (
        None
    )

    @property
    def stacks(self) -> bool:
        return self.axis is None

    def along(self, inputs: Shapes) -> int:
        """The axis, counted from the front."""
        return Shape(inputs[0]).channel if self.axis is None else axis_of(self.axis, inputs[0])

    def output_shape(self, inputs: Shapes) -> Shape:
        axis = self.along(inputs)
        others = [(*shape[:axis], *shape[axis + 1 :]) for shape in inputs]
        if any(len(shape) != len(inputs[0]) for shape in inputs) or len({*others}) > 1:
            if self.stacks and all(len(shape) == 3 for shape in inputs):
                sizes = " and ".join(f"{s[1]}x{s[2]}" for s in inputs)
                raise ShapeError(f"concat needs equal sizes, not {sizes}")
            shapes = " and ".join(str(Shape(shape)) for shape in inputs)
            raise ShapeError(f"concat needs equal sizes besides axis {axis}, not {shapes}")
        return Shape(inputs[0]).resized(axis, sum(shape[axis] for shape in inputs))

    def reader(self, number: int, inputs: Shapes) -> Operator:
        axis, channel = self.along(inputs), inputs[0].channel
        rows = 1 if channel == 0 else 0  # the first axis besides the channels
        offset = sum(shape[axis] for shape in inputs[:number])
        return Placed(offset=offset, along=0 if axis == channel else 1 if axis == rows else 2)


class Slice(Operator):
    """Places ``start`` to ``stop`` (exclusive) along an axis, the channels if none is given."""

    kind: ClassVar[str] = "slice"

    start: Annotated[Extent, Field(description="first place")] = 0
    stop: Annotated[Size | None, Field(description="place after the last; the end if absent")] = (
        None
    )
    step: Annotated[Size, Field(description="every how many places")] = 1
    axis: Annotated[Axis | None, Field(description="axis of an image; the channels if absent")] = (
        None
    )

    def _range(self, inputs: Shapes) -> tuple[int, int, int]:
        axis = Shape(inputs[0]).channel if self.axis is None else axis_of(self.axis, inputs[0])
        return axis, self.start, inputs[0][axis] if self.stop is None else self.stop

    def selects(self, inputs: Shapes) -> tuple[int, int] | None:
        axis, start, stop = self._range(inputs)
        return (start, stop) if axis == Shape(inputs[0]).channel and self.step == 1 else None

    def arrangement(self, inputs: Shapes) -> Arrangement:
        return (("selected", *self._range(inputs), self.step),)

    def output_shape(self, inputs: Shapes) -> Shape:
        axis, start, stop = self._range(inputs)
        size, what = inputs[0][axis], "channels"
        if axis != Shape(inputs[0]).channel:
            what = f"places of axis {axis}"
        if not start < stop <= size:
            raise ShapeError(f"{what} {start} to {stop} are no slice of {size} {what}")
        return Shape(inputs[0]).resized(axis, -(-(stop - start) // self.step))

    def input_channels(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        return start + self.start, stop + self.start


class Flatten(Operator):
    """All elements as channels of a 1x1 map."""

    kind: ClassVar[str] = "flatten"
    view: ClassVar[bool] = True

    def output_shape(self, inputs: Shapes) -> Shape:
        return Shape((math.prod(inputs[0]), 1, 1))


class Reshape(Operator):
    """The same elements in the same order, with other axes. One size may be -1: what is left."""

    kind: ClassVar[str] = "reshape"
    view: ClassVar[bool] = True
    shorthand: ClassVar[str | None] = "shape"

    shape: Annotated[
        tuple[Annotated[int, Field(strict=True, ge=-1, le=1 << 40)], ...],
        Field(description="sizes of an image's axes; one may be -1", min_length=1, max_length=8),
    ]

    def output_shape(self, inputs: Shapes) -> Shape:
        source, sizes = Shape(inputs[0]), list(self.shape)
        free = [axis for axis, size in enumerate(sizes) if size == -1]
        rest = math.prod(size for size in sizes if size != -1)
        total = math.prod(source)
        if len(free) > 1 or not rest or total % rest or (not free and total != rest):
            wanted = "x".join(map(str, sizes))
            raise ShapeError(f"{source} cannot be seen as {wanted}: {total} elements")
        for axis in free:
            sizes[axis] = total // rest
        last = source.channels_last and len(sizes) > 1 and sizes[-1] == source[-1]
        return Shape(sizes, -1 if last else None)


class Permute(Operator):
    """The axes of an image in another order."""

    kind: ClassVar[str] = "permute"
    copied: ClassVar[bool] = True
    shorthand: ClassVar[str | None] = "order"

    order: Annotated[
        tuple[Annotated[int, Field(strict=True, ge=0, le=7)], ...],
        Field(description="which axis of the input each axis is", min_length=1, max_length=8),
    ]

    def arrangement(self, inputs: Shapes) -> Arrangement:
        return (("permuted", self.order),)

    def output_shape(self, inputs: Shapes) -> Shape:
        source = Shape(inputs[0])
        if sorted(self.order) != [*range(len(source))]:
            raise ShapeError(f"{[*self.order]} is no order of the {len(source)} axes of {source}")
        sizes = [source[axis] for axis in self.order]
        return Shape(sizes, self.order.index(source.channel))
