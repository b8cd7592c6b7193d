"""Two levels of cache over a trace of spans: every size of the last level in one pass.

What a processor's memory system sees of a program: a first level in front filters the accesses,
so the last level only learns of what misses there, and of the dirty lines that leave it. Both
levels are sets of ways, LRU, write-back and write-allocate; neither includes the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.sets import sets_of
from memsim.engines.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memsim.program.spans import Spans

    Ints = NDArray[np.int64]

READS, FETCHES, WRITEBACKS = 0, 1, 2
"""Columns of :attr:`LevelMisses.last`: load misses, store misses (fetched on write), evictions
of dirty lines."""


@dataclass(frozen=True, slots=True)
class Levels:
    """The caches: a first level, and the sizes of the last level to look at.

    Parameters
    ----------
    sizes : sequence of int
        Bytes of the last level.
    ways : int
        Lines of a set of the last level.
    first : int
        Bytes of the first level.
    first_ways : int
    line : int
        Bytes of a line.
    """

    sizes: Sequence[int]
    ways: int = 16
    first: int = 32 * 1024
    first_ways: int = 8
    line: int = 64


@dataclass(frozen=True, slots=True)
class LevelMisses:
    """What the levels did, in lines.

    Attributes
    ----------
    first : int64 array, passes x calls x 3
        Load misses, store misses and dirty evictions of the first level.
    last : int64 array, passes x sizes x calls x 3
        The same of the last level, for each of its sizes.
    """

    first: Ints
    last: Ints


def two_levels(passes: Sequence[Spans], calls: int, levels: Levels) -> LevelMisses:
    """Run traces through two levels of cache, one after the other.

    Parameters
    ----------
    passes : sequence of Spans
        Each is a trace: contiguous ranges of addresses, read or written in order. The caches
        keep what they hold from one to the next: the first pass is a cold start.
    calls : int
        Number of calls that the spans belong to.
    levels : Levels

    Raises
    ------
    InputError
        If a size is no whole number of sets.

    Examples
    --------
    Eight lines are written, then read again; the second level holds four of them or all.

    >>> from memsim.program.spans import Spans
    >>> spans = Spans(start=np.array([0, 0]), length=np.array([512, 512]),
    ...               write=np.array([True, False]), call=np.array([0, 1]))
    >>> tiny = Levels(sizes=(256, 1024), ways=4, first=64, first_ways=1)
    >>> misses = two_levels([spans, spans], 2, tiny)
    >>> misses.last[1, :, :, READS].tolist()  # the second pass, per size and call
    [[0, 8], [0, 0]]
    >>> misses.last[1, :, :, WRITEBACKS].sum(axis=1).tolist()
    [8, 0]
    """
    sets = [sets_of(size, levels.ways, levels.line) for size in levels.sizes]
    first_sets = sets_of(levels.first, levels.first_ways, levels.line)
    first = np.zeros((len(passes), calls, 3), np.int64)
    last = np.zeros((len(passes), len(sets), calls, 3), np.int64)
    pages = _pages(passes, levels.line)
    front = np.full((first_sets, levels.first_ways), -1, np.int64)
    held = [_Held.empty(count, levels.ways, len(pages) * PAGE) for count in sets]
    clock = 0
    for number, spans in enumerate(passes):
        place, count = _places(spans, pages, levels.line)
        for begin, end in _parts(count):
            misses, asked = _first(spans, place, count, begin, end, pages, front, first[number])
            for size, state in enumerate(held):
                serve_last(
                    asked[:misses], clock, pages, state.line, state.used, state.way,
                    last[number, size],
                )  # fmt: skip
            clock += misses
    return LevelMisses(first, last)


@dataclass(frozen=True, slots=True)
class _Held:
    """What one size of the last level holds.

    Attributes
    ----------
    line : int64 array, sets x ways
        Twice the line's place, plus 1 where it is dirty; -1: empty.
    used : int64 array, sets x ways
        When it was last used.
    way : int8 array, per place
        The way that a line has in its set; -1: it is not held.
    """

    line: Ints
    used: Ints
    way: NDArray[np.int8]

    @classmethod
    def empty(cls, sets: int, ways: int, places: int) -> _Held:
        """Nothing."""
        shape = (sets, ways)
        return cls(
            np.full(shape, -1, np.int64), np.full(shape, -1, np.int64), np.full(places, -1, np.int8)
        )


PAGE = 4096
"""Lines of a page. Pages that nothing touches are left out; a line's place is its number among
the lines of those that remain."""

MOST_LINES = 4_000_000
"""Lines that are handled at once: what the first level asks for is kept that long."""


def _pages(passes: Sequence[Spans], line: int) -> Ints:
    """The pages that are touched, ascending."""
    numbers = [np.zeros(0, np.int64)]
    for spans in passes:
        first = spans.start // (PAGE * line)
        more = (spans.start + spans.length - 1) // (PAGE * line) - first
        for step in range(int(more.max(initial=-1)) + 1):
            numbers.append(np.unique(first[more >= step]) + step)
    return np.unique(np.concatenate(numbers))


def _places(spans: Spans, pages: Ints, line: int) -> tuple[Ints, Ints]:
    """The place of each span's first line; the number of its lines."""
    first = spans.start // line
    place = np.searchsorted(pages, first // PAGE) * PAGE + first % PAGE
    return place, (spans.start + spans.length - 1) // line - first + 1


def _parts(count: Ints) -> Iterator[tuple[int, int]]:
    """Ranges of spans of about :data:`MOST_LINES` lines each."""
    total = np.cumsum(count)
    begin = 0
    while begin < len(count):
        done = int(total[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(total, done + MOST_LINES)))
        yield begin, end
        begin = end


def _first(
    spans: Spans, place: Ints, count: Ints, begin: int, end: int, pages: Ints, tags: Ints,
    counts: Ints,
) -> tuple[int, Ints]:  # fmt: skip
    part = slice(begin, end)
    asked = np.empty((2 * int(count[part].sum()), 2), np.int64)
    misses = serve_first(
        np.ascontiguousarray(place[part], np.int64),
        np.ascontiguousarray(count[part], np.int64),
        np.ascontiguousarray(spans.write[part], np.bool_),
        np.ascontiguousarray(spans.call[part], np.int64),
        pages,
        tags,
        counts,
        asked,
    )
    return misses, asked


@compiled(
    "int64(int64[::1], int64[::1], boolean[::1], int64[::1], int64[::1], int64[:,::1], "
    "int64[:,::1], int64[:,::1])"
)
def serve_first(
    place: Ints,
    lines: Ints,
    write: NDArray[np.bool_],
    call: Ints,
    pages: Ints,
    tags: Ints,
    counts: Ints,
    asked: Ints,
) -> int:
    """Run spans through the first level; return how much it asks of the last one.

    A tag is twice the line's place, plus 1 where it is dirty; -1: empty. Sets hold their most
    recent line first. ``asked`` gets rows of a place and of four times the call plus the column of
    what it is: what is missed is fetched, then the line that it displaced is written back, if
    dirty.
    """
    sets, ways = tags.shape
    count = 0
    for span in range(len(place)):
        who = call[span]
        dirty = 1 if write[span] else 0
        for at in range(place[span], place[span] + lines[span]):
            s = (pages[at // PAGE] * PAGE + at % PAGE) % sets
            way = 0
            while way < ways and tags[s, way] >> 1 != at:
                way += 1
            if way < ways:
                tag = tags[s, way] | dirty
                while way > 0:
                    tags[s, way] = tags[s, way - 1]
                    way -= 1
                tags[s, 0] = tag
                continue
            victim = tags[s, ways - 1]
            for way in range(ways - 1, 0, -1):
                tags[s, way] = tags[s, way - 1]
            tags[s, 0] = 2 * at + dirty
            counts[who, dirty] += 1
            asked[count, 0] = at
            asked[count, 1] = 4 * who + dirty
            count += 1
            if victim >= 0 and victim & 1:
                counts[who, 2] += 1
                asked[count, 0] = victim >> 1
                asked[count, 1] = 4 * who + 2
                count += 1
    return count


@compiled(
    "void(int64[:,::1], int64, int64[::1], int64[:,::1], int64[:,::1], int8[::1], int64[:,::1])"
)
def serve_last(
    asked: Ints,
    clock: int,
    pages: Ints,
    line: Ints,
    used: Ints,
    held: NDArray[np.int8],
    counts: Ints,
) -> None:
    """Run what the first level asks for through one size of the last one.

    A line that is written back and not there takes a way without being fetched.
    """
    sets, ways = line.shape
    for at in range(len(asked)):
        place = asked[at, 0]
        kind = asked[at, 1] & 3
        s = (pages[place // PAGE] * PAGE + place % PAGE) % sets
        way = np.int64(held[place])
        if way < 0:
            who = asked[at, 1] >> 2
            way = np.int64(0)
            for other in range(1, ways):
                if used[s, other] < used[s, way]:
                    way = np.int64(other)
            old = line[s, way]
            if old >= 0:
                held[old >> 1] = -1
                if old & 1:
                    counts[who, 2] += 1
            if kind < 2:
                counts[who, kind] += 1
            held[place] = way
            line[s, way] = 2 * place
        used[s, way] = clock + at
        if kind == 2:
            line[s, way] |= 1
