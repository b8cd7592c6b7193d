"""The compiled loop of the levels: one span after the other, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Small = NDArray[np.int32]
    Bools = NDArray[np.bool_]

PAGE = 4096
"""Lines of a page. Pages that nothing touches are left out; a line's place is its number among
the lines of those that remain."""

_I1, _I2 = "Array(int64, 1, 'C', True)", "int64[:,::1]"


@compiled(
    f"UniTuple(int64, 3)({_I1}, {_I1}, Array(boolean, 1, 'C', True), {_I1}, "
    "Array(int32, 1, 'C', True), Array(boolean, 1, 'C', True), Array(boolean, 1, 'C', True), "
    f"{_I1}, {_I1}, {_I1}, int64, {_I2}, int32[:,::1], int32[::1], "
    f"int64[::1], uint32[:,::1], int32[::1], int32[::1], {_I2}, {_I2}, "
    f"{_I2}, int64[::1], {_I2}, int64, boolean, {_I2}, {_I2}, int64[::1])"
)
def serve(
    place: Ints,
    lines: Ints,
    write: Bools,
    touch: Ints,
    owners: Small,
    given: Bools,
    leaves: Bools,
    pages: Ints,
    sets: Ints,
    offset: Ints,
    ways: int,
    tags: Ints,
    by: Small,
    table: Small,
    used: Ints,
    bits: NDArray[np.uint32],
    writer: Small,
    owner: Small,
    fetched: Ints,
    first: Ints,
    first_level: Ints,
    holds: Ints,
    held: Ints,
    clock: int,
    each: bool,
    spilled: Ints,
    missed: Ints,
    open_row: Ints,
) -> tuple[int, int, int]:
    """Run spans through the levels; return the clock and the rows that were logged.

    Parameters
    ----------
    place, lines, write, touch : arrays, per span
        The place of the first line, the number of lines, whether they are written, the touch.
    owners, given, leaves : arrays, per touch
        See :class:`memsim.engines.cache.levels.Touches`.
    pages : int64 array
        The page number behind each page of places.
    sets, offset : int64 arrays, per size of the last level
        Number of sets; where its part of ``table`` begins.
    ways : int
        Of the last level.
    tags, by : arrays, sets x ways of the first level
        Twice a line's place, plus 1 where it is dirty, the most recent first, -1: empty; the touch
        that wrote it last. No sets: there is no first level.
    table : int32 array
        For each size, set and way the place of the line that it holds; -1: empty.
    used : int64 array, per place
        When the last level was last asked for the line.
    bits : uint32 array, places x 3
        A bit for each size: holds the line; holds it dirty; has fetched what now lies there.
    writer, owner : int32 arrays, per place
        The touch that dirtied the line last; the tensor that now lies there.
    fetched, first : int64 arrays, sizes x touches
    first_level : int64 array, touches x 3
    holds : int64 array, per size
        Lines held.
    held : int64 array, sizes x touches
        The same after each touch's last span.
    clock : int
    each : bool
        Whether every line that moves gets a row of its own.
    spilled : int64 array, rows x 5
        Size, touch that is charged, touch at which it happens, lines, place of the first.
    missed : int64 array, rows x 4
        Size, touch, whether it is the first fetch, place.
    open_row : int64 array, per size
        The row of ``spilled`` that was written last; -1: none.
    """
    front, front_ways = tags.shape
    sizes = len(sets)
    every = np.uint32((1 << sizes) - 1)
    one, zero = np.uint32(1), np.uint32(0)
    spills = 0
    misses = 0
    for span in range(len(place)):
        who = touch[span]
        stores = write[span]
        for at in range(place[span], place[span] + lines[span]):
            # The first level: what it misses, and what that displaces, are asked of the last.
            victim = np.int64(-1)
            if front:
                s = (pages[at // PAGE] * PAGE + at % PAGE) % front
                way = 0
                while way < front_ways and tags[s, way] >> 1 != at:
                    way += 1
                if way < front_ways:
                    tag = tags[s, way]
                    wrote = by[s, way]
                    if stores:
                        tag |= 1
                        wrote = np.int32(who)
                    while way > 0:
                        tags[s, way] = tags[s, way - 1]
                        by[s, way] = by[s, way - 1]
                        way -= 1
                    tags[s, 0] = tag
                    by[s, 0] = wrote
                    continue
                victim = tags[s, front_ways - 1]
                victim_by = by[s, front_ways - 1]
                for way in range(front_ways - 1, 0, -1):
                    tags[s, way] = tags[s, way - 1]
                    by[s, way] = by[s, way - 1]
                tags[s, 0] = 2 * at + (1 if stores else 0)
                by[s, 0] = np.int32(who)
                first_level[who, 1 if stores else 0] += 1
            for turn in range(2):
                if turn == 0:
                    asked = np.int64(at)
                else:
                    if victim < 0 or victim & 1 == 0:
                        break
                    asked = victim >> 1
                    first_level[who, 2] += 1
                missing = every & ~bits[asked, 0]
                if turn == 0 and owner[asked] != owners[who]:
                    owner[asked] = owners[who]
                    bits[asked, 2] = zero
                if missing:
                    number = pages[asked // PAGE] * PAGE + asked % PAGE
                    for size in range(sizes):
                        bit = one << np.uint32(size)
                        if missing & bit == zero:
                            continue
                        base = offset[size] + (number % sets[size]) * ways
                        slot = base
                        oldest = np.int64(1) << 62
                        for other in range(base, base + ways):
                            holder = table[other]
                            if holder < 0:
                                slot = other
                                oldest = np.int64(-1)
                                break
                            if used[holder] < oldest:
                                oldest = used[holder]
                                slot = other
                        if oldest < 0:
                            holds[size] += 1
                        else:
                            old = table[slot]
                            bits[old, 0] &= ~bit
                            if bits[old, 1] & bit:
                                bits[old, 1] &= ~bit
                                charged = np.int64(writer[old])
                                row = open_row[size]
                                if (
                                    row >= 0
                                    and not each
                                    and not leaves[charged]
                                    and spilled[row, 1] == charged
                                    and spilled[row, 2] == who
                                ):
                                    spilled[row, 3] += 1
                                else:
                                    spilled[spills, 0] = size
                                    spilled[spills, 1] = charged
                                    spilled[spills, 2] = who
                                    spilled[spills, 3] = 1
                                    spilled[spills, 4] = old
                                    open_row[size] = spills
                                    spills += 1
                        table[slot] = np.int32(asked)
                        bits[asked, 0] |= bit
                        if turn == 0:
                            fetched[size, who] += 1
                            new = given[who] and bits[asked, 2] & bit == zero
                            if new:
                                bits[asked, 2] |= bit
                                first[size, who] += 1
                            if each:
                                missed[misses, 0] = size
                                missed[misses, 1] = who
                                missed[misses, 2] = 1 if new else 0
                                missed[misses, 3] = asked
                                misses += 1
                clock += 1
                used[asked] = clock
                if turn == 1:
                    bits[asked, 1] = bits[asked, 0]
                    writer[asked] = victim_by
                elif stores and not front:
                    bits[asked, 1] = bits[asked, 0]
                    writer[asked] = np.int32(who)
        for size in range(sizes):
            held[size, who] = holds[size]
    return clock, spills, misses


@compiled(
    f"void({_I2}, int32[:,::1], Array(boolean, 1, 'C', True), uint32[:,::1], int32[::1], int64)"
)
def flush_first(
    tags: Ints,
    by: Small,
    leaves: Bools,
    bits: NDArray[np.uint32],
    writer: Small,
    sizes: int,
) -> None:
    """Tell the last level of the outputs that are dirty in the first one, which cleans them.

    A size that has let the line go has it dirty all the same: it is written to DRAM next.
    """
    every = np.uint32((1 << sizes) - 1)
    for s in range(tags.shape[0]):
        for way in range(tags.shape[1]):
            tag = tags[s, way]
            if tag >= 0 and tag & 1 and leaves[by[s, way]]:
                tags[s, way] = tag - 1
                bits[tag >> 1, 1] = every
                writer[tag >> 1] = by[s, way]
