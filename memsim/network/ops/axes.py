"""Shapes and boxes: the axes of tensors, and numbers that are given for spatial axes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, TypeVar

from pydantic import AfterValidator, Field

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Index = TypeVar("Index", int, "NDArray[np.int64]")
"""A row or channel number, or an array of them."""

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
