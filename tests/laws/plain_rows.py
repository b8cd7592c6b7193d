"""What an output row or channel takes, by loops over taps: slow, plain, and of its own making."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import Any

from memsim.network.ops.base import Shape, pair, sides


def rows_of(op: Any, row: int, source: Shape, output: Shape) -> set[int]:
    """Input rows under output row ``row``; ``op`` is asked for its attributes alone."""
    size, rows = source[1], output[1]
    every = set(range(size))
    if op.kind in ("conv", "maxpool", "avgpool"):
        kernel, dilation = pair(op.kernel)[0], pair(getattr(op, "dilation", 1))[0]
        stride = kernel if op.stride is None else pair(op.stride)[0]
        top = op.pads()[0] if op.kind == "conv" else sides(op.padding)[0]
        return {row * stride - top + tap * dilation for tap in range(kernel)} & every
    if op.kind == "conv_transpose":
        stride, dilation, top = pair(op.stride)[0], pair(op.dilation)[0], sides(op.padding)[0]
        taps = range(pair(op.kernel)[0])
        return {i for i in every for tap in taps if i * stride + tap * dilation - top == row}
    if op.kind.startswith("adaptive"):
        return set(range(floor(Fraction(row * size, rows)), -(-(row + 1) * size // rows)))
    if op.kind == "upsample":
        return _interpolated(op, row, size, rows)
    if op.kind in ("group_norm", "instance_norm"):
        return every  # for the mean and the deviation of whole maps
    if op.kind == "reading" and op.rows:
        return every  # of a reduction along the rows
    return {row} if size == rows else every


def channels_of(op: Any, channel: int, source: Shape, output: Shape) -> set[int]:
    """Input channels under output channel ``channel``; ``op`` is asked for its attributes alone."""
    if not op.kind.startswith("conv"):
        return {channel}
    inputs, outputs = source[0] // op.groups, output[0] // op.groups
    group = channel // outputs
    return set(range(group * inputs, (group + 1) * inputs))


def _interpolated(op: Any, row: int, size: int, rows: int) -> set[int]:
    if size == rows:
        return {row}
    scale = Fraction(size, rows)
    if op.mode == "nearest":
        return {floor(row * scale)}
    place = max((row + Fraction(1, 2)) * scale - Fraction(1, 2), Fraction(0))
    if op.coordinates == "align_corners":
        place = Fraction(0) if rows == 1 else Fraction(row * (size - 1), rows - 1)
    if op.coordinates == "asymmetric":
        place = row * scale
    return {floor(place), min(floor(place) + 1, size - 1)}
