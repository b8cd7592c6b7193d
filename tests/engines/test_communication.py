"""The communication lower bound of one convolution: by hand, by brute force, against a pass."""

from __future__ import annotations

import heapq
from math import sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from memsim.engines.bounds.communication import ConvolutionBound, convolution_bounds, segment_words
from memsim.engines.cache.cachepass import cache_pass
from memsim.errors import InputError, SimulationError
from memsim.network import Network, Node
from memsim.network.ops.conv import Conv
from memsim.network.ops.shape import Input
from memsim.program import Program, build


def alone(shape: tuple[int, int, int], buffer: int = 1 << 20, **options: Any) -> Program:
    batch = options.pop("batch", 1)
    order = options.pop("order", "rows_outer")
    nodes = [Node("x", Input(shape=shape)), Node("c", Conv(**options), ("x",))]
    return build(Network("one", nodes, batch=batch), buffer=buffer, order=order)


def bound_of(program: Program, on_chip: int) -> ConvolutionBound:
    (bound,) = convolution_bounds(program, on_chip)
    return bound


def test_a_matrix_product_moves_twice_its_operations_over_the_root_of_the_memory() -> None:
    bound = bound_of(alone((64, 8, 8), out=64, kernel=1), on_chip=4 * 256)
    assert (bound.macs, bound.reuse, bound.outputs) == (64**3, 1, 64 * 64)
    assert bound.compulsory_bytes == 4 * 3 * 64 * 64
    assert bound.dram_bytes == bound.ordered_bytes == 4 * 2 * 64**3 // 16
    assert bound.balanced_bytes == 4 * (2 * 64**3 // 16 + 64 * 64)


def test_windows_that_overlap_are_loaded_less_often() -> None:
    # 3 x 3 on 8 x 8 without padding: 6 x 6 windows, each input word in up to 9.
    bound = bound_of(alone((16, 8, 8), out=64, kernel=3, padding="valid"), on_chip=4 * 64)
    assert bound.macs == 6 * 6 * 64 * 16 * 9 == 331_776
    assert bound.reuse == 9
    assert bound.compulsory_bytes == 4 * (16 * 64 + 64 * 16 * 9 + 64 * 36)
    # n = 331776 / (3 * 64^1.5) = 216, a whole number: 2 * 331776 / sqrt(9 * 64) words.
    assert bound.ordered_bytes == 4 * 27_648


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation", "reuse"),
    [(1, 1, 1, 1), (3, 1, 1, 9), (2, 2, 1, 1), (4, 2, 1, 4), (7, 2, 1, 16), (1, 2, 1, 1),
     (3, 1, 2, 9), (3, 2, 2, 9)],
)  # fmt: skip
def test_reuse_is_the_most_windows_that_an_input_word_is_in(
    kernel: int, stride: int, dilation: int, reuse: int
) -> None:
    program = alone((1, 40, 40), out=1, kernel=kernel, stride=stride, dilation=dilation)
    assert bound_of(program, 1000).reuse == reuse


def test_padding_is_neither_read_nor_multiplied() -> None:
    # 3 x 3 on 2 x 2 with padding 1: each output meets the whole input.
    bound = bound_of(alone((5, 2, 2), out=7, kernel=3), on_chip=1000)
    assert bound.macs == 5 * 7 * 4 * 4
    assert bound.reuse == 4
    # A stride of 2 passes over every other row and column of a 1 x 1 kernel.
    bound = bound_of(alone((5, 8, 8), out=7, kernel=1, stride=2), on_chip=1000)
    assert bound.compulsory_bytes == 4 * (5 * 16 + 5 * 7 + 7 * 16)


def test_groups_biases_and_batches_are_counted() -> None:
    bound = bound_of(alone((8, 4, 4), out=8, kernel=1, groups=8, bias=True, batch=3), 1000)
    assert bound.macs == 3 * 8 * 16
    assert bound.compulsory_bytes == 4 * (3 * 8 * 16 + 8 * 2 + 3 * 8 * 16)


@pytest.mark.parametrize("words", [1, 2, 7, 100, 500, 5000])
@pytest.mark.parametrize("reuse", [1, 4, 9])
def test_the_bound_is_that_of_its_best_number_of_segments(words: int, reuse: int) -> None:
    macs = 20_011

    def loaded(segments: int) -> int:
        touched = 0
        while reuse * segments**2 * (touched + 1) ** 3 <= 27 * macs**2:
            touched += 1
        return segments * (touched - words)

    found = segment_words(macs, reuse, words)
    best = macs / sqrt(reuse * words**3)
    near = range(max(1, int(best) - 1), int(best) + 3)
    assert found == max(0, *map(loaded, near))
    assert found <= max(2 * macs / sqrt(reuse * words), 3 * (macs**2 / reuse) ** (1 / 3) - words)
    if best >= 1:
        assert found >= 0.95 * 2 * macs / sqrt(reuse * words) - best


