"""A first level alone: what a fully associative last level is asked for.

The last level only learns of what misses in the first one, which it reads, and of the dirty lines
that leave it, which it writes without fetching them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.sets import sets_of
from memsim.engines.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memsim.program.spans import Spans

    Ints = NDArray[np.int64]
    Small = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the last level is asked for, in order.

    Attributes
    ----------
    line : int32 array
        Numbered among the lines that are touched at all.
    touch : int32 array
        The touch at which it happens.
    writer : int32 array
        The touch that wrote the line, where it leaves the first level dirty; -1 where it is read.
    lines : int
        How many lines are touched.
    """

    line: Small
    touch: Small
    writer: Small
    lines: int


def ask(
    frames: Sequence[tuple[Spans, Ints]],
    leaves: NDArray[np.bool_],
    size: int,
    ways: int,
    line: int,
) -> Asked:
    """Run spans through a first level.

    Parameters
    ----------
    frames : sequence of (Spans, int64 array)
        A trace, and the touch of each of its spans.
    leaves : bool array, per touch
        Whether it touches a network output: those of its lines that are dirty when a frame ends
        leave then.
    size, ways : int
        Of the first level; a size of 0 is none.
    line : int
        Bytes of a line.

    Examples
    --------
    >>> from memsim.program.spans import Spans
    >>> one, touch = np.zeros(1, np.int64), np.zeros(1, np.int64)
    >>> spans = Spans(one, one + 256, np.array([True]), touch)
    >>> asked = ask([(spans, touch)], np.array([False]), 128, 1, 64)
    >>> asked.line.tolist(), asked.writer.tolist()  # each is read; the older two leave
    ([0, 1, 2, 0, 3, 1], [-1, -1, -1, 0, -1, 0])
    """
    numbers = _numbered([spans for spans, _ in frames], line)
    front = sets_of(size, ways, line, "first level") if size else 0
    tags, by = np.full((front, ways), -1, np.int64), np.zeros((front, ways), np.int32)
    parts = []
    for spans, touch in frames:
        first = spans.start // line
        count = (spans.start + spans.length - 1) // line - first + 1
        asked = np.empty((2 * int(count.sum()) + front * ways, 3), np.int32)
        place = np.searchsorted(numbers, first)
        used = filter_first(
            place, numbers, np.ascontiguousarray(count), np.ascontiguousarray(spans.write),
            np.ascontiguousarray(touch), leaves, tags, by, asked,
        )  # fmt: skip
        parts.append(asked[:used].copy())
    rows = np.concatenate(parts) if parts else np.zeros((0, 3), np.int32)
    asked_of, touched, writer = (np.ascontiguousarray(rows[:, column]) for column in range(3))
    return Asked(asked_of, touched, writer, len(numbers))


def _numbered(traces: Sequence[Spans], line: int) -> Ints:
    """The numbers of all lines that are touched, ascending."""
    begins, ends = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for spans in traces:
        begins.append(spans.start // line)
        ends.append((spans.start + spans.length - 1) // line + 1)
    begin, end = np.concatenate(begins), np.concatenate(ends)
    order = np.argsort(begin, kind="stable")
    begin, end = begin[order], np.maximum.accumulate(end[order])
    new = np.ones(len(begin), np.bool_)
    new[1:] = begin[1:] > end[:-1]
    first = begin[new]
    last = end[np.flatnonzero(np.append(new[1:], True))] if len(end) else end
    count = last - first
    offset = np.repeat(np.cumsum(count) - count, count)
    numbers: Ints = np.repeat(first, count) + np.arange(int(count.sum())) - offset
    return numbers


@compiled(
    "int64(Array(int64, 1, 'C', True), Array(int64, 1, 'C', True), Array(int64, 1, 'C', True), "
    "Array(boolean, 1, 'C', True), Array(int64, 1, 'C', True), Array(boolean, 1, 'C', True), "
    "int64[:,::1], int32[:,::1], int32[:,::1])"
)
def filter_first(
    place: Ints,
    numbers: Ints,
    lines: Ints,
    write: NDArray[np.bool_],
    touch: Ints,
    leaves: NDArray[np.bool_],
    tags: Ints,
    by: Small,
    asked: Small,
) -> int:
    """Run the spans of a frame through the first level; return the rows that were written.

    A tag is twice the line's place, plus 1 where it is dirty; -1: empty. Sets hold their most
    recent line first. A row of ``asked`` is a place, the touch, and the writer or -1.
    """
    sets, ways = tags.shape
    count = 0
    who = np.int64(0)
    for span in range(len(place)):
        who = touch[span]
        stores = 1 if write[span] else 0
        for at in range(place[span], place[span] + lines[span]):
            if sets == 0:
                asked[count, 0] = at
                asked[count, 1] = who
                asked[count, 2] = -1
                count += 1
                if stores:
                    asked[count, 0] = at
                    asked[count, 1] = who
                    asked[count, 2] = who
                    count += 1
                continue
            s = numbers[at] % sets
            way = 0
            while way < ways and tags[s, way] >> 1 != at:
                way += 1
            if way < ways:
                tag = tags[s, way] | stores
                wrote = np.int32(who) if stores else by[s, way]
            else:
                way = ways - 1
                victim = tags[s, way]
                asked[count, 0] = at
                asked[count, 1] = who
                asked[count, 2] = -1
                count += 1
                if victim >= 0 and victim & 1:
                    asked[count, 0] = victim >> 1
                    asked[count, 1] = who
                    asked[count, 2] = by[s, way]
                    count += 1
                tag = 2 * at + stores
                wrote = np.int32(who)
            while way > 0:
                tags[s, way] = tags[s, way - 1]
                by[s, way] = by[s, way - 1]
                way -= 1
            tags[s, 0] = tag
            by[s, 0] = wrote
    for s in range(sets):
        for way in range(ways):
            tag = tags[s, way]
            if tag >= 0 and tag & 1 and leaves[by[s, way]]:
                tags[s, way] = tag - 1
                asked[count, 0] = tag >> 1
                asked[count, 1] = who
                asked[count, 2] = by[s, way]
                count += 1
    return count
