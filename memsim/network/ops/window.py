"""Geometry shared by operators that slide a window: convolutions and pools."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import Annotated, Literal

from pydantic import Field

from memsim.network.ops.base import Index, Shape, ShapeError, map_of

AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
"""Names of spatial axes, by how many there are."""

LeadingAxes = Annotated[
    Literal[1, 2, 3] | None,
    Field(description="spatial axes, where those in front of the channels are maps of their own"),
]
"""The attribute ``axes`` of operators with windows."""


def leading(op: str, shape: Shape, axes: int | None) -> tuple[tuple[int, ...], Shape]:
    """The axes in front of a map's channels, each place of which is a map, and the map.

    Raises
    ------
    ShapeError
        If it is none, or ``axes`` says what is plain without it.

    Examples
    --------
    >>> leading("conv", Shape((16, 3, 8, 8)), 2)
    ((16,), (3, 8, 8))
    """
    if axes is None:
        return (), map_of(op, shape)
    if len(shape) < axes + 2:
        raise ShapeError(f"{op} with {axes} spatial axes takes maps, channels and those: {shape}")
    return tuple(shape[: -axes - 1]), map_of(op, Shape(shape[-axes - 1 :]), axes)


def window_size(
    source: Sequence[int],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...] = (1, 1, 1),
    ceil_mode: bool = False,
) -> tuple[int, ...]:
    """Spatial sizes of a sliding window's output, such as height and width, by PyTorch's rule.

    ``floor((size + padding - dilation * (kernel - 1) - 1) / stride) + 1``; with
    ``ceil_mode`` rounded up, but no window starts in the padding behind the input.

    Raises
    ------
    ShapeError
        If the window is larger than the padded input.
    """
    result = []
    axes = len(source) - 1
    for axis, name in enumerate(AXES[axes]):
        size, before, after = source[1 + axis], padding[axis], padding[axis + axes]
        reach = dilation[axis] * (kernel[axis] - 1) + 1
        room = size + before + after - reach
        if room < 0:
            raise ShapeError(
                f"a kernel that reaches over {reach} is larger than the padded {name} "
                f"{size + before + after}"
            )
        count = (-(-room // stride[axis]) if ceil_mode else room // stride[axis]) + 1
        if ceil_mode and (count - 1) * stride[axis] >= size + before:
            count -= 1
        result.append(count)
    return tuple(result)


def window_rows(
    start: Index, stop: Index, kernel: int, stride: int, top: int, dilation: int = 1
) -> tuple[Index, Index]:
    """Input rows from the first to the last under the windows of output rows ``[start, stop)``.

    Examples
    --------
    >>> window_rows(0, 2, kernel=3, stride=2, top=1)
    (-1, 4)
    """
    return start * stride - top, (stop - 1) * stride - top + dilation * (kernel - 1) + 1


def transposed_rows(
    row: Index, kernel: int, stride: int, top: int, dilation: int = 1
) -> tuple[Index, Index, int]:
    """Input rows that one output row of a transposed window touches: first, end and step.

    Output row ``o`` receives tap ``k`` of input row ``i`` where ``i * stride + k * dilation`` is
    ``o + top``. The taps that meet a row are therefore those of one residue, or there are none.

    Examples
    --------
    Kernel 3, stride 2: even rows lie under two taps of neighbouring inputs, odd ones under one.

    >>> [list(range(*transposed_rows(row, kernel=3, stride=2, top=0))) for row in (2, 3, 4)]
    [[0, 1], [1], [1, 2]]
    """
    common = gcd(stride, dilation)
    apart, step = stride // common, dilation // common  # of taps that meet; of their input rows
    place = row + top
    tap = place % stride // common * pow(step, -1, apart) % apart
    meet = (kernel - 1 - tap) // apart + 1  # how many taps; at most 0 where the first is too far
    meet = meet * (meet > 0) * (place % common == 0)
    last = (place - tap * dilation) // stride
    return last - step * (meet - 1), last + 1, step
