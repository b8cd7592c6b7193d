"""Folds: where the elements of a view lie in the tensors that it shows.

Reshaping and permuting move nothing: a reader finds the elements where they lie. Which rows and
channels of the stored tensor a tile of the view needs is decided here, exactly as long as each axis
of the view consists of whole axes of the tensor or of parts that divide them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from memsim.network.ops.base import Shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]

CHANNELS, ROWS, COLUMNS = range(3)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an axis of a view: ``size`` steps of ``stride`` along an axis of the tensor's box.

    A stride of 0 repeats.
    """

    size: int
    axis: int
    stride: int


@dataclass(frozen=True, slots=True)
class Fold:
    """A view's axes in terms of those of the stored tensor's box.

    Attributes
    ----------
    axes : tuple of tuple of Part
        For each axis of the view its parts, the outermost first; an axis of size 1 may have none.
    first : (int, int, int)
        Channel, row and column of the view's first element.
    scattered : bool
        An axis of the view cuts across axes of the tensor: whoever reads some of it reads all.

    Examples
    --------
    A map of 64 channels, 14 rows and 14 columns seen as 196 tokens; 28 of them lie in two rows.

    >>> tokens = Fold.of(Shape((64, 14, 14))).reshaped((64, 196)).permuted((1, 0))
    >>> strips, blocks = (np.array([28]), np.array([56])), (np.array([0]), np.array([32]))
    >>> needed = tokens.needed(Shape((196, 64)), strips, blocks)
    >>> [(each.by, int(each.low[0]), int(each.high[0])) for each in (needed.rows, needed.channels)]
    [('strip', 2, 4), ('block', 0, 32)]
    """

    axes: tuple[tuple[Part, ...], ...]
    first: tuple[int, int, int] = (0, 0, 0)
    scattered: bool = False

    @classmethod
    def of(cls, shape: Shape) -> Fold:
        """A stored tensor of this shape as it lies."""
        axes: list[tuple[Part, ...]] = []
        for axis, size in enumerate(shape):
            if axis == shape.channel:
                axes.append((Part(size, CHANNELS, 1),))
            elif axis == shape.others[0]:
                axes.append((Part(size, ROWS, 1),))
            else:
                inner = math.prod(shape[other] for other in shape.others if other > axis)
                axes.append((Part(size, COLUMNS, inner),))
        return cls(tuple(axes))

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes of the view's axes."""
        return tuple(math.prod(part.size for part in parts) for parts in self.axes)

    def reshaped(self, sizes: Sequence[int]) -> Fold:
        """The same elements in the same order, with axes of other sizes."""
        if self.scattered:
            return self._scattered(sizes)
        left = [part for parts in self.axes for part in parts if part.size > 1]
        left.reverse()
        axes: list[tuple[Part, ...]] = []
        for size in sizes:
            parts: list[Part] = []
            while size > 1:
                part = left.pop()
                if size % part.size == 0:
                    size //= part.size
                    parts.append(part)
                elif part.size % size == 0:
                    inner = part.size // size
                    parts.append(Part(size, part.axis, part.stride * inner))
                    left.append(Part(inner, part.axis, part.stride))
                    size = 1
                else:
                    return self._scattered(sizes)
            axes.append(tuple(parts))
        return replace(self, axes=tuple(axes))

    def _scattered(self, sizes: Iterable[int]) -> Fold:
        return Fold(tuple((Part(size, ROWS, 0),) for size in sizes), scattered=True)

    def permuted(self, order: Sequence[int]) -> Fold:
        """The axes in another order."""
        return replace(self, axes=tuple(self.axes[axis] for axis in order))

    def selected(self, axis: int, start: int, stop: int, step: int = 1) -> Fold:
        """Every ``step``-th of the places ``[start, stop)`` along an axis."""
        count = -(-(stop - start) // step)
        parts, first = self.axes[axis], list(self.first)
        below = math.prod(part.size for part in parts[1:])
        if count == 1:
            inner = math.prod(part.size for part in parts)
            for part in parts:
                inner //= part.size
                first[part.axis] += start // inner * part.stride
                start %= inner
            chosen: tuple[Part, ...] = ()
        elif not parts or start % below or (step % below and (step > 1 or stop % below)):
            sizes = [*self.sizes[:axis], count, *self.sizes[axis + 1 :]]
            return self._scattered(sizes)
        else:
            outer, times = parts[0], max(step // below, 1)
            first[outer.axis] += start // below * outer.stride
            kept = parts[1:] if step == 1 else ()
            many = count // below if kept else count
            chosen = (Part(many, outer.axis, outer.stride * times), *kept)
        axes = (*self.axes[:axis], chosen, *self.axes[axis + 1 :])
        return Fold(axes, (first[0], first[1], first[2]), self.scattered)

    def expanded(self, sizes: Sequence[int]) -> Fold:
        """Axes of size 1 repeated, and new ones in front."""
        axes = [()] * (len(sizes) - len(self.axes)) + list(self.axes)
        return replace(
            self,
            axes=tuple(
                parts if math.prod(part.size for part in parts) == size else (Part(size, ROWS, 0),)
                for parts, size in zip(axes, sizes, strict=True)
            ),
        )

    def needed(
        self, shape: Shape, rows: tuple[Index, Index], channels: tuple[Index, Index]
    ) -> Needed:
        """What of the stored tensor tiles of the view need.

        Parameters
        ----------
        shape : Shape
            That of the view, with the channels by which it is cut; leading axes of size 1 may
            come on top of the fold's.
        rows, channels : pair of arrays
            First and behind the last, for each strip and for each channel block.
        """
        if self.scattered:
            whole = Along("whole", np.zeros(0, np.int64), np.zeros(0, np.int64))
            return Needed(whole, whole)
        axes = (((),) * (len(shape) - len(self.axes))) + self.axes
        others = shape.others
        spread = [0, 0, 0]
        for axis in others[1:]:
            for part in axes[axis]:
                spread[part.axis] += (part.size - 1) * part.stride
        strips = _reach(axes[others[0]] if others else (), *rows)
        blocks = _reach(axes[shape.channel] if len(shape) else (), *channels)
        found = []
        for axis in (ROWS, CHANNELS):
            low, high = self.first[axis], self.first[axis] + spread[axis] + 1
            by, some = ("strip", strips) if axis in strips else ("block", blocks)
            if axis in strips and axis in blocks:
                # Both move along this axis: what all blocks need together, strip by strip.
                high += int(blocks[axis][1].max(initial=0))
            edges = some.get(axis)
            if edges is None:
                by, edges = "strip", (0 * rows[0], 0 * rows[0])
            first, last = rows if by == "strip" else channels
            empty = first >= last
            found.append(
                Along(
                    by,
                    np.where(empty, 0, edges[0] + low),
                    np.where(empty, 0, edges[1] + high),
                )
            )
        return Needed(*found)


@dataclass(frozen=True, slots=True)
class Along:
    """Ranges along an axis of a stored tensor.

    Attributes
    ----------
    by : str
        What they depend on: ``strip`` or ``block``; ``whole`` where every tile needs all.
    low, high : array, for each strip or block
        First and behind the last.
    """

    by: str
    low: Index
    high: Index


@dataclass(frozen=True, slots=True)
class Needed:
    """The rows and the channels of a stored tensor that tiles of a view need."""

    rows: Along
    channels: Along


def _reach(parts: tuple[Part, ...], low: Index, high: Index) -> dict[int, tuple[Index, Index]]:
    """How far places ``[low, high)`` along an axis reach along the axes of the box.

    For each of them the first and the LAST place, as multiples of the strides. Of an axis of
    several parts that is exact where a range lies within one place of the outer part or covers
    the inner parts whole; else it is what lies between.
    """
    found: dict[int, tuple[Index, Index]] = {}
    within = np.ones(len(low), bool)  # one place of all outer parts
    inner = math.prod(part.size for part in parts)
    for part in parts:
        inner //= part.size
        first = np.where(within, low // inner, 0)
        last = np.where(within, -(-high // inner) - 1, part.size - 1)
        if part.stride:
            before = found.get(part.axis, (0 * low, 0 * low))
            ends = before[0] + first * part.stride, before[1] + last * part.stride
            found[part.axis] = ends
        low, high = low - first * inner, high - first * inner
        within = within & (first == last)
    return found
