"""Levels of cache: they account as other engines do, and as caches written for reading."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

import memsim
from memsim.engines.cache.cachepass import account, cache_pass, read_bytes
from memsim.engines.cache.leveled import level_transfers
from memsim.engines.cache.levels import Levels, Touches, level_pass
from memsim.engines.curve.curve import curve
from memsim.engines.curve.sampled import sampled
from memsim.machine.cache import Cache
from memsim.network.graph import Network
from memsim.program.frames import repeat
from memsim.program.kernel import Cause, Role
from memsim.program.library.build import build_library
from memsim.program.spans import Spans
from tests.engines.test_two_levels import Cache as PlainCache
from tests.strategies import networks

LINE = 64


def built(network: Network) -> memsim.Program:
    """A program; examples that compute nothing are left out."""
    try:
        return memsim.build(network, buffer=1 << 16)
    except memsim.SimulationError:
        reject()


@given(networks(), st.sampled_from([1, 2, 4]), st.integers(1, 2), st.sampled_from(["nchw", "nhwc"]))
def test_without_a_first_level_they_are_the_cache_of_sets(
    network: Network, ways: int, frames: int, layout: str
) -> None:
    program = repeat(built(network), frames)
    sizes = [ways * LINE * sets for sets in (1, 4, 64, 4096)]
    cache = Cache(size=0, management="hardware", ways=ways, layout=layout)  # type: ignore[arg-type]
    for size, moved in zip(sizes, level_transfers(program, cache, sizes), strict=True):
        found = account(program, moved, size)
        expected = cache_pass(program, cache.resized(size))
        assert (found.traffic == expected.traffic).all()
        assert (found.tensor_traffic == expected.tensor_traffic).all()
        assert (found.load_bytes == expected.load_bytes).all()
        assert (found.store_bytes == expected.store_bytes).all()
        assert (found.occupancy == expected.occupancy).all()
        assert found.peak_occupancy == expected.peak_occupancy


@given(networks(), st.integers(1, 2))
def test_line_by_line_they_move_the_same(network: Network, frames: int) -> None:
    program = repeat(built(network), frames)
    cache = Cache(size=2048, management="hardware", ways=2, first_level=256, first_ways=2)
    (sums,), (lines,) = (level_transfers(program, cache, each=each) for each in (False, True))
    one, other = (account(program, moved, cache.size) for moved in (sums, lines))
    assert (one.traffic == other.traffic).all()
    assert (one.load_bytes == other.load_bytes).all()
    assert (one.store_bytes == other.store_bytes).all()
    assert (lines.fetches.amount == LINE).all()


@st.composite
def traces(draw: st.DrawFn) -> tuple[list[Spans], Touches]:
    """Frames over the same few touches, and what those are."""
    count = draw(st.integers(1, 6))
    given_ = np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    leaves = np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count))) & ~given_
    cells = np.arange(count, dtype=np.int32)
    frames = []
    for _ in range(draw(st.integers(1, 2))):
        rows = draw(
            st.lists(
                st.tuples(
                    st.integers(0, 30 * LINE), st.integers(1, 4 * LINE), st.integers(0, count - 1)
                ),
                max_size=30,
            )
        )
        start, length, touch = (np.array(column, np.int64) for column in zip(*rows, strict=True)) \
            if rows else np.zeros((3, 0), np.int64)  # fmt: skip
        frames.append(Spans(start, length, ~given_[touch] & (touch % 2 == 0), touch))
    return frames, Touches(cells, given_, leaves)


@given(traces(), st.booleans())
def test_each_touch_is_charged_as_in_plain_caches(
    trace: tuple[list[Spans], Touches], filtered: bool
) -> None:
    frames, touches = trace
    levels = Levels((512, 1024, 4096), ways=2, first=256 if filtered else 0, first_ways=2)
    found = level_pass(
        [(spans, spans.call) for spans in frames], touches, levels, hand_over=True, each=True
    )
    for size, moved in zip(levels.sizes, found.sizes, strict=True):
        fetched, first, spilled, left = plain(frames, touches, size, levels)
        assert moved.fetched.tolist() == fetched
        assert moved.first.tolist() == first
        assert [tuple(row) for row in moved.spilled.tolist()] == spilled
        assert Counter(tuple(row) for row in moved.left.tolist()) == Counter(left)


def plain(
    frames: list[Spans], touches: Touches, size: int, levels: Levels
) -> tuple[list[int], list[int], list[tuple[int, ...]], list[tuple[int, ...]]]:
    """One size, line by line: fetches and first fetches by touch, write-backs, what is left."""
    count = len(touches.owner)
    front = PlainCache(levels.first // levels.first_ways // LINE, levels.first_ways)
    back = PlainCache(size // levels.ways // LINE, levels.ways)
    fetched, first = [0] * count, [0] * count
    spilled: list[tuple[int, ...]] = []
    left: list[tuple[int, ...]] = []
    near: dict[int, int] = {}  # line -> who wrote it last, in the first level
    writer: dict[int, int] = {}
    cell: dict[int, int] = {}
    known: set[int] = set()

    def ask(line: int, touch: int, dirty_by: int | None) -> bool:
        missed, gone = back.use(line, dirty_by is not None)
        if gone is not None:
            spilled.append((writer[gone], touch, 1, gone))
        if dirty_by is not None:
            writer[line] = dirty_by
        return missed

    for number, spans in enumerate(frames):
        rows = zip(*(c.tolist() for c in (spans.start, spans.length, spans.write, spans.call)),
                   strict=True)  # fmt: skip
        for start, length, write, touch in rows:
            for line in range(start // LINE, (start + length - 1) // LINE + 1):
                leaves = None
                if levels.first:
                    missed, leaves = front.use(line, write)
                    if not missed:
                        if write:
                            near[line] = touch
                        continue
                if cell.get(line) != touches.owner[touch]:
                    cell[line] = int(touches.owner[touch])
                    known.discard(line)
                if ask(line, touch, touch if write and not levels.first else None):
                    fetched[touch] += 1
                    if touches.given[touch] and line not in known:
                        known.add(line)
                        first[touch] += 1
                if leaves is not None:
                    ask(leaves, touch, near[leaves])
                if write and levels.first:
                    near[line] = touch
        for lines in front.sets:
            for line, dirty in lines.items():
                if dirty and touches.leaves[near[line]]:
                    lines[line] = False
                    left.append((near[line], number, line))
                    for held in back.sets:
                        if line in held:
                            held[line] = False
        for lines in back.sets:
            for line, dirty in lines.items():
                if dirty and touches.leaves[writer[line]]:
                    lines[line] = False
                    left.append((writer[line], number, line))
    return fetched, first, spilled, left


def test_more_sizes_than_bits_are_refused() -> None:
    sizes = tuple(64 * (1 + number) for number in range(32))
    with pytest.raises(memsim.InputError, match="32 cache sizes are too many"):
        level_pass([], Touches.plain(0), Levels(sizes, ways=1, first=0))


FRONT = {"first_level": 256, "first_ways": 2}


@given(networks(), st.integers(1, 2))
def test_one_set_is_a_fully_associative_last_level(network: Network, frames: int) -> None:
    program = repeat(built(network), frames)
    full = Cache(size=0, management="hardware", ways=None, **FRONT)
    for lines in (4, 32):
        found = cache_pass(program, full.resized(lines * LINE))
        one_set = full.model_copy(update={"ways": lines, "size": lines * LINE})
        expected = cache_pass(program, one_set)
        # What a frame leaves dirty in the first level is written when it ends: the one engine
        # lets it take a place in the last level then, the other does not. One frame shows all else.
        if frames == 1:
            assert (read_bytes(found.traffic) == read_bytes(expected.traffic)).all()
        results = (Role.OUTPUT, Cause.COMPULSORY)
        assert (found.traffic[:, *results] == expected.traffic[:, *results]).all()


@given(networks(), st.integers(1, 2), st.data())
def test_the_curve_behind_a_first_level_is_every_cache_pass(
    network: Network, frames: int, data: st.DataObject
) -> None:
    program = repeat(built(network), frames)
    cache = Cache(size=0, management="hardware", **FRONT)
    found = curve(program, cache)
    for _ in range(4):
        size = data.draw(st.integers(0, 1 << 13))
        assert (found.at(size) == cache_pass(program, cache.resized(size)).traffic).all()


@pytest.mark.parametrize("lowering", ["fused", "eager"])
@pytest.mark.parametrize("frames", [1, 2])
def test_a_library_on_every_kind_of_cache(lowering: str, frames: int) -> None:
    network = memsim.load("squeezenet1_0", input_shape=(3, 64, 64))
    program = build_library(network, library="onednn-avx2", lowering=lowering, frames=frames)
    sets = Cache(size=1 << 20, management="hardware", ways=16, first_level=1 << 15)
    sizes = [1 << power for power in range(16, 27, 2)]
    found = sampled(program, sets, sizes)
    for size in sizes:
        traffic = cache_pass(program, sets.resized(size)).traffic
        assert (found.curve.at(size) == traffic).all()
        assert int(traffic[:, :, Cause.COMPULSORY].sum()) == program.compulsory_bytes
    full = sets.model_copy(update={"ways": None})
    if frames > 1:
        with pytest.raises(memsim.InputError, match="frames: several passes of a library"):
            curve(program, full)
        return
    for size, moved in zip(sizes, curve(program, full).at_each(sizes), strict=True):
        assert (moved == cache_pass(program, full.resized(size)).traffic).all()
        assert int(moved[:, :, Cause.COMPULSORY].sum()) == program.compulsory_bytes


def test_a_scratchpad_runs_no_library() -> None:
    network = memsim.load("squeezenet1_0", input_shape=(3, 64, 64))
    with pytest.raises(memsim.InputError, match=r"library: onednn-avx2 computes on a hardware"):
        memsim.run(network, machine="textbook", library="onednn-avx2")
