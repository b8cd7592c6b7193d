"""One or two levels of cache over a trace of spans: every size of the last level in one pass.

What a processor's memory system sees of a program: a first level in front filters the accesses,
so the last level only learns of what misses there, and of the dirty lines that leave it. Both
levels are sets of ways, LRU, write-back and write-allocate; neither includes the other.

All sizes are served at once. When a line was used last is the same in every size, and so is who
wrote it last; what differs is whether a size holds it, and whether it is dirty there: a bit each.
So an access that hits in all sizes costs no more than in one, and only where a line is missing
does a size do work of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.serving import PAGE, flush_first, serve
from memsim.engines.cache.sets import sets_of
from memsim.errors import InputError, Problem
from memsim.progress import stage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memsim.program.spans import Spans

    Ints = NDArray[np.int64]

READS, FETCHES, WRITEBACKS = 0, 1, 2
"""Columns of :attr:`LevelMisses.last`: load misses, store misses (fetched on write), evictions
of dirty lines."""

MOST_SIZES = 31
"""Sizes of the last level that one pass serves: a bit each."""


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
        Bytes of the first level; 0 where there is none.
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
class Touches:
    """What is known of the touches that spans are part of, an entry each.

    Attributes
    ----------
    owner : int32 array
        What is touched. The same place in memory may belong to another tensor later on.
    given : bool array
        Whether that lies in DRAM from the start: a weight, a network input.
    leaves : bool array
        Whether that is a network output.
    """

    owner: NDArray[np.int32]
    given: NDArray[np.bool_]
    leaves: NDArray[np.bool_]

    @classmethod
    def plain(cls, count: int) -> Touches:
        """So many touches of one tensor, of which nothing is known."""
        nothing = np.zeros(count, np.bool_)
        return cls(np.zeros(count, np.int32), nothing, nothing)


@dataclass(frozen=True, slots=True)
class Moved:
    """What one size of the last level moved, in lines.

    Attributes
    ----------
    fetched : int64 array, per touch
        Lines that were fetched: missed by loads, or by stores where the touch writes.
    first : int64 array, per touch
        Those of them that were given and fetched for the first time.
    spilled : int64 array, write-backs x 4
        The touch that is charged, which wrote last; the touch at which it happens; how many lines
        in a row; the first of them. In order.
    left : int64 array, lines x 3
        Lines of outputs that were handed over at the end of their frame: the touch that is
        charged, the frame, the line.
    misses : int64 array, lines x 3
        Each fetch by itself where they were asked for: the touch, whether it is the first, the
        line.
    held : int64 array, per touch
        Lines that are held after the last span of a touch.
    """

    fetched: Ints
    first: Ints
    spilled: Ints
    left: Ints
    misses: Ints
    held: Ints


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
    """Run traces through two levels of cache, one after the other, and count by call.

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
    frames = [(spans, 2 * (number * calls + spans.call) + spans.write)
              for number, spans in enumerate(passes)]  # fmt: skip
    count = 2 * calls * len(passes)
    found = level_pass(frames, Touches.plain(count), levels)
    first = np.zeros((len(passes), calls, 3), np.int64)
    last = np.zeros((len(passes), len(levels.sizes), calls, 3), np.int64)
    first[:] = found.first_level.reshape(len(passes), calls, 2, 3).sum(axis=2)
    for number, moved in enumerate(found.sizes):
        fetched = moved.fetched.reshape(len(passes), calls, 2)
        back = np.zeros(count, np.int64)
        np.add.at(back, moved.spilled[:, 1], moved.spilled[:, 2])
        last[:, number, :, READS], last[:, number, :, FETCHES] = fetched[..., 0], fetched[..., 1]
        last[:, number, :, WRITEBACKS] = back.reshape(len(passes), calls, 2).sum(axis=2)
    return LevelMisses(first, last)


@dataclass(frozen=True, slots=True)
class LevelPass:
    """What a trace did to the levels.

    Attributes
    ----------
    first_level : int64 array, touches x 3
        Load misses, store misses and dirty evictions of the first level, by the touch at which
        they happen.
    sizes : list of Moved
        One for each size of the last level.
    """

    first_level: Ints
    sizes: list[Moved]


