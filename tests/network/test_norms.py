"""Normalisations and reductions: shapes, parameters, and which part of an input a tile reads."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from memsim.network.ops import OPERATORS, Operator, Shape, ShapeError
from memsim.network.ops.norm import (
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    LocalResponseNorm,
    Normalize,
    Reduce,
    RmsNorm,
)
from memsim.network.ops.pointwise import BatchNorm


def read(op: Operator, source: tuple[int, ...], channels: range, rows: range):
    """Channels and rows of the input's box that a tile of the output reads, kept within it."""
    shapes = (Shape(source),)
    output = op.output_shape(shapes)
    box = op.oriented(0, shapes[0], output).box
    reader = op.reader(0, shapes)
    return tuple(
        (max(0, first), min(last, size))
        for (first, last), size in (
            (reader.input_channels(channels.start, channels.stop, box, output.box), box[0]),
            (reader.input_rows(rows.start, rows.stop, box, output.box), box[1]),
        )
    )


MAP = (8, 6, 5)


@pytest.mark.parametrize(
    ("op", "channels", "rows"),
    [
        (GroupNorm(groups=2), (0, 4), (0, 6)),
        (GroupNorm(groups=8), (2, 4), (0, 6)),
        (GroupNorm(groups=1), (0, 8), (0, 6)),
        (InstanceNorm(), (2, 4), (0, 6)),
        (LocalResponseNorm(size=5), (0, 6), (1, 3)),
        (LocalResponseNorm(size=2), (1, 4), (1, 3)),
        (RmsNorm(), (2, 4), (1, 3)),
        (RmsNorm(axes=2), (2, 4), (0, 6)),
        (Normalize(axes=(0,)), (0, 8), (1, 3)),
        (Normalize(axes=(1, 2), by="deviation"), (2, 4), (0, 6)),
        (OPERATORS["log_softmax"](), (0, 8), (1, 3)),
        (OPERATORS["log_softmax"](axis=2), (2, 4), (1, 3)),
        (Reduce(function="mean", axes=(2,)), (2, 4), (1, 3)),
        (Reduce(function="mean", axes=(2,), keep=False), (2, 4), (1, 3)),
        (Reduce(function="mean", axes=(1,), keep=False), (2, 4), (0, 6)),
        (Reduce(function="max", axes=(0,)), (0, 8), (1, 3)),
        (Reduce(function="max", axes=(0,), keep=False), (0, 8), (1, 3)),
        (Reduce(function="sum", axes=(1, 2), keep=False), (2, 4), (0, 6)),
    ],
)
def test_a_tile_reads_whole_what_is_normalised_and_its_own_place_else(op, channels, rows) -> None:
    assert read(op, MAP, range(2, 4), range(1, 3)) == (channels, rows)


def test_tokens_are_reduced_over_rows_and_features() -> None:
    # 197 tokens of 192 features are 192 channels and 197 rows.
    mean = Reduce(function="mean", axes=(0,))
    assert mean.output_shape((Shape((197, 192)),)) == (1, 192)
    assert read(mean, (197, 192), range(5, 9), range(1)) == ((5, 9), (0, 197))
    norm = Reduce(function="l2", axes=(1,))
    assert norm.output_shape((Shape((197, 192)),)) == (197, 1)
    assert read(norm, (197, 192), range(1), range(3, 7)) == ((0, 192), (3, 7))


@pytest.mark.parametrize(
    ("op", "stored", "learned"),
    [
        (GroupNorm(groups=4), 16, 16),
        (GroupNorm(groups=4, shift=False), 8, 8),
        (InstanceNorm(), 0, 0),
        (InstanceNorm(scale=True, shift=True), 16, 16),
        (LocalResponseNorm(size=5), 0, 0),
        (BatchNorm(), 32, 16),
        (BatchNorm(affine=False), 16, 0),
        (RmsNorm(), 5, 5),
        (LayerNorm(axes=3), 2 * 8 * 30, 2 * 8 * 30),
        (RmsNorm(scale=False), 0, 0),
    ],
)
def test_parameters_are_those_of_the_modules(op, stored, learned) -> None:
    shape = Shape(MAP)
    tables = sum(table.elements for table in op.tables((shape,), shape))
    assert op.stored((shape,), shape) * shape.box[0] + tables == stored
    assert op.learnable((shape,), shape) == learned


@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=5), st.data(), st.booleans(),
    st.integers(0, 4),
)  # fmt: skip
def test_a_reduction_goes_over_every_element_once(sizes, data, keep, channel) -> None:
    axes = data.draw(st.sets(st.integers(0, len(sizes) - 1)))
    op = Reduce(function="sum", axes=tuple(axes), keep=keep)
    source = Shape(sizes, channel % len(sizes))
    output = op.output_shape((source,))
    assert math.prod(output) * op.work((source,), output) == math.prod(sizes)
    assert math.prod(output) == math.prod(n for at, n in enumerate(sizes) if at not in axes)


def places(shape: Shape, channel: int, row: int) -> list[int]:
    """The axis positions that a channel and a row of a box stand for, None along columns."""
    where: list = [None] * len(shape)
    where[shape.channel] = channel
    others = [axis for axis in range(len(shape)) if axis != shape.channel]
    if others:
        where[others[0]] = row
    return where


@given(
    st.lists(st.integers(1, 4), min_size=2, max_size=4), st.data(), st.booleans(),
    st.integers(0, 3),
)  # fmt: skip
def test_what_a_reduction_needs_is_read(sizes, data, keep, channel) -> None:
    axes = data.draw(st.sets(st.integers(0, len(sizes) - 1)))
    op = Reduce(function="sum", axes=tuple(axes), keep=keep)
    source = Shape(sizes, channel % len(sizes))
    output = op.output_shape((source,))
    left = [axis for axis in range(len(sizes)) if keep or axis not in axes]
    at_channel = data.draw(st.integers(0, output.box[0] - 1))
    at_row = data.draw(st.integers(0, output.box[1] - 1))
    got = places(output, at_channel, at_row)[: len(left)]
    known = {axis: at for axis, at in zip(left, got, strict=True) if axis not in axes}
    box, reader = source.box, op.reader(0, (source,))
    first, last = reader.input_channels(at_channel, at_channel + 1, box, output.box)
    top, bottom = reader.input_rows(at_row, at_row + 1, box, output.box)
    own = {source.channel: (first, last)}
    others = [axis for axis in range(len(sizes)) if axis != source.channel]
    own[others[0]] = (top, bottom)
    for axis, (low, high) in own.items():
        at = known.get(axis)
        wanted = (0, sizes[axis]) if at is None else (at, at + 1)
        assert low <= wanted[0]
        assert wanted[1] <= high


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(ShapeError, match="cannot make 3 groups of 8x6x5"):
        GroupNorm(groups=3).output_shape((Shape(MAP),))
    with pytest.raises(ShapeError, match="there is no axis 3 in 8x6x5"):
        Reduce(function="sum", axes=(3,)).output_shape((Shape(MAP),))
    with pytest.raises(ShapeError, match="there is no axis 3 in 8x6x5"):
        Normalize(axes=(3,)).output_shape((Shape(MAP),))
    with pytest.raises(ValidationError, match="unbiased is for var and std, not for sum"):
        Reduce(function="sum", axes=(0,), unbiased=False)
