"""Two levels of cache over spans, against caches written for reading."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsim.engines.cache.levels import PAGE, LevelMisses, Levels, two_levels
from memsim.errors import InputError
from memsim.program.spans import Spans

LINE = 64


class Cache:
    """Sets of lines, the oldest first; each with whether it is dirty."""

    def __init__(self, sets: int, ways: int) -> None:
        self.sets: list[OrderedDict[int, bool]] = [OrderedDict() for _ in range(sets)]
        self.ways = ways

    def use(self, line: int, dirty: bool) -> tuple[bool, int | None]:
        """Whether it missed, and the dirty line that had to leave."""
        lines = self.sets[line % len(self.sets)]
        missed, leaves = line not in lines, None
        if missed:
            if len(lines) == self.ways:
                victim, was_dirty = lines.popitem(last=False)
                leaves = victim if was_dirty else None
            lines[line] = False
        lines.move_to_end(line)
        lines[line] |= dirty
        return missed, leaves


def plain(passes: list[Spans], calls: int, levels: Levels) -> LevelMisses:
    """What :func:`two_levels` does, one size after the other."""
    first = np.zeros((len(passes), calls, 3), np.int64)
    last = np.zeros((len(passes), len(levels.sizes), calls, 3), np.int64)
    for number, size in enumerate(levels.sizes):
        front = Cache(levels.first // levels.first_ways // LINE, levels.first_ways)
        back = Cache(size // levels.ways // LINE, levels.ways)
        for turn, spans in enumerate(passes):
            for start, length, write, call in zip(
                spans.start.tolist(), spans.length.tolist(), spans.write.tolist(),
                spans.call.tolist(), strict=True,
            ):  # fmt: skip
                for line in range(start // LINE, (start + length - 1) // LINE + 1):
                    missed, leaves = front.use(line, write)
                    if not missed:
                        continue
                    first[turn, call, int(write)] += number == 0
                    missed, gone = back.use(line, False)
                    last[turn, number, call, int(write)] += missed
                    last[turn, number, call, 2] += gone is not None
                    if leaves is not None:
                        first[turn, call, 2] += number == 0
                        _, gone = back.use(leaves, True)
                        last[turn, number, call, 2] += gone is not None
    return LevelMisses(first, last)


@st.composite
def spans(draw: st.DrawFn) -> Spans:
    count = draw(st.integers(1, 40))
    near = st.integers(0, 40 * LINE)
    far = st.sampled_from([0, PAGE * LINE - 2 * LINE, 5 * PAGE * LINE])
    start = [draw(near) + draw(far) for _ in range(count)]
    length = draw(st.lists(st.integers(1, 6 * LINE), min_size=count, max_size=count))
    write = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    call = sorted(draw(st.lists(st.integers(0, 2), min_size=count, max_size=count)))
    return Spans(np.array(start), np.array(length), np.array(write), np.array(call))


@given(st.lists(spans(), min_size=1, max_size=2), st.integers(1, 3), st.sampled_from([1, 2, 4]))
def test_the_levels_equal_the_plain_caches(passes: list[Spans], ways: int, sets: int) -> None:
    sizes = tuple(ways * LINE * count for count in (1, 3, 8))
    levels = Levels(sizes, ways, first=2 * LINE * sets, first_ways=2)
    found, expected = two_levels(passes, 3, levels), plain(passes, 3, levels)
    assert (found.first == expected.first).all()
    assert (found.last == expected.last).all()


def test_long_spans_are_handled_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(1)
    count = 300
    trace = Spans(
        generator.integers(0, 1 << 16, count), generator.integers(1, 2000, count),
        generator.random(count) < 0.4, np.sort(generator.integers(0, 3, count)),
    )  # fmt: skip
    levels = Levels((4096, 32768), 4, first=1024, first_ways=2)
    whole = two_levels([trace, trace], 3, levels)
    monkeypatch.setattr("memsim.engines.cache.levels.MOST_LINES", 100)
    parts = two_levels([trace, trace], 3, levels)
    assert (whole.last == parts.last).all()
    assert (whole.first == parts.first).all()


def test_a_span_may_cross_many_pages() -> None:
    long = Spans(np.array([100]), np.array([3 * PAGE * LINE]), np.array([False]), np.array([0]))
    levels = Levels((1 << 14,), 4, first=1024, first_ways=2)
    assert two_levels([long], 1, levels).last[0, 0, 0].tolist() == [3 * PAGE + 1, 0, 0]


def test_sets_of_more_lines_than_a_page() -> None:
    # Two lines a page apart, in turn: they share a set of as many as a page has lines.
    turns = Spans(
        np.array([0, PAGE * LINE] * 2),
        np.full(4, LINE),
        np.zeros(4, np.bool_),
        np.zeros(4, np.int64),
    )
    one_way = (PAGE * LINE, 2 * PAGE * LINE)
    for size, missed in zip(one_way, (4, 2), strict=True):
        levels = Levels(one_way, 1, first=LINE, first_ways=1)
        assert two_levels([turns], 1, levels).last[0, :, 0, 0].tolist() == [4, 2]
        levels = Levels((1 << 30,), 1, first=size, first_ways=1)
        assert two_levels([turns], 1, levels).first[0, 0, 0] == missed


def test_a_size_that_is_no_whole_number_of_sets_is_refused() -> None:
    empty = Spans(*(np.zeros(0, np.int64),) * 2, np.zeros(0, np.bool_), np.zeros(0, np.int64))
    with pytest.raises(InputError, match=r"no whole number of sets of 16 ways x 64 B"):
        two_levels([empty], 1, Levels((1_000_000,)))
