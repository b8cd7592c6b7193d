"""Operators that arrange data and compute nothing: concat, slice, reshape, permute, pad, roll."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from memsim.network.ops.base import (
    LARGEST,
    Arrangement,
    Box,
    Extent,
    Index,
    Operator,
    Shape,
    ShapeError,
    Shapes,
    Size,
    Strides,
)

Axis = Annotated[int, Field(strict=True, ge=-8, le=7)]
"""An axis of an image; below 0 it counts from the end."""

Whole = Annotated[int, Field(strict=True, ge=-LARGEST, le=LARGEST)]

Places = tuple[tuple[int, int], ...]
"""For each place of the output the places ``[first, end)`` of an input that it reads."""


def axis_of(axis: int | None, shape: Shape) -> int:
    """An axis counted from the front; that of the channels where none is given.

    Raises
    ------
    ShapeError
        If there is none.
    """
    if axis is None:
        return Shape.of(shape).channel
    if not -len(shape) <= axis < len(shape):
        raise ShapeError(f"there is no axis {axis} in {Shape(shape)}")
    return axis % len(shape)


class AlongAxis(Operator):
    """Works along one axis, the channels if none is given."""

    axis: Annotated[Axis | None, Field(description="axis of an image; the channels if absent")] = (
        None
    )

    def along(self, inputs: Shapes) -> int:
        """The axis, counted from the front."""
        return axis_of(self.axis, inputs[0])

    def _reader(self, inputs: Shapes, places: Iterable[int]) -> Along:
        source = Shape(inputs[0])
        return Along.of(source, source.channel, self.along(inputs), _single(places))


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

    def across(self) -> Operator:
        return self.model_copy(update={"along": (0, 2, 1)[self.along]})


class Concat(AlongAxis):
    """Tensors one after the other along an axis, the channels if none is given, in the order of
    ``from``; all other axes are equal."""

    kind: ClassVar[str] = "concat"
    any_format: ClassVar[bool] = True
    joins: ClassVar[bool] = True
    arity: ClassVar[tuple[int, int | None]] = (1, None)

    @property
    def stacks(self) -> bool:
        return self.axis is None

    def takes(self, number: int, strides: Strides) -> bool:
        return True

    def output_shape(self, inputs: Shapes) -> Shape:
        axis = self.along(inputs)
        others = [(*shape[:axis], *shape[axis + 1 :]) for shape in inputs]
        if any(len(shape) != len(inputs[0]) for shape in inputs) or len({*others}) > 1:
            if self.stacks and all(len(shape) == 3 for shape in inputs):
                sizes = " and ".join(f"{s[1]}x{s[2]}" for s in inputs)
                raise ShapeError(f"concat needs equal sizes, not {sizes}")
            shapes = " and ".join(str(Shape(shape)) for shape in inputs)
            raise ShapeError(f"concat needs equal sizes besides axis {axis}, not {shapes}")
        return Shape.of(inputs[0]).resized(axis, sum(shape[axis] for shape in inputs))

    def reader(self, number: int, inputs: Shapes) -> Operator:
        axis, source = self.along(inputs), Shape(inputs[0])
        along = 0 if axis == source.channel else 1 if axis == source.others[0] else 2
        return Placed(offset=sum(shape[axis] for shape in inputs[:number]), along=along)


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
        axis = axis_of(self.axis, inputs[0])
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
        return Shape.of(inputs[0]).resized(axis, -(-(stop - start) // self.step))

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


class Along(Operator):
    """Reads given places along an axis, and its own place along the others. No layer of its own.

    Attributes
    ----------
    rows, channels : tuple of (int, int), optional
        For each row (channel) of the output the rows that it reads, first and end; (0, 0) for none.
    channel : int
        The axis of the operand that the output's channels are.
    step : int
        Between the rows that a row reads.
    """

    kind: ClassVar[str] = "along"

    rows: Places | None = None
    channels: Places | None = None
    channel: int = 0
    step: int = 1

    @classmethod
    def of(cls, source: Shape, channel: int, axis: int, places: Iterable[tuple[int, int]]) -> Along:
        """Along an axis of an operand; what is read of its columns changes no row."""
        others = Shape(source, channel).others
        told = tuple(places)
        rows = told if others[:1] == (axis,) else None
        channels = told if axis == channel else None
        return cls.model_construct(rows=rows, channels=channels, channel=channel)

    def oriented(self, number: int, source: Shape, output: Shape) -> Shape:
        return Shape(source, self.channel)

    def input_rows(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        if self.rows is None:
            return super().input_rows(start, stop, source, output)
        return _extent(self.rows, start, stop)

    def touched_rows(self, row: Index, source: Box, output: Box) -> tuple[Index, Index, int]:
        if self.rows is None:
            return super().touched_rows(row, source, output)
        table = np.array(self.rows, dtype=np.int64)
        return table[row, 0], table[row, 1], self.step

    def input_channels(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        if self.channels is None:
            return super().input_channels(start, stop, source, output)
        return _extent(self.channels, start, stop)


def _extent(places: Places, start: Index, stop: Index) -> tuple[Index, Index]:
    """From the first to the last place that ranges of the output read."""
    table = np.array(places, dtype=np.int64).reshape(-1, 2)
    edges = np.atleast_1d(start), np.atleast_1d(stop)
    found = []
    for low, high in zip(*np.broadcast_arrays(*edges), strict=True):
        part = table[max(int(low), 0) : max(int(high), 0)]
        part = part[part[:, 0] < part[:, 1]]
        found.append((part[:, 0].min(), part[:, 1].max()) if len(part) else (0, 0))
    if isinstance(start, int) and isinstance(stop, int):
        return int(found[0][0]), int(found[0][1])
    ends = np.array(found, dtype=np.int64).reshape(-1, 2)
    return ends[:, 0], ends[:, 1]


def _single(places: Iterable[int]) -> list[tuple[int, int]]:
    return [(place, place + 1) if place >= 0 else (0, 0) for place in places]


class Pad(Operator):
    """Places added around axes: a constant, or what lies next to them."""

    kind: ClassVar[str] = "pad"
    shorthand: ClassVar[str | None] = "pads"

    pads: Annotated[
        tuple[Annotated[int, Field(strict=True, ge=0, le=LARGEST)], ...],
        Field(
            description="places in front of each axis of an image, then those behind each",
            min_length=2,
            max_length=16,
        ),
    ]
    mode: Annotated[
        Literal["constant", "reflect", "replicate", "circular"],
        Field(description="what is added: value, mirrored places, the edge, the other end"),
    ] = "constant"
    value: Annotated[float, Field(description="what is added in mode constant")] = 0.0

    def output_shape(self, inputs: Shapes) -> Shape:
        source = Shape(inputs[0])
        if len(self.pads) != 2 * len(source):
            raise ShapeError(f"{[*self.pads]} are no pads for the {len(source)} axes of {source}")
        if self.value and self.mode != "constant":
            raise ShapeError("pad takes a value for mode constant alone")
        sizes = []
        for axis, size in enumerate(source):
            before, after = self.pads[axis], self.pads[axis + len(source)]
            room = {"reflect": size - 1, "circular": size}.get(self.mode, LARGEST)
            if max(before, after) > room:
                raise ShapeError(f"pad takes at most {room} places for an axis of {size} in mode "
                                 f"{self.mode}, not {max(before, after)}")  # fmt: skip
            sizes.append(size + before + after)
        return Shape(sizes, source.channel)

    def place(self, place: int, size: int) -> int:
        """The place of the input that is read; -1 for none."""
        if 0 <= place < size:
            return place
        if self.mode == "constant":
            return -1
        if self.mode == "replicate":
            return min(max(place, 0), size - 1)
        if self.mode == "circular":
            return place % size
        return -place if place < 0 else 2 * (size - 1) - place

    def reader(self, number: int, inputs: Shapes) -> Operator:
        source = Shape(inputs[0])
        others = source.others
        told = []
        for axis in (others[0] if others else source.channel, source.channel):
            before, after = self.pads[axis], self.pads[axis + len(source)]
            size = source[axis]
            told.append(
                tuple(_single(self.place(at, size) for at in range(-before, size + after)))
                if before or after
                else None
            )
        rows, channels = told
        return Along.model_construct(
            rows=rows if others else None, channels=channels, channel=source.channel
        )


class Roll(AlongAxis):
    """Places moved along an axis; those that leave at its end come in at its start."""

    kind: ClassVar[str] = "roll"
    shorthand: ClassVar[str | None] = "shift"

    shift: Annotated[Whole, Field(description="by how many places, towards the end")]

    def output_shape(self, inputs: Shapes) -> Shape:
        self.along(inputs)
        return inputs[0]

    def reader(self, number: int, inputs: Shapes) -> Operator:
        size = inputs[0][self.along(inputs)]
        return self._reader(inputs, ((place - self.shift) % size for place in range(size)))


class Flip(AlongAxis):
    """The places of an axis in the opposite order."""

    kind: ClassVar[str] = "flip"
    shorthand: ClassVar[str | None] = "axis"

    def output_shape(self, inputs: Shapes) -> Shape:
        self.along(inputs)
        return inputs[0]

    def reader(self, number: int, inputs: Shapes) -> Operator:
        return self._reader(inputs, reversed(range(inputs[0][self.along(inputs)])))
