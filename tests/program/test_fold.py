"""Folds: which rows and channels of a stored tensor a tile of a view needs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import memsim
from memsim.network.ops.base import Shape
from memsim.program.fold import Fold


def ranges(size: int, parts: int) -> tuple[np.ndarray, np.ndarray]:
    step = -(-size // parts)
    edges = np.append(np.arange(0, size, step), size)
    return edges[:-1], edges[1:]


@st.composite
def views(draw: st.DrawFn) -> tuple[Shape, Fold, np.ndarray, np.ndarray]:
    """A stored shape, a view of it, and for each element of the view its stored channel and row."""
    sizes = draw(st.lists(st.sampled_from([1, 2, 3, 4, 6]), min_size=2, max_size=4))
    stored = Shape(sizes, draw(st.integers(0, len(sizes) - 1)))
    fold = Fold.of(stored)
    others = [axis for axis in range(len(sizes)) if axis != stored.channel]
    places = np.indices(sizes)
    channel, row = places[stored.channel], places[others[0]]
    for _ in range(draw(st.integers(0, 4))):
        shape = channel.shape
        step = draw(st.sampled_from(["reshape", "permute", "select", "expand"]))
        if step == "permute":
            order = draw(st.permutations(range(len(shape))))
            fold = fold.permuted(order)
            channel, row = channel.transpose(order), row.transpose(order)
        elif step == "reshape":
            total = math.prod(shape)
            first = draw(st.sampled_from([n for n in range(1, total + 1) if total % n == 0]))
            rest = total // first
            second = draw(st.sampled_from([n for n in range(1, rest + 1) if rest % n == 0]))
            wanted = (first, second, rest // second)
            fold = fold.reshaped(wanted)
            channel, row = channel.reshape(wanted), row.reshape(wanted)
        elif step == "select":
            axis = draw(st.integers(0, len(shape) - 1))
            start = draw(st.integers(0, shape[axis] - 1))
            stop = draw(st.integers(start + 1, shape[axis]))
            every = draw(st.integers(1, 3))
            fold = fold.selected(axis, start, stop, every)
            cut = (slice(None),) * axis + (slice(start, stop, every),)
            channel, row = channel[cut], row[cut]
        else:
            wanted = tuple(3 if size == 1 else size for size in shape)
            fold = fold.expanded(wanted)
            channel, row = np.broadcast_to(channel, wanted), np.broadcast_to(row, wanted)
    return stored, fold, channel, row


@given(views(), st.integers(1, 4), st.integers(1, 4), st.data())
def test_a_tile_needs_what_its_elements_are(view, strips, blocks, data):
    _, fold, channel, row = view
    shape = Shape(channel.shape, data.draw(st.integers(0, channel.ndim - 1)))
    assert fold.sizes == channel.shape
    tall, wide = shape.box[1], shape.box[0]
    rows, channels = ranges(tall, strips), ranges(wide, blocks)
    needed = fold.needed(shape, rows, channels)
    others = [axis for axis in range(channel.ndim) if axis != shape.channel]
    for strip, block in np.ndindex(len(rows[0]), len(channels[0])):
        cut = [slice(None)] * channel.ndim
        cut[shape.channel] = slice(channels[0][block], channels[1][block])
        if others:
            cut[others[0]] = slice(rows[0][strip], rows[1][strip])
        for along, places in ((needed.rows, row), (needed.channels, channel)):
            if along.by == "whole":
                continue
            at = strip if along.by == "strip" else block
            part = places[tuple(cut)]
            assert along.low[at] <= part.min()
            assert part.max() < along.high[at]


@pytest.mark.parametrize(
    ("fold", "shape", "strip", "block", "rows", "channels"),
    [
        # tokens of a map, by a transpose: four tokens of rows of two lie in two rows
        (Fold.of(Shape((8, 4, 2))).reshaped((8, 8)).permuted((1, 0)), Shape((8, 8)),
         (2, 6), (0, 4), ("strip", 1, 3), ("block", 0, 4)),
        # heads of tokens: a head is a range of channels, a token a row
        (Fold.of(Shape((5, 12))).reshaped((5, 3, 4)).permuted((1, 0, 2)), Shape((3, 5, 4)),
         (1, 4), (1, 2), ("strip", 1, 4), ("block", 4, 8)),
        # the other way: mixing tokens reads rows by channels
        (Fold.of(Shape((6, 4))).permuted((1, 0)), Shape((4, 6)),
         (0, 2), (3, 5), ("block", 3, 5), ("strip", 0, 2)),
        # channels-last input of a convolution: rows are rows
        (Fold.of(Shape((8, 6, 3), -1)).permuted((2, 0, 1)), Shape((3, 8, 6)),
         (2, 5), (0, 3), ("strip", 2, 5), ("block", 0, 3)),
        # the first of three parts of channels
        (Fold.of(Shape((5, 12))).reshaped((5, 3, 4)).selected(1, 1, 2).reshaped((5, 4)),
         Shape((5, 4)), (0, 5), (0, 2), ("strip", 0, 5), ("block", 4, 6)),
        # every second row
        (Fold.of(Shape((3, 8, 8))).selected(1, 0, 8, 2), Shape((3, 4, 8)),
         (1, 2), (0, 3), ("strip", 2, 3), ("block", 0, 3)),
    ],
)  # fmt: skip
def test_what_is_needed_is_exact_where_axes_are_whole(fold, shape, strip, block, rows, channels):
    edges = [(np.array([low]), np.array([high])) for low, high in (strip, block)]
    needed = fold.needed(shape, *edges)
    told = [
        (each.by, int(each.low[0]), int(each.high[0])) for each in (needed.rows, needed.channels)
    ]
    assert told == [rows, channels]


def test_an_axis_that_cuts_across_others_needs_all():
    fold = Fold.of(Shape((4, 3))).reshaped((6, 2))
    assert fold.scattered
    assert fold.needed(Shape((6, 2)), *[(np.array([0]), np.array([1]))] * 2).rows.by == "whole"


TOKENS = """
name: tokens
input: [8, 4, 4]
layers:
  - reshape: [8, 16]
  - permute: [1, 0]
  - {name: a, linear: 6}
  - {name: b, linear: {out: 8, bias: false}}
