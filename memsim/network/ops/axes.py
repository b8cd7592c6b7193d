"""Shapes and boxes: the axes of tensors, and numbers that are given for spatial axes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, Field

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Index = TypeVar("Index", int, "NDArray[np.int64]")
"""A row or channel number, or an array of them."""

Turning = TypeVar("Turning", bound=BaseModel)
"""An operator."""

Box = tuple[int, int, int]
"""Channels, rows and columns: the axes of a tensor as tiling cuts them."""


LARGEST = 1 << 24
"""Largest size of a single attribute or axis; far beyond any network."""


class ShapeError(ValueError):
    """An operator cannot be applied to its inputs' shapes."""


class Shape(tuple[int, ...]):
    """The axes of a tensor without the batch, in the order in which its elements lie in memory.

    Equal to a plain tuple of the same sizes: which axis the channels are decides how a tensor is
    cut into tiles, not what it is.

    Parameters
    ----------
    sizes : iterable of int
    channel : int, optional
        The axis of the channels, over which weights run; below 0 it counts from the end. By
        default the last of two axes (tokens and channels), else the first (channels, height,
        width).

    Examples
    --------
    >>> Shape((64, 56, 48)).box, Shape((197, 192)).box, Shape((56, 48, 64), channel=-1).box
    ((64, 56, 48), (192, 197, 1), (64, 56, 48))
    >>> Shape((64, 16, 28, 28)).box, Shape((64, 16000), channel=0).box
    ((64, 16, 784), (64, 16000, 1))
    """

    channel: int

    def __new__(cls, sizes: Iterable[int], channel: int | None = None) -> Shape:
        self = tuple.__new__(cls, sizes)
        axes = len(self)
        if channel is None:
            channel = getattr(sizes, "channel", None)
            if channel is None:
                channel = usual_channel(axes)
        self.channel = channel % axes if axes else 0
        return self

    @classmethod
    def of(cls, sizes: Iterable[int]) -> Shape:
        """Sizes as a shape, if they are none."""
        return sizes if isinstance(sizes, Shape) else cls(sizes)

    @property
    def box(self) -> Box:
        """Channels; the first of the other axes, as rows; the rest of them, as columns."""
        if len(self) == 3 and not self.channel:
            return (self[0], self[1], self[2])
        others = [self[axis] for axis in self.others]
        channels = self[self.channel] if self else 1
        return (channels, others[0] if others else 1, math.prod(others[1:]))

    @property
    def others(self) -> tuple[int, ...]:
        """The axes besides the channels: the first one are the rows of the box."""
        return tuple(axis for axis in range(len(self)) if axis != self.channel)

    @property
    def channels_last(self) -> bool:
        """Whether the channels of a place lie side by side, and there are several places."""
        return self.channel == len(self) - 1 and len(self) > 1

    def by(self, channel: int) -> Shape:
        """The same axes with other channels."""
        return self if channel == self.channel else Shape(self, channel)

    def resized(self, axis: int, size: int) -> Shape:
        """The same axes, one of another size."""
        return Shape((*self[:axis], size, *self[axis + 1 :]), self.channel)

    def __str__(self) -> str:
        """The sizes, such as ``64x56x56``."""
        return "x".join(map(str, self))


Shapes = tuple[Shape, ...]


def usual_channel(axes: int) -> int:
    """The axis of the channels, where nothing says another: the last of two, else the first."""
    return 1 if axes == 2 else 0


