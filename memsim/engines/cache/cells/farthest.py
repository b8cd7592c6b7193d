"""Evicting what is wanted last, served cell by cell, compiled: for long programs.

The parts of a cell are wanted again one after the other, so of a cell the last part that is held is
the farthest, and of cells that whose next access is. A heap of cells with the farthest at its root
says who gives way. What is accessed never gives way to itself: the parts before a part are wanted
sooner than it, and those after it at once. It is the same as
:func:`memsim.engines.cache.policies.belady.belady` on the trace of the parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.cells.events import CellEvents, write_back
from memsim.engines.cache.heap import ENTRY, KEY, PLACE, sift
from memsim.engines.cache.policies.belady import next_use
from memsim.engines.cache.trace import (
    DIRTIES,
    KIND,
    LAST,
    READ,
    WRITE,
    WRITE_ALLOCATE,
    PartTrace,
)
from memsim.engines.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


def cell_belady(trace: PartTrace, capacity: int) -> CellEvents:
    """Run a cache over cells.

    Examples
    --------
    A cell of two parts is read, then another, and both again: of the first, which is wanted sooner,
    nothing leaves, and of the other what fits stays.

    >>> trace = PartTrace(start=np.array([0, 4]), block=np.array([0, 1, 0, 1], np.int32),
    ...                   code=np.full(4, READ, np.uint8), size=np.array([12, 8]),
    ...                   parts=np.array([0, 2, 4]), part=np.array([8, 4, 4, 4]))
    >>> cell_belady(trace, 16).fetched.tolist()
    [12, 8, 0, 4]
    """
    accesses, cells, parts = len(trace.block), len(trace.size), len(trace.part)
    dirties = DIRTIES[trace.code & KIND]
    most = int(np.diff(trace.parts)[trace.block[dirties]].sum())
    until = next_use(trace)
    fetched, again = np.zeros((2, accesses), np.int64)
    spills = np.zeros(3 * most, np.int64)
    occupancy = np.zeros(len(trace.start) - 1, np.int64)
    heap, open_ = np.zeros((3, cells + 1), np.int64), np.zeros(cells + 1, np.int64)
    bytes_of, above, writer = np.zeros((3, cells), np.int64)
    held, dirty, seen = np.zeros((3, parts), np.bool_)
    count, peak = serve_farthest_cells(
        trace.start, trace.block, trace.code, trace.parts, trace.part, capacity, until,
        heap, open_, bytes_of, above, writer, held, dirty, seen,
        fetched, again, spills, occupancy,
    )  # fmt: skip
    by, spilled_at, spilled = spills.reshape(-1, 3)[:count].T
    return CellEvents(fetched, again, by, spilled_at, spilled, occupancy, peak)


_I1 = "Array(int64, 1, 'C', True)"


@compiled(
    f"UniTuple(int64, 2)({_I1}, Array(int32, 1, 'C', True), Array(uint8, 1, 'C', True), {_I1}, "
    f"{_I1}, int64, {_I1}, int64[:,::1], int64[::1], int64[::1], int64[::1], int64[::1], "
    "boolean[::1], boolean[::1], boolean[::1], int64[::1], int64[::1], int64[::1], "
    "int64[::1])"
)
def serve_farthest_cells(
    start: Ints,
    block: NDArray[np.int32],
    code: NDArray[np.uint8],
    parts: Ints,
    part: Ints,
    capacity: int,
    until: Ints,
    heap: Ints,
    open_: Ints,
    bytes_of: Ints,
    above: Ints,
    writer: Ints,
    held: NDArray[np.bool_],
    dirty: NDArray[np.bool_],
    seen: NDArray[np.bool_],
    fetched: Ints,
    again: Ints,
    spills: Ints,
    occupancy: Ints,
) -> tuple[int, int]:
    """Run the trace; return the number of write-backs and the most bytes held.

    Parameters
    ----------
    start, block, code, parts, part : columns of the trace
    capacity : int
    until : per access
        The next access to its cell.
    heap : 3 x (cells + 1)
        See :mod:`memsim.engines.cache.heap`. Its entries are the cells of which something is held,
        their keys the accesses at which they are wanted.
    open_ : cells + 1
        Room for places of the heap that are still to be looked at.
    bytes_of, above, writer : per cell
        Bytes that are held of it; a part that lies behind all that are held; the last access that
        wrote it.
    held, dirty, seen : per part
        Whether it is held; dirty, if it is held; was ever fetched.
    fetched, again, spills, occupancy
        See :class:`~memsim.engines.cache.cells.events.CellEvents`; ``spills`` is that of
        :func:`~memsim.engines.cache.cells.events.write_back`.
    """
    count = 0
    used = 0
    peak = 0
    told = 0
    for task in range(len(start) - 1):
        for at in range(start[task], start[task + 1]):
            c = np.int64(block[at])
            begin = parts[c]
            end = parts[c + 1]
            dies = (code[at] & LAST) > 0
            kind = code[at] & KIND
            fetches = kind in (READ, WRITE_ALLOCATE)
            dirties = kind in (WRITE, WRITE_ALLOCATE)
            wanted = until[at]
            farther = -1  # bytes that are held and wanted later; -1: not counted
            for k in range(begin, end):
                bytes_ = part[k]
                if held[k]:
                    if dies:
                        held[k] = False
                        used -= bytes_
                        bytes_of[c] -= bytes_
                    elif dirties:
                        dirty[k] = True
                    continue
                if fetches:
                    fetched[at] += bytes_
                    if seen[k]:
                        again[at] += bytes_
                    seen[k] = True
                if dies:
                    continue
                need = used + bytes_ - capacity
                stays = bytes_ <= capacity
                if stays and need > 0 and farther < need:
                    if farther < 0:  # count them until it is enough, the farthest first
                        farther = 0
                        opened = 0
                        if count > 0:
                            open_[0] = 1
                            opened = 1
                        while opened > 0 and farther < need:
                            opened -= 1
                            node = open_[opened]
                            other = heap[ENTRY, node]
                            if heap[KEY, other] <= wanted:
                                continue
                            farther += bytes_of[other]
                            if 2 * node <= count:
                                open_[opened] = 2 * node
                                opened += 1
                            if 2 * node < count:
                                open_[opened] = 2 * node + 1
                                opened += 1
                    stays = farther >= need
                if not stays:
                    if dirties:
                        told = write_back(spills, told, at, at, bytes_)
                    continue
                if need > 0:
                    farther = -1
                while need > 0:
                    other = heap[ENTRY, 1]
                    victim = above[other] - 1
                    while not held[victim]:
                        victim -= 1
                    above[other] = victim
                    held[victim] = False
                    used -= part[victim]
                    need -= part[victim]
                    bytes_of[other] -= part[victim]
                    if dirty[victim]:
                        by = writer[other]
                        told = write_back(spills, told, by, at, part[victim])
                    if bytes_of[other] == 0:
                        heap[PLACE, other] = 0
                        count -= 1
                        if count > 0:  # the last one takes its place
                            sift(heap, count, 1, heap[ENTRY, count + 1])
                held[k] = True
                dirty[k] = dirties
                used += bytes_
                bytes_of[c] += bytes_
                above[c] = max(above[c], k + 1)
                peak = max(peak, used)
            if dirties:
                writer[c] = at
            hole = heap[PLACE, c]
            mover = c
            if bytes_of[c] > 0:
                heap[KEY, c] = wanted
                if hole == 0:
                    count += 1
                    hole = count
            elif hole > 0:
                heap[PLACE, c] = 0
                mover = heap[ENTRY, count]
                count -= 1
                if hole > count:
                    continue
            else:
                continue
            sift(heap, count, hole, mover)
        occupancy[task] = used
    return told, peak