def test_a_memory_for_everything_leaves_what_is_compulsory() -> None:
    program = alone((16, 16, 16), out=32, kernel=3)
    bound = bound_of(program, int(program.block_bytes.sum()))
    assert bound.ordered_bytes == 0
    assert bound.dram_bytes == program.compulsory_bytes == bound.balanced_bytes


@settings(max_examples=200)
@given(
    st.tuples(st.integers(1, 24), st.integers(1, 16), st.integers(1, 16)),
    st.integers(1, 24),
    st.sampled_from([1, 2, 3, 5]),
    st.sampled_from([1, 2, 3]),
    st.sampled_from([1, 2]),
    st.booleans(),
    st.sampled_from([200, 500, 2000, 20_000]),
    st.sampled_from(["rows_outer", "weights_outer"]),
)
def test_a_convolution_alone_moves_no_less_at_any_cache(
    shape: tuple[int, int, int],
    out: int,
    kernel: int,
    stride: int,
    batch: int,
    depthwise: bool,
    buffer: int,
    order: str,
) -> None:
    """Where the tiles fit the buffers, which ``tile: whole`` does not ask, S is all there is."""
    groups = shape[0] if depthwise else 1
    try:
        program = alone(
            shape, buffer, out=out * groups, kernel=kernel, stride=stride, groups=groups,
            batch=batch, order=order,
        )  # fmt: skip
    except (InputError, SimulationError):
        assume(False)
        raise
    total = int(program.block_bytes.sum())
    for capacity in np.linspace(0, total, 9).astype(int).tolist():
        traffic = cache_pass(program, capacity)
        bound = bound_of(program, capacity + buffer)
        assert traffic.read_bytes + traffic.write_bytes >= bound.dram_bytes, capacity
        assert program.compulsory_bytes >= bound.compulsory_bytes


def test_a_tile_that_the_buffers_do_not_hold_may_move_less() -> None:
    """The condition of the law: ``whole`` counts on memory that is not there."""
    nodes = [Node("x", Input(shape=(64, 8, 8))), Node("c", Conv(out=64, kernel=1), ("x",))]
    program = build(Network("one", nodes), buffer=1, tile="whole")
    traffic = cache_pass(program, 0)
    assert traffic.read_bytes + traffic.write_bytes == program.compulsory_bytes
    assert bound_of(program, 1).dram_bytes > program.compulsory_bytes
    # With buffers that hold the tile it is a tile like any other.
    assert bound_of(program, 64 * 64 * 4 + 2 * 4 * (64 + 64)).dram_bytes <= program.compulsory_bytes


def small_traffic(m: int, n: int, k: int, words: int) -> int:
    """The fewest words that an m x k by k x n product moves, by searching all executions.

    Operations are multiply-accumulates in any order; an operation needs its two operands and its
    running sum on chip. A sum that starts needs no read.
    """
    operands = [("a", i, j) for i in range(m) for j in range(k)]
    operands += [("b", i, j) for i in range(k) for j in range(n)]
    todo = frozenset((i, j, x) for i in range(m) for j in range(n) for x in range(k))
    start = (frozenset[Any](), todo, frozenset[Any]())
    # State: what is on chip, operations left, sums whose copy in DRAM is up to date.
    best = {start: 0}
    heap = [(0, 0, start)]
    count = 0
    while heap:
        cost, _, state = heapq.heappop(heap)
        if cost > best[state]:
            continue
        chip, left, stored = state
        if not left and len(stored) == m * n:
            return cost
        following: list[tuple[int, Any]] = []
        room = len(chip) < words
        for thing in chip:  # drop; a sum that is not stored is lost, so only what is
            if thing[0] != "c" or thing in stored:
                following.append((0, (chip - {thing}, left, stored)))
            else:
                following.append((1, (chip, left, stored | {thing})))
        if room:
            following += [(1, (chip | {t}, left, stored)) for t in operands if t not in chip]
            for i in range(m):
                for j in range(n):
                    total = ("c", i, j)
                    if total not in chip:
                        fresh = all((i, j, x) in left for x in range(k))
                        if fresh:
                            following.append((0, (chip | {total}, left, stored)))
                        elif total in stored:
                            following.append((1, (chip | {total}, left, stored)))
        for i, j, x in left:
            if {("a", i, x), ("b", x, j), ("c", i, j)} <= chip:
                rest = left - {(i, j, x)}
                following.append((0, (chip, rest, stored - {("c", i, j)})))
        for extra, state_after in following:
            total_cost = cost + extra
            if total_cost < best.get(state_after, 1 << 30):
                best[state_after] = total_cost
                count += 1
                heapq.heappush(heap, (total_cost, count, state_after))
    raise AssertionError("no execution")


@pytest.mark.parametrize("words", [3, 4, 5, 8])
@pytest.mark.parametrize("shape", [(1, 1, 2), (2, 1, 2), (2, 2, 1)])
def test_no_execution_of_a_small_product_moves_less(
    shape: tuple[int, int, int], words: int
) -> None:
    m, n, k = shape
    best = small_traffic(m, n, k, words)
    assert segment_words(m * n * k, 1, words) <= best
    assert m * k + k * n + m * n <= best