def level_pass(
    frames: Sequence[tuple[Spans, Ints]],
    touches: Touches,
    levels: Levels,
    *,
    hand_over: bool = False,
    each: bool = False,
) -> LevelPass:
    """Run the traces of inferences, one after the other, through one or two levels of cache.

    It tells how many lines have been accessed, of all: see :mod:`memsim.progress`.

    Parameters
    ----------
    frames : sequence of (Spans, int64 array)
        A trace, and for each of its spans the touch that it is part of.
    touches : Touches
    levels : Levels
    hand_over : bool
        Whether what a frame gives is written to DRAM when it ends; else it is evicted at some
        time, or overwritten.
    each : bool
        Whether to tell each line that moves by itself.

    Raises
    ------
    InputError
        If a size is no whole number of sets, or there are too many.
    """
    if len(levels.sizes) > MOST_SIZES:
        message = f"{len(levels.sizes)} cache sizes are too many for one pass"
        raise InputError(Problem(message, path="sizes", hint=f"at most {MOST_SIZES}"))
    state = _State.empty([spans for spans, _ in frames], touches, levels)
    total = sum(int(state.lines(spans).sum()) for spans, _ in frames)
    with stage("cache accesses", total) as now:
        for number, (spans, touch) in enumerate(frames):
            place, count = state.places(spans), state.lines(spans)
            for part in _parts(count, state.room):
                state.serve(place[part], count[part], spans.write[part], touch[part], each)
                now.tell(now.done + int(count[part].sum()))
            if hand_over:
                state.hand_over(number)
    return LevelPass(state.first_level, state.moved())


MOST_LINES = 400_000
"""Lines that are handled at once: what they displace is written into a log that is emptied then."""


