"""Evicting the block that is wanted last, compiled: for long traces.

Held blocks lie in a heap, the one with the farthest next use at its root. A block is in it once and
knows its place, so that an access moves it up and its death takes it out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.heap import ENTRY, KEY, PLACE, sift
from memsim.engines.cache.trace import (
    DIRTIES,
    KIND,
    LAST,
    READ,
    WRITE,
    WRITE_ALLOCATE,
    Events,
    Trace,
)
from memsim.engines.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


def compiled_farthest(trace: Trace, capacity: int, until: Ints) -> Events:
    """Do what :func:`memsim.engines.cache.policies.belady.farthest` does, some ten times faster.

    Examples
    --------
    >>> trace = Trace(start=np.array([0, 4]), block=np.array([0, 1, 0, 1], np.int32),
    ...               code=np.zeros(4, np.uint8), size=np.array([8, 8]))
    >>> compiled_farthest(trace, 8, np.array([2, 3, 4, 5])).missed.tolist()
    [True, True, False, True]
    """
    blocks = len(trace.size)
    missed = np.zeros(len(trace.block), np.bool_)
    occupancy = np.zeros(len(trace.start) - 1, np.int64)
    spills = np.empty((int(np.count_nonzero(DIRTIES[trace.code & KIND])), 2), np.int64)
    heap = np.zeros((3, blocks + 1), np.int64)
    aside, dirty = np.zeros(blocks, np.int64), np.zeros(blocks, np.bool_)
    count, peak = serve_farthest(
        trace.start, trace.block, trace.code, trace.size, capacity, until,
        heap, aside, dirty, missed, spills, occupancy,
    )  # fmt: skip
    return Events(missed, spills[:count, 0].copy(), spills[:count, 1].copy(), occupancy, peak)


@compiled(
    "UniTuple(int64, 2)(Array(int64, 1, 'C', True), Array(int32, 1, 'C', True), "
    "Array(uint8, 1, 'C', True), Array(int64, 1, 'C', True), int64, Array(int64, 1, 'C', True), "
    "int64[:,::1], int64[::1], boolean[::1], boolean[::1], int64[:,::1], "
    "int64[::1])"
)
def serve_farthest(
    start: Ints,
    block: NDArray[np.int32],
    code: NDArray[np.uint8],
    size: Ints,
    capacity: int,
    until: Ints,
    heap: Ints,
    aside: Ints,
    dirty: NDArray[np.bool_],
    missed: NDArray[np.bool_],
    spills: Ints,
    occupancy: Ints,
) -> tuple[int, int]:
    """Run the trace; return the number of write-backs and the most bytes held.

    Parameters
    ----------
    start, block, code, size : columns of the trace
    capacity : int
    until : per access
        Its block's priority from this access on.
    heap : int64 array, 3 x (blocks + 1)
        See :mod:`memsim.engines.cache.heap`. Its entries are the held blocks, their keys their
        priorities.
    aside : int64 array, per block
        Room for the victims of one access.
    dirty, missed, spills, occupancy
        ``spills`` has rows of block and access.
    """
    count = 0
    used = 0
    peak = 0
    spilled = 0
    for task in range(len(start) - 1):
        for at in range(start[task], start[task + 1]):
            b = np.int64(block[at])
            dies = (code[at] & LAST) > 0
            kind = code[at] & KIND
            dirties = kind in (WRITE, WRITE_ALLOCATE)
            hole = heap[PLACE, b]
            if hole > 0:
                if dies:
                    used -= size[b]
                    heap[PLACE, b] = 0
                    count -= 1
                    if hole <= count:  # the last one takes its place
                        sift(heap, count, hole, heap[ENTRY, count + 1])
                    continue
                if dirties:
                    dirty[b] = True
                heap[KEY, b] = until[at]
            else:
                missed[at] = kind in (READ, WRITE_ALLOCATE)
                if dies:
                    continue
                heap[KEY, b] = until[at]
                need = used + size[b] - capacity
                victims = 0
                if size[b] <= capacity:
                    while need > 0 and count > 0 and heap[KEY, heap[ENTRY, 1]] > until[at]:
                        victim = heap[ENTRY, 1]
                        heap[PLACE, victim] = 0
                        count -= 1
                        if count > 0:  # likewise
                            sift(heap, count, 1, heap[ENTRY, count + 1])
                        need -= size[victim]
                        aside[victims] = victim
                        victims += 1
                if need > 0:  # it does not stay, and neither does anything else leave
                    if dirties:
                        spills[spilled, 0] = b
                        spills[spilled, 1] = at
                        spilled += 1
                    for number in range(victims):
                        count += 1
                        sift(heap, count, count, aside[number])
                    continue
                for number in range(victims):
                    victim = aside[number]
                    used -= size[victim]
                    if dirty[victim]:
                        spills[spilled, 0] = victim
                        spills[spilled, 1] = at
                        spilled += 1
                dirty[b] = dirties
                used += size[b]
                peak = max(peak, used)
                count += 1
                hole = count
            sift(heap, count, hole, b)
        occupancy[task] = used
    return spilled, peak
