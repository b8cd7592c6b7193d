"""Which input rows an output row touches, asked of PyTorch: where its gradient is not zero."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from memsim.network.ops import Operator
from memsim.network.ops.base import pair, sides
from memsim.network.ops.conv import Conv, ConvTranspose
from memsim.network.ops.pool import AdaptiveAvgPool, AvgPool
from memsim.network.ops.shape import Upsample
from tests.laws.plain_rows import rows_of


def probed(function: Any, height: int) -> list[set[int]]:
    """For each output row the input rows that it depends on, with all weights positive."""
    import torch

    # An image of rows, each alone in a channel of a batch: one pass tells of all pairs.
    rows = torch.eye(height, dtype=torch.float64).reshape(height, 1, height, 1)
    seen = function(rows.expand(height, 1, height, 9))[:, 0, :, 0].numpy()
    return [set(np.flatnonzero(np.abs(column) > 1e-9).tolist()) for column in seen.T]


def touched(op: Operator, height: int) -> list[set[int]]:
    """The same, as the operator tells it."""
    source = (1, height, 9)
    output = op.output_shape((source,))
    row = np.arange(output[1])
    first, stop, step = op.touched_rows(row, source, output)
    every = [set(range(int(a), int(b), step)) for a, b in zip(first, stop, strict=True)]
    return [rows & set(range(height)) for rows in every]


def random_windows() -> list[tuple[Operator, int]]:
    """Operators with windows and the height of an input that they accept."""
    draw = random.Random(7)
    found: list[tuple[Operator, int]] = []
    while len(found) < 300:
        height, kernel, stride = draw.randint(1, 30), draw.randint(1, 5), draw.randint(1, 5)
        dilation, padding = draw.randint(1, 6), draw.randint(0, 4)
        op: Operator = draw.choice(
            [
                Conv(
                    out=1, kernel=(kernel, 1), stride=(stride, 1), dilation=(dilation, 1),
                    padding=(padding, 0),
                ),
                ConvTranspose(
                    out=1, kernel=(kernel, 1), stride=(stride, 1), dilation=(dilation, 1),
                    padding=(padding, 0), output_padding=(draw.randint(0, max(stride, 2) - 1), 0),
                ),
                AvgPool(kernel=(kernel, 1), stride=(stride, 1), padding=(kernel // 2, 0)),
                AdaptiveAvgPool(size=(draw.randint(1, 30), 9)),
            ]
        )  # fmt: skip
        try:
            op.output_shape(((1, height, 9),))
        except ValueError:
            continue
        extra = getattr(op, "output_padding", 0)
        if pair(extra)[0] < max(stride, dilation):  # more is refused by PyTorch
            found.append((op, height))
    return found


def in_torch(op: Any) -> Any:
    """An operator as PyTorch computes it, with every weight 1."""
    import torch
    from torch.nn import functional

    if op.kind == "adaptive_avgpool":
        return lambda x: functional.adaptive_avg_pool2d(x, pair(op.size))
    top, left = sides(op.padding)[:2]
    if op.kind == "avgpool":
        return lambda x: functional.avg_pool2d(x, op.kernel, op.stride, (top, left))
    weight = torch.ones(1, 1, *pair(op.kernel), dtype=torch.float64)
    stride, dilation = pair(op.stride), pair(op.dilation)
    if op.kind == "conv":
        return lambda x: functional.conv2d(x, weight, None, stride, (top, left), dilation)
    extra = pair(op.output_padding)
    return lambda x: functional.conv_transpose2d(
        x, weight, None, stride, (top, left), extra, 1, dilation
    )


@pytest.mark.needs("torch")
def test_windows_touch_the_rows_that_pytorch_reads() -> None:
    for op, height in random_windows():
        assert touched(op, height) == probed(in_torch(op), height), (op, height)


@pytest.mark.needs("torch")
@pytest.mark.parametrize(
    ("mode", "coordinates"),
    [("nearest", None), ("bilinear", None), ("bilinear", "align_corners")],
)
def test_resizing_touches_the_rows_that_pytorch_reads(mode: Any, coordinates: Any) -> None:
    import torch

    draw = random.Random(11)
    sizes = [(21, 10), (9, 3), (1, 5), (5, 1), (7, 7), (8, 16), (16, 8)]
    sizes += [(draw.randint(1, 60), draw.randint(1, 60)) for _ in range(400)]
    for height, rows in sizes:
        op = Upsample(size=(rows, 9), mode=mode, coordinates=coordinates)
        given = {"align_corners": coordinates == "align_corners"} if mode == "bilinear" else {}
        resize = torch.nn.Upsample((rows, 9), mode=mode, **given)
        for row, (told, seen) in enumerate(
            zip(touched(op, height), probed(resize, height), strict=True)
        ):
            place = where(mode, coordinates, row, height, rows)
            if place.denominator > 1 or height == rows:
                assert told == seen, (height, rows, row)
            elif mode == "bilinear":  # on a row: the one below it weighs nothing
                assert int(place) in told
                assert told - seen <= {int(place) + 1}
                assert seen <= told
            else:  # floating point may fall below it
                assert told == {int(place)}
                assert seen <= {int(place) - 1, int(place)}


def where(mode: str, coordinates: str | None, row: int, height: int, rows: int) -> Fraction:
    """The place of an output row in the input."""
    if coordinates == "align_corners":
        return Fraction(row * (height - 1), max(rows - 1, 1))
    if mode == "nearest":
        return Fraction(row * height, rows)
    return max(Fraction((2 * row + 1) * height, 2 * rows) - Fraction(1, 2), Fraction(0))


@pytest.mark.parametrize("coordinates", ["half_pixel", "align_corners", "asymmetric"])
def test_a_run_of_rows_spans_what_its_rows_touch(coordinates: Any) -> None:
    for height in range(1, 24):
        for rows in range(1, 24):
            op = Upsample(size=(rows, 9), mode="bilinear", coordinates=coordinates)
            source, output = (1, height, 9), (1, rows, 9)
            each = [rows_of(op, row, source, output) for row in range(rows)]
            assert touched(op, height) == each
            for start in range(rows):
                for stop in range(start + 1, rows + 1):
                    under = set().union(*each[start:stop])
                    first, last = op.input_rows(start, stop, source, output)
                    assert (first, last) == (min(under), max(under) + 1)
