"""Rows and channels that moving operators read, asked of PyTorch: what changes what comes out."""

from __future__ import annotations

import random

import numpy as np
import pytest

from memsim.network import Network, Node
from memsim.network.ops import Operator, Shape, ShapeError
from memsim.network.ops.arrange import Flip, Pad, Roll
from memsim.network.ops.pool import AvgPool, LpPool, MaxPool
from memsim.network.ops.sampling import Col2im, Gather, Im2col, Sliding
from memsim.network.ops.shape import Input, Upsample

pytestmark = pytest.mark.needs("torch")


def drawn(draw: random.Random, channels: int, height: int, width: int) -> Operator:
    """An operator that may accept a map of these sizes."""
    kernel, stride = draw.randint(1, 4), draw.randint(1, 4)
    axis = draw.choice([0, 1, 2, -1])
    size = (channels, height, width)[axis]
    pads = tuple(draw.randint(0, 2) for _ in range(6))
    windows = {
        "kernel": (kernel, draw.randint(1, 3)), "stride": (stride, draw.randint(1, 2)),
        "padding": (draw.randint(0, kernel), 0), "dilation": (draw.randint(1, 3), 1),
    }  # fmt: skip
    taken = tuple(draw.randrange(size) for _ in range(draw.randint(1, 6)))
    rows = {"size": (draw.randint(1, 20), width)}
    return draw.choice([
        lambda: Pad(pads=pads, mode=draw.choice(["constant", "reflect", "replicate", "circular"])),
        lambda: Roll(shift=draw.randint(-9, 9), axis=axis),
        lambda: Flip(axis=axis),
        lambda: Gather(places=taken, axis=axis),
        lambda: Sliding(size=kernel, step=stride, axis=axis),
        lambda: Im2col(**windows),
        lambda: MaxPool(**windows, ceil_mode=draw.random() < 0.5),
        lambda: AvgPool(**{**windows, "dilation": 1}, include_pad=draw.random() < 0.5),
        lambda: LpPool(**{**windows, "dilation": 1, "padding": 0}),
        lambda: Upsample(**rows, mode="bicubic", coordinates=draw.choice([None, "align_corners"])),
        lambda: Upsample(**rows, mode=draw.choice(["nearest-exact", "area"])),
        lambda: Upsample(**rows, mode=draw.choice(["bilinear", "bicubic"]), antialias=True),
    ])()  # fmt: skip


def seen(op: Operator, shape: Shape, axis: int) -> list[set[int]]:
    """For each row (channel, by axis of the box) of the output those of the input that matter."""
    import torch

    from memsim.formats.module.module import to_torch

    network = Network("n", [Node("x", Input(shape=shape)), Node("y", op, ("x",))], ["y"])
    module = to_torch(network).double()
    base = torch.rand((1, *shape), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    size = shape[axis]
    other = base.repeat(size, *(1,) * len(shape))
    for place in range(size):
        other[place].select(axis, place).add_(5)
    changed = (module(other) - module(base)).abs() > 1e-12
    output = network["y"].output.image
    out_axis = 1 + (output.channel if axis == 0 else next(
        at for at in range(len(output)) if at != output.channel))  # fmt: skip
    rest = tuple(at for at in range(1, changed.dim()) if at != out_axis)
    table = changed.any(dim=rest).numpy() if rest else changed.numpy()
    return [set(np.flatnonzero(column).tolist()) for column in table.T]


def test_what_is_read_is_what_matters() -> None:
    draw = random.Random(3)
    kinds: dict[str, int] = {}
    while sum(kinds.values()) < 200:
        shape = Shape((draw.randint(1, 4), draw.randint(1, 11), draw.randint(3, 5)))
        op = drawn(draw, *shape)
        try:
            output = Shape(op.output_shape((shape,)))
        except ShapeError:
            continue
        kinds[op.kind] = kinds.get(op.kind, 0) + 1
        reader = op.reader(0, (shape,))
        source = Shape(reader.oriented(0, shape, output)).box
        rows = np.arange(output.box[1])
        first, stop, step = reader.touched_rows(rows, source, output.box)
        told = [{each for each in range(int(a), int(b), step) if 0 <= each < source[1]}
                for a, b in zip(first, stop, strict=True)]  # fmt: skip
        for row, (one, other) in enumerate(zip(told, seen(op, shape, 1), strict=True)):
            if op.kind == "upsample":
                # A neighbour may weigh nothing, where a place is whole.
                assert other <= one, (op, shape, row)
                assert len(one) <= len(other) + 3
            else:
                assert one == other, (op, shape, row)
            low, high = reader.input_rows(row, row + 1, source, output.box)
            assert all(low <= each < high for each in one)
        channels = seen(op, shape, 0)
        for channel, found in enumerate(channels):
            low, high = reader.input_channels(channel, channel + 1, source, output.box)
            assert not found or set(range(low, high)) == found, (op, shape, channel)
        start = draw.randrange(output.box[1])
        end = draw.randint(start + 1, output.box[1])
        low, high = reader.input_rows(np.array([start]), np.array([end]), source, output.box)
        needed = set().union(*told[start:end])
        if needed and not (op.kind == "upsample" or op.kind.endswith("pool")):
            edges = max(int(low[0]), 0), min(int(high[0]), source[1])
            assert edges == (min(needed), max(needed) + 1), (op, shape, start, end)
    assert len(kinds) == 10


def test_the_rows_that_windows_are_added_up_to() -> None:
    """Each row of the map reads the windows that lie on it, whole rows of them."""
    op = Col2im(kernel=(3, 2), stride=(2, 1), padding=(1, 0), size=(6, 4))
    shape = Shape((2 * 6, 9), 0)
    output = op.output_shape((shape,))
    reader = op.reader(0, (shape,))
    first, stop, step = reader.touched_rows(np.arange(6), shape.box, output.box)
    # Rows of three windows lie on rows -1 to 1, 1 to 3 and 3 to 5.
    assert [*zip(first.tolist(), stop.tolist(), strict=True)] == [
        (0, 3), (0, 6), (3, 6), (3, 9), (6, 9), (6, 9)
    ]  # fmt: skip
    assert step == 1
    assert reader.input_channels(1, 2, shape.box, output.box) == (6, 12)