@dataclass(frozen=True, slots=True)
class Strides:
    """How far elements lie apart in memory, along each axis of a tensor and its images.

    Attributes
    ----------
    sizes : tuple of int
        Images first.
    steps : tuple of int
        In elements; 0 repeats.

    Examples
    --------
    Three heads of 64 channels, taken apart from 197 tokens: as products of matrices take them.

    >>> heads = Strides.of((1, 197, 192)).reshaped((1, 197, 3, 64)).permuted((0, 2, 1, 3))
    >>> heads.steps, heads.is_matrix
    ((37824, 64, 192, 1), True)
    >>> heads.reshaped((1, 3 * 197, 64)) is None  # as torch.Tensor.view refuses
    True
    """

    sizes: tuple[int, ...]
    steps: tuple[int, ...]

    @classmethod
    def of(cls, sizes: tuple[int, ...]) -> Strides:
        """Those of elements that lie in order."""
        return cls(sizes, tuple(math.prod(sizes[axis + 1 :]) for axis in range(len(sizes))))

    def permuted(self, order: tuple[int, ...]) -> Strides:
        """The axes in another order."""
        return Strides(
            tuple(self.sizes[axis] for axis in order), tuple(self.steps[axis] for axis in order)
        )

    def selected(self, axis: int, start: int, stop: int, step: int = 1) -> Strides:
        """Every so many places along an axis."""
        sizes, steps = [*self.sizes], [*self.steps]
        sizes[axis], steps[axis] = -(-(stop - start) // step), steps[axis] * step
        return Strides(tuple(sizes), tuple(steps))

    def expanded(self, sizes: tuple[int, ...]) -> Strides:
        """Axes of size 1 repeated, and new ones behind the images."""
        more = len(sizes) - len(self.sizes)
        before = [*zip(self.sizes, self.steps, strict=True)]
        before[1:1] = [(1, 0)] * more
        steps = (step if size == wanted else 0
                 for (size, step), wanted in zip(before, sizes, strict=True))  # fmt: skip
        return Strides(sizes, tuple(steps))

    def dense(self, sizes: tuple[int, ...]) -> Strides:
        """A tensor of its own whose axes lie in the same order."""
        order = sorted(range(len(sizes)), key=lambda axis: -self.steps[axis])
        back = tuple(order.index(axis) for axis in range(len(sizes)))
        return Strides.of(tuple(sizes[axis] for axis in order)).permuted(back)

    def reshaped(self, sizes: tuple[int, ...]) -> Strides | None:
        """The same elements with other axes; None where that takes a copy.

        As ``computeStride_impl`` in ATen's ``TensorUtils.cpp`` finds it.
        """
        runs: list[tuple[int, int]] = []  # elements that lie evenly, and how far apart
        for size, step in zip(self.sizes, self.steps, strict=True):
            if size == 1:
                continue
            if runs and runs[-1][1] == size * step:
                runs[-1] = (runs[-1][0] * size, step)
            else:
                runs.append((size, step))
        steps: list[int] = []
        count, step = runs.pop() if runs else (1, 1)
        for size in reversed(sizes):
            if count == 1 and size > 1 and runs:
                count, step = runs.pop()
            if count % size:
                return None
            steps.append(step)
            count, step = count // size, step * size
        return Strides(sizes, tuple(reversed(steps)))

    @property
    def in_order(self) -> bool:
        """Whether the elements lie as those of a tensor that was never permuted."""
        return self.reshaped((math.prod(self.sizes),)) == Strides((math.prod(self.sizes),), (1,))

    @property
    def channels_last(self) -> bool:
        """Whether they are maps whose channels lie side by side: ``torch.channels_last``."""
        return len(self.sizes) == 4 and self.permuted((0, 2, 3, 1)).in_order

    @property
    def is_matrix(self) -> bool:
        """Whether BLAS takes the last two axes: the elements of one of them lie side by side."""
        (rows, columns), (down, across) = self.sizes[-2:], self.steps[-2:]
        return (across == 1 and down >= columns) or (down == 1 and across >= rows)

    @property
    def is_even(self) -> bool:
        """Whether matrices over the last two axes lie at equal distances."""
        batch = Strides(self.sizes[:-2], self.steps[:-2])
        return batch.reshaped((math.prod(batch.sizes),)) is not None


def map_of(op: str, shape: Shape, axes: int | None = None) -> Shape:
    """A shape whose first axis are channels, and which has spatial axes besides.

    Parameters
    ----------
    op : str
        What needs it, for the error.
    shape : Shape
    axes : int, optional
        How many spatial axes; any number from 1 to 3 if left out.

    Raises
    ------
    ShapeError
        If it is none.
    """
    if len(shape) - 1 not in ((1, 2, 3) if axes is None else (axes,)):
        names = {1: "a length", 2: "height and width", 3: "depth, height and width"}
        needs = names[axes] if axes else "one to three spatial axes"
        raise ShapeError(f"{op} takes channels and {needs}, not {Shape(shape)}")
    return Shape.of(shape).by(0)


def broadcast(op: str, shapes: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
    """The sizes of what tensors are together, aligned at their last axes; sizes of 1 are repeated.

    Raises
    ------
    ShapeError
        If they do not fit.

    Examples
    --------
    >>> broadcast("add", ((8, 1, 1), (16, 16)))
    (8, 16, 16)
    """
    rank = max(map(len, shapes))
    sizes = []
    aligned = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    for axis, places in enumerate(zip(*aligned, strict=True)):
        largest = max(places)
        if any(size not in (1, largest) for size in places):
            channels = rank == 3 and axis == 0
            what, parts = ("channels", slice(1)) if channels else ("sizes (or 1)", slice(1, None))
            if rank != 3:
                parts = slice(None)
            told = " and ".join("x".join(map(str, shape[parts])) for shape in aligned)
            raise ShapeError(f"{op} needs equal {what}, not {told}")
        sizes.append(largest)
    return tuple(sizes)


def _collapse(value: int | tuple[int, ...]) -> int | tuple[int, ...]:
    """Write ``(3, 3)`` as ``3``, so that equal operators compare equal."""
    if isinstance(value, tuple) and len(set(value)) == 1:
        return value[0]
    return value


Size = Annotated[int, Field(strict=True, ge=1, le=LARGEST)]
Extent = Annotated[int, Field(strict=True, ge=0, le=LARGEST)]
Pair = Annotated[
    Size | tuple[Size, Size] | tuple[Size, Size, Size] | tuple[Size], AfterValidator(_collapse)
]
"""One number for all spatial axes, or one for each of two (of one, of three)."""
Padding = Annotated[
    Extent
    | tuple[Extent, Extent]
    | tuple[Extent, Extent, Extent, Extent]
    | tuple[Extent, Extent, Extent]
    | tuple[Extent, Extent, Extent, Extent, Extent, Extent],
    AfterValidator(_collapse),
]
"""One number, one for each spatial axis, or all that come before and all that come behind."""


def each(value: int | tuple[int, ...], axes: int) -> tuple[int, ...]:
    """A number for each of so many spatial axes.

    Raises
    ------
    ShapeError
        If there are others.

    Examples
    --------
    >>> each(3, axes=3), each((1, 2), axes=2)
    ((3, 3, 3), (1, 2))
    """
    if isinstance(value, int):
        return (value,) * axes
    if len(value) != axes:
        raise ShapeError(f"{[*value]} are numbers for {len(value)} spatial axes, not for {axes}")
    return value


def around(value: int | tuple[int, ...], axes: int) -> tuple[int, ...]:
    """Padding in front of each of so many spatial axes, then that behind each.

    Raises
    ------
    ShapeError
        If there are others.

    Examples
    --------
    >>> around(1, axes=1), around((0, 3), axes=2), around((0, 1), axes=1)
    ((1, 1), (0, 3, 0, 3), (0, 1))
    """
    if isinstance(value, int):
        return (value,) * (2 * axes)
    if len(value) == 2 * axes:
        return value
    return (*each(value, axes), *each(value, axes))


PAIRS = "kernel", "stride", "padding", "dilation", "output_padding", "factor", "size"
"""Attributes of operators that are a number for each spatial axis."""


def first(value: int | tuple[int, ...]) -> int:
    """The number for the first spatial axis."""
    return value if isinstance(value, int) else value[0]


def pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    """``3`` -> ``(3, 3)``; height first."""
    return (value, value) if isinstance(value, int) else (value[0], value[-1])


def sides(value: int | tuple[int, ...]) -> tuple[int, int, int, int]:
    """Padding as ``(top, left, bottom, right)``.

    Examples
    --------
    >>> sides(1), sides((0, 3)), sides((0, 0, 1, 1))
    ((1, 1, 1, 1), (0, 3, 0, 3), (0, 0, 1, 1))
    """
    if isinstance(value, int):
        return (value, value, value, value)
    if len(value) in (2, 3):
        return (value[0], value[-1], value[0], value[-1])
    half = len(value) // 2  # of three axes the first and the last
    return (value[0], value[half - 1], value[half], value[-1])


def turned(op: Turning) -> Turning:
    """A copy of an operator of two spatial axes whose sizes are those of the other axis.

    Examples
    --------
    >>> from memsim.network.ops.conv import Conv
    >>> op = turned(Conv(out=8, kernel=(3, 5), stride=2, padding=(1, 2)))
    >>> op.kernel, op.stride, op.padding
    ((5, 3), 2, (2, 1))
    """
    changed = {}
    for name in PAIRS:
        value = getattr(op, name, None)
        if isinstance(value, tuple):
            half = len(value) // 2
            pairs = [value[i : i + 2] for i in range(0, len(value), 2)] if half > 1 else [value]
            changed[name] = tuple(each for pair in pairs for each in pair[::-1])
    return op.model_copy(update=changed)
