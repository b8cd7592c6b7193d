"""Geometry shared by operators that slide a window: convolutions and pools."""

from __future__ import annotations

from memsim.network.ops.base import Index, Shape, ShapeError

AXES = ("height", "width")


def window_size(
    source: Shape,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int, int, int],
    dilation: tuple[int, int] = (1, 1),
    ceil_mode: bool = False,
) -> tuple[int, int]:
    """Output height and width of a sliding window, by PyTorch's rule.

    ``floor((size + padding - dilation * (kernel - 1) - 1) / stride) + 1``; with
    ``ceil_mode`` rounded up, but no window starts in the padding behind the input.

    Raises
    ------
    ShapeError
        If the window is larger than the padded input.
    """
    result = []
    for axis, name in enumerate(AXES):
        size, before, after = source[1 + axis], padding[axis], padding[axis + 2]
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
    return result[0], result[1]


def window_rows(
    start: Index, stop: Index, kernel: int, stride: int, top: int, dilation: int = 1
) -> tuple[Index, Index]:
    """Input rows that the windows of output rows ``[start, stop)`` cover."""
    return start * stride - top, (stop - 1) * stride - top + dilation * (kernel - 1) + 1
