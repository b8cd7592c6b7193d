"""Operators that take some places of a tensor, add some, or write some: each knows which.

Where the places are numbers of the network, the rows and channels that a tile reads are exact.
Where they are computed (the second operand of a gather, boxes, the field of a grid sample), what
an operator reads is DECLARED: it reads every operand once, a tile its share, and of a gather's
source at most as many rows as it writes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from memsim.network.ops.arrange import Along, AlongAxis, Axis
from memsim.network.ops.base import (
    LARGEST,
    Operator,
    Shape,
    ShapeError,
    Shapes,
    Size,
    map_of,
)
from memsim.network.ops.reading import ALL, SHARE
from memsim.network.ops.window import window_size


class Gather(AlongAxis):
    """Places of an axis by their numbers, which are given or are the elements of the second input.

    Without a second input ``count`` says how many unknown constants they are. These read a
    share: at most as many rows as there are numbers, and no more than there are.
    """

    kind: ClassVar[str] = "gather"
    arity: ClassVar[tuple[int, int | None]] = (1, 2)
    shorthand: ClassVar[str | None] = "places"

    places: Annotated[
        tuple[Annotated[int, Field(strict=True, ge=0, le=LARGEST)], ...] | None,
        Field(description="numbers of the places", min_length=1, max_length=1 << 16),
    ] = None
    count: Annotated[
        Size | None,
        Field(description="how many, where they are not known and no second input tells"),
    ] = None

    def _many(self, inputs: Shapes) -> int:
        if self.places is not None:
            if self.count is not None or len(inputs) > 1:
                raise ShapeError("gather takes places, or else a count or a second input")
            return len(self.places)
        if self.count is None and len(inputs) == 1:
            raise ShapeError("gather takes places, a count or a second input")
        return math.prod(inputs[1]) if self.count is None else self.count

    def output_shape(self, inputs: Shapes) -> Shape:
        axis, many = self.along(inputs), self._many(inputs)
        size = inputs[0][axis]
        if self.places is not None and max(self.places) >= size:
            raise ShapeError(f"there is no place {max(self.places)} in an axis of {size}")
        return Shape(inputs[0]).resized(axis, many)

    def reader(self, number: int, inputs: Shapes) -> Operator:
        if number or self.places is None:
            return SHARE
        return self._reader(inputs, self.places)


class Embedding(Operator):
    """Rows of a table of parameters by their numbers, the elements of the input.

    Which ones is not known here: ``read`` says how many of them all images together name at most.
    """

    kind: ClassVar[str] = "embedding"
    looks_up: ClassVar[bool] = True

    rows: Annotated[Size, Field(description="rows of the table")]
    features: Annotated[Size, Field(description="elements of a row")]
    read: Annotated[
        Size | None, Field(description="rows that are read; the whole table if absent")
    ] = None

    def output_shape(self, inputs: Shapes) -> Shape:
        source = inputs[0][:1] if tuple(inputs[0][1:]) == (1, 1) else inputs[0]
        return Shape((*source, self.features), -1)

    def oriented(self, number: int, source: Shape, output: Shape) -> Shape:
        return Shape((*source[: len(output) - 1], 1), -1)

    def learnable(self, inputs: Shapes, output: Shape) -> int:
        return self.rows * self.features

    def stored(self, inputs: Shapes, output: Shape) -> int:
        return self.rows if self.read is None else min(self.rows, self.read)


class _Counted(Operator):
    """Which places it reads is not known here: it reads every operand once, a tile its share."""

    def reader(self, number: int, inputs: Shapes) -> Operator:
        return ALL


class Scatter(_Counted):
    """The first input with some of its elements replaced by those of the second, or combined with
    them.

    Where they go are constants, or a third input. Reads all of its inputs once and writes all of
    its output, as frameworks that copy the first input do.
    """

    kind: ClassVar[str] = "scatter"
    arity: ClassVar[tuple[int, int | None]] = (1, 3)

    shape: Annotated[
        tuple[Size, ...] | None,
        Field(description="the output's, where the first input is a constant", max_length=8),
    ] = None

    def output_shape(self, inputs: Shapes) -> Shape:
        return inputs[0] if self.shape is None else Shape(self.shape)

    def work(self, inputs: Shapes, output: Shape) -> int:
        return 1


class Elements(_Counted):
    """Elements of the first input at places that another input, or constants, name one by one.

    Reads at most as many elements as it writes, as whole rows.
    """

    kind: ClassVar[str] = "gather_elements"
    arity: ClassVar[tuple[int, int | None]] = (1, 2)
    shorthand: ClassVar[str | None] = "shape"

    shape: Annotated[
        tuple[Size, ...], Field(description="sizes of an image's axes", min_length=1, max_length=8)
    ]

    def output_shape(self, inputs: Shapes) -> Shape:
        return Shape(self.shape)

    def reader(self, number: int, inputs: Shapes) -> Operator:
        return SHARE if number == 0 else ALL


class Sliding(AlongAxis):
    """Windows of an axis, each with its places along a new axis behind all others.

    Counted as the copy that reading it makes, though frameworks only describe it.
    """

    kind: ClassVar[str] = "windows"
    shorthand: ClassVar[str | None] = "size"

    size: Annotated[Size, Field(description="places of a window")]
    step: Annotated[Size, Field(description="from one window to the next")] = 1

    def output_shape(self, inputs: Shapes) -> Shape:
        source, axis = Shape(inputs[0]), self.along(inputs)
        if self.size > source[axis]:
            raise ShapeError(f"windows of {self.size} places of an axis of {source[axis]}")
        count = (source[axis] - self.size) // self.step + 1
        return Shape((*source.resized(axis, count), self.size), source.channel)

    def reader(self, number: int, inputs: Shapes) -> Operator:
        source, axis = Shape(inputs[0]), self.along(inputs)
        first = range(0, source[axis] - self.size + 1, self.step)
        return Along.of(source, source.channel, axis, ((at, at + self.size) for at in first))


class Im2col(Operator):
    """The places under each window of a map as channels: ``channels * kernel`` by windows."""

    kind: ClassVar[str] = "im2col"
    shorthand: ClassVar[str | None] = "kernel"

    kernel: Annotated[tuple[Size, Size], Field(description="[height, width] of a window")]
    stride: Annotated[tuple[Size, Size], Field(description="[vertical, horizontal]")] = (1, 1)
    padding: Annotated[
        tuple[Annotated[int, Field(strict=True, ge=0)], Annotated[int, Field(strict=True, ge=0)]],
        Field(description="rows above and below, columns left and right"),
    ] = (0, 0)
    dilation: Annotated[tuple[Size, Size], Field(description="distance between places")] = (1, 1)

    def windows(self, source: Sequence[int]) -> tuple[int, ...]:
        """Rows and columns of windows over a map."""
        pads = (*self.padding, *self.padding)
        return window_size(source, self.kernel, self.stride, pads, self.dilation)

    def output_shape(self, inputs: Shapes) -> Shape:
        source = map_of(self.kind, inputs[0], 2)
        places = math.prod(self.windows(source))
        return Shape((source[0] * math.prod(self.kernel), places), 0)

    def oriented(self, number: int, source: Shape, output: Shape) -> Shape:
        return Shape(source, 0)

    def reader(self, number: int, inputs: Shapes) -> Operator:
        source = map_of(self.kind, inputs[0], 2)
        rows, columns = self.windows(source)
        told: list[tuple[int, int]] = []
        for row in range(rows):
            top = row * self.stride[0] - self.padding[0]
            taps = (top + tap * self.dilation[0] for tap in range(self.kernel[0]))
            read = [place for place in taps if 0 <= place < source[1]]
            told += [(read[0], read[-1] + 1) if read else (0, 0)] * columns
        channels = [
            (one, one + 1) for one in range(source[0]) for _ in range(math.prod(self.kernel))
        ]
        return Along.model_construct(
            rows=tuple(told), channels=tuple(channels), channel=0, step=self.dilation[0]
        )


class Col2im(Im2col):
    """The places under windows added up to the map that they lie on: what im2col takes apart."""

    kind: ClassVar[str] = "col2im"
    shorthand: ClassVar[str | None] = "size"

    size: Annotated[tuple[Size, Size], Field(description="[height, width] of the map")]

    def output_shape(self, inputs: Shapes) -> Shape:
        channels, left = divmod(inputs[0][0], math.prod(self.kernel))
        source = Shape((max(channels, 1), *self.size))
        rows, columns = self.windows(source)
        if len(inputs[0]) != 2 or left or rows * columns != inputs[0][1]:
            raise ShapeError(f"{inputs[0]} are no {rows}x{columns} windows of {source}")
        return source

    def work(self, inputs: Shapes, output: Shape) -> int:
        steps = zip(self.kernel, self.stride, strict=True)
        return math.prod(-(-kernel // stride) for kernel, stride in steps)

    def reader(self, number: int, inputs: Shapes) -> Operator:
        source = self.output_shape(inputs)
        rows, columns = self.windows(source)
        told: list[tuple[int, int]] = [(0, 0)] * source[1]
        for row in range(rows):
            top = row * self.stride[0] - self.padding[0]
            for tap in range(self.kernel[0]):
                place = top + tap * self.dilation[0]
                if 0 <= place < source[1]:
                    low, high = told[place]
                    some = low < high
                    told[place] = (low if some else row * columns, (row + 1) * columns)
        taps = math.prod(self.kernel)
        channels = tuple((one * taps, (one + 1) * taps) for one in range(source[0]))
        return Along.model_construct(rows=tuple(told), channels=channels, channel=0)


class GridSample(_Counted):
    """A map at places that the second input gives, or constants do, between its pixels.

    Declared cost: it reads map and places once, a tile its share of both; ``bicubic`` computes with
    16 neighbours, ``bilinear`` with 4, ``nearest`` with 1.
    """

    kind: ClassVar[str] = "grid_sample"
    arity: ClassVar[tuple[int, int | None]] = (1, 2)
    shorthand: ClassVar[str | None] = "size"

    size: Annotated[
        tuple[Size, ...], Field(description="sizes of the output's spatial axes", max_length=3)
    ]
    mode: Annotated[Literal["bilinear", "nearest", "bicubic"], Field(description="between")] = (
        "bilinear"
    )
    border: Annotated[
        Literal["zeros", "border", "reflection"], Field(description="what lies around the map")
    ] = "zeros"
    corners: Annotated[bool, Field(description="-1 and 1 are the corner pixels' middles")] = False

    def output_shape(self, inputs: Shapes) -> Shape:
        source = Shape(inputs[0])
        if len(source) <= len(self.size):
            raise ShapeError(f"grid_sample takes {len(self.size)} spatial axes, not {source}")
        at = len(source) - len(self.size)
        return Shape((*source[:at], *self.size), at - 1)

    def work(self, inputs: Shapes, output: Shape) -> int:
        across = {"nearest": 1, "bilinear": 2, "bicubic": 4}[self.mode]
        return math.prod((across,) * len(self.size))


class RoiAlign(_Counted):
    """Boxes of a map, the second input, each resampled to a grid, one after the other.

    Declared cost: map and boxes are read once; ``samples`` places, of four neighbours each, are
    computed for every place of the grid (``max``: one, as ``roi_pool`` does).
    """

    kind: ClassVar[str] = "roi_align"
    arity: ClassVar[tuple[int, int | None]] = (1, 3)

    boxes: Annotated[Size, Field(description="how many")]
    size: Annotated[tuple[Size, Size], Field(description="[height, width] of the grid")]
    samples: Annotated[Size, Field(description="places in every cell of it")] = 4
    mode: Annotated[Literal["avg", "max"], Field(description="what is kept of them")] = "avg"

    def output_shape(self, inputs: Shapes) -> Shape:
        source = map_of(self.kind, inputs[0], 2)
        return Shape((self.boxes, source[0], *self.size), 1)

    def work(self, inputs: Shapes, output: Shape) -> int:
        return 4 * self.samples if self.mode == "avg" else 1


class Chosen(_Counted):
    """What an operator that sorts, counts or compares whole axes makes of its inputs.

    ``nms``, ``topk``, ``sort``, ``cumsum``, ``one_hot``, ``mask`` (tril, triu), ``grid`` (the
    places of an affine map): each reads its inputs once and writes its
    output once, with one operation per element and, where it sorts, as many as a comparison sort
    needs: the logarithm of the inputs' elements.
    """

    kind: ClassVar[str] = "chosen"
    arity: ClassVar[tuple[int, int | None]] = (1, None)

    how: Annotated[
        Literal["nms", "topk", "sort", "cumsum", "one_hot", "grid", "mask"],
        Field(description="what it does"),
    ]
    axis: Annotated[Axis | None, Field(description="the axis it goes along, where known")] = None
    places: Annotated[
        bool, Field(strict=True, description="tells where what it chooses lies, not what it is")
    ] = False
    descending: Annotated[bool, Field(strict=True, description="the largest come first")] = False
    upper: Annotated[
        bool | None, Field(strict=True, description="which side of a diagonal a mask keeps")
    ] = None
    diagonal: Annotated[
        int, Field(strict=True, ge=-LARGEST, le=LARGEST, description="how far above the middle")
    ] = 0
    shape: Annotated[
        tuple[Size, ...], Field(description="sizes of an image's axes", min_length=1, max_length=8)
    ]

    def output_shape(self, inputs: Shapes) -> Shape:
        return Shape(self.shape)

    def oriented(self, number: int, source: Shape, output: Shape) -> Shape:
        return source

    def work(self, inputs: Shapes, output: Shape) -> int:
        if self.how not in ("nms", "topk", "sort"):
            return 1
        return max(1, math.ceil(math.log2(math.prod(inputs[0]))))