@dataclass(slots=True)
class _State:
    """What the levels hold, and what they have moved so far. Arrays are as :func:`.serve` says."""

    touches: Touches
    line: int
    pages: Ints
    sets: Ints
    offset: Ints
    ways: int
    tags: Ints
    by: NDArray[np.int32]
    table: NDArray[np.int32]
    used: Ints
    bits: NDArray[np.uint32]
    writer: NDArray[np.int32]
    owner: NDArray[np.int32]
    fetched: Ints
    first: Ints
    first_level: Ints
    holds: Ints
    held: Ints
    clock: int = 0
    spilled: list[list[Ints]] = field(default_factory=list)
    missed: list[list[Ints]] = field(default_factory=list)
    left: list[list[Ints]] = field(default_factory=list)

    @classmethod
    def empty(cls, traces: list[Spans], touches: Touches, levels: Levels) -> _State:
        """Nothing."""
        sizes, count = len(levels.sizes), len(touches.owner)
        sets = np.array([sets_of(size, levels.ways, levels.line) for size in levels.sizes])
        first = levels.first, levels.first_ways, levels.line, "first level"
        front = sets_of(*first) if levels.first else 0
        pages = _pages(traces, levels.line)
        places = len(pages) * PAGE
        lines = sets.astype(np.int64) * levels.ways
        logs: list[list[list[Ints]]] = [[[] for _ in levels.sizes] for _ in range(3)]
        return cls(
            touches, levels.line, pages, sets.astype(np.int64), np.cumsum(lines) - lines,
            levels.ways,
            tags=np.full((front, levels.first_ways), -1, np.int64),
            by=np.zeros((front, levels.first_ways), np.int32),
            table=np.full(int(lines.sum()), -1, np.int32),
            used=np.zeros(places, np.int64),
            bits=np.zeros((places, 3), np.uint32),
            writer=np.full(places, -1, np.int32),
            owner=np.full(places, -1, np.int32),
            fetched=np.zeros((sizes, count), np.int64),
            first=np.zeros((sizes, count), np.int64),
            first_level=np.zeros((count, 3), np.int64),
            holds=np.zeros(sizes, np.int64),
            held=np.zeros((sizes, count), np.int64),
            spilled=logs[0], missed=logs[1], left=logs[2],
        )  # fmt: skip

    @property
    def room(self) -> int:
        """Lines that may be handled at once."""
        return max(MOST_LINES // max(len(self.sets), 1), 1)

    def places(self, spans: Spans) -> Ints:
        """The place of each span's first line."""
        first = spans.start // self.line
        places: Ints = np.searchsorted(self.pages, first // PAGE) * PAGE + first % PAGE
        return places

    def lines(self, spans: Spans) -> Ints:
        """The number of lines of each span."""
        return (spans.start + spans.length - 1) // self.line - spans.start // self.line + 1

    def serve(
        self, place: Ints, count: Ints, write: NDArray[np.bool_], touch: Ints, each: bool
    ) -> None:
        """Run some spans through the levels."""
        rows = 2 * int(count.sum()) * len(self.sets)
        spilled = np.empty((rows, 5), np.int64)
        missed = np.empty((rows if each else 0, 4), np.int64)
        self.clock, ends, misses = serve(
            np.ascontiguousarray(place), np.ascontiguousarray(count),
            np.ascontiguousarray(write), np.ascontiguousarray(touch, np.int64),
            self.touches.owner, self.touches.given, self.touches.leaves, self.pages, self.sets,
            self.offset, self.ways, self.tags, self.by, self.table, self.used, self.bits,
            self.writer, self.owner, self.fetched, self.first, self.first_level, self.holds,
            self.held, self.clock, each, spilled, missed, np.full(len(self.sets), -1),
        )  # fmt: skip
        self._keep(self.spilled, spilled[:ends])
        self._keep(self.missed, missed[:misses])

    def _keep(self, logs: list[list[Ints]], rows: Ints) -> None:
        """Sort what was logged by the size, the first column."""
        for size, log in enumerate(logs):
            chosen = rows[rows[:, 0] == size, 1:]
            if len(chosen):
                log.append(chosen)

    def hand_over(self, frame: int) -> None:
        """Write the outputs that are dirty to DRAM; they stay, clean."""
        flush_first(self.tags, self.by, self.touches.leaves, self.bits, self.writer,
                    len(self.sets))  # fmt: skip
        dirty = np.flatnonzero(self.bits[:, 1])
        dirty = dirty[self.touches.leaves[self.writer[dirty]]]
        for size, log in enumerate(self.left):
            places = dirty[(self.bits[dirty, 1] >> np.uint32(size)) & np.uint32(1) > 0]
            frames = np.full(len(places), frame)
            log.append(np.stack([self.writer[places], frames, self._numbers(places)], axis=1))
        self.bits[dirty, 1] = 0

    def _numbers(self, place: Ints) -> Ints:
        """The line number of places."""
        lines: Ints = self.pages[place // PAGE] * PAGE + place % PAGE
        return lines

    def moved(self) -> list[Moved]:
        """What each size has moved."""
        found = []
        for size in range(len(self.sets)):
            spilled = _joined(self.spilled[size], 4)
            missed = _joined(self.missed[size], 3)
            spilled[:, 3], missed[:, 2] = self._numbers(spilled[:, 3]), self._numbers(missed[:, 2])
            found.append(
                Moved(self.fetched[size], self.first[size], spilled,
                      _joined(self.left[size], 3), missed, self.held[size])
            )  # fmt: skip
        return found


def _joined(parts: list[Ints], columns: int) -> Ints:
    return np.concatenate(parts) if parts else np.zeros((0, columns), np.int64)


def _pages(passes: Sequence[Spans], line: int) -> Ints:
    """The pages that are touched, ascending."""
    numbers = [np.zeros(0, np.int64)]
    for spans in passes:
        first = spans.start // (PAGE * line)
        more = (spans.start + spans.length - 1) // (PAGE * line) - first
        for step in range(int(more.max(initial=-1)) + 1):
            numbers.append(np.unique(first[more >= step]) + step)
    return np.unique(np.concatenate(numbers))


def _parts(count: Ints, room: int) -> Iterator[slice]:
    """Ranges of spans of about so many lines each."""
    total = np.cumsum(count)
    begin = 0
    while begin < len(count):
        done = int(total[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(total, done + room)))
        yield slice(begin, end)
        begin = end