"""


@pytest.mark.parametrize("lowering", ["fused", "eager"])
def test_a_linear_layer_of_tokens_by_hand(lowering):
    network = memsim.loads(TOKENS)
    assert network["a"].output.shape == (1, 16, 6)
    assert (network.params, network.macs) == (8 * 6 + 6 + 6 * 8, 16 * 8 * 6 * 2)
    run = memsim.run(network, cache="1MiB", lowering=lowering)
    weights = 4 * (8 * 6 + 6 + 6 * 8)
    assert run.by_role["weight"] == weights
    assert run.dram_bytes == weights + 4 * (8 * 16 + 16 * 8)
    alone = memsim.run(network, cache=0, lowering=lowering, tile="whole", buffer="1MiB")
    # The product reads the map as it lies, tokens along its columns.
    assert alone.dram_bytes == weights + 4 * (8 * 16 + 2 * 16 * 6 + 16 * 8)


def test_what_is_only_moved_is_copied_where_it_leaves_the_network():
    network = memsim.loads("{name: n, input: [8, 4, 4], layers: [relu, permute: [1, 2, 0]]}")
    run = memsim.run(network, cache="1MiB")
    assert [layer.name for layer in run.layers] == ["relu1", "permute1"]
    assert run.dram_bytes == 4 * 2 * 8 * 16


def test_strips_of_tokens_read_their_rows_once():
    """Two strips of a product over a transposed map read each row of the map once."""
    network = memsim.loads(TOKENS)
    run = memsim.run(network, cache=0, buffer=400, machine="textbook")
    program = memsim.build(network, buffer=400)
    assert len(program.task_kernel) > 2
    assert run.by_role["input"] == 4 * 8 * 16


def test_shapes_know_their_channels_through_permutes():
    network = memsim.loads(
        "{name: n, input: [8, 4, 6], layers: [permute: [1, 2, 0], layernorm: 1, "
        "permute: [2, 0, 1], {conv: {out: 4, kernel: 3}}]}"
    )
    assert network["layernorm1"].output.image.box == (8, 4, 6)
    assert network["conv1"].output.shape == (1, 4, 4, 6)
    assert network["layernorm1"].params == 16
