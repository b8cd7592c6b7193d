"""Least recently used, served cell by cell: what a scratchpad does, without a trace of blocks.

A cell's blocks, its parts, are accessed together and in order, so those that the cache holds are
its last ones, and a cell that is held in part is the oldest of all. Hits and fetches of whole cells
then take one step; parts are looked at one by one where something has to be evicted. It is the
same as :func:`memsim.engines.cache.policies.lru.lru` on the trace of the parts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.cells.events import CellEvents, write_back
from memsim.engines.cache.trace import (
    DIRTIES,
    KIND,
    LAST,
    READ,
    WRITE,
    WRITE_ALLOCATE,
    PartTrace,
)
from memsim.engines.compiled import compiled, in_python, plain_will_do

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


def cell_lru(trace: PartTrace, capacity: int) -> CellEvents:
    """Run a cache over cells.

    Examples
    --------
    A cell of two parts is read, and read again: 12 bytes hold both, 11 neither.

    >>> trace = PartTrace(start=np.array([0, 2]), block=np.array([0, 0], np.int32),
    ...                   code=np.array([READ, READ], np.uint8), size=np.array([12]),
    ...                   parts=np.array([0, 2]), part=np.array([8, 4]))
    >>> cell_lru(trace, 12).again.tolist(), cell_lru(trace, 11).again.tolist()
    ([0, 0], [0, 12])
    """
    tasks, accesses, cells = len(trace.start) - 1, len(trace.block), len(trace.size)
    count = np.diff(trace.parts)
    dirties = DIRTIES[trace.code & KIND]
    most = int(count[trace.block[dirties]].sum())
    columns = (trace.start, trace.block, trace.code, trace.size, trace.parts, trace.part)
    ring = np.full(cells + 1, cells)
    flags = np.zeros((2, len(trace.part)), np.bool_)
    state = (ring, ring.copy(), trace.parts[1:].copy(), np.zeros(cells, np.int64), *flags)
    told = [np.zeros(length, np.int64) for length in (accesses, accesses, 3 * most, tasks)]
    serve: Callable[..., tuple[int, int]] = serve_cells
    if plain_will_do(int(count[trace.block].sum())):
        given, kept, out = ([each.tolist() for each in some] for some in (columns, state, told))
        entries, peak = in_python(serve)(*given, capacity, *kept, *out)
        told = [np.array(each, np.int64) for each in out]
    else:
        entries, peak = serve(*columns, capacity, *state, *told)
    fetched, again, spills, occupancy = told
    by, spilled_at, spilled = spills.reshape(-1, 3)[:entries].T
    return CellEvents(fetched, again, by, spilled_at, spilled, occupancy, peak)


_READ_ONLY = "Array(int64, 1, 'C', True)"


@compiled(
    f"UniTuple(int64, 2)({_READ_ONLY}, Array(int32, 1, 'C', True), Array(uint8, 1, 'C', True), "
    f"{_READ_ONLY}, {_READ_ONLY}, {_READ_ONLY}, int64, int64[::1], int64[::1], int64[::1], "
    "int64[::1], boolean[::1], boolean[::1], int64[::1], int64[::1], int64[::1], int64[::1])"
)
def serve_cells(
    start: Ints,
    block: NDArray[np.int32],
    code: NDArray[np.uint8],
    size: Ints,
    parts: Ints,
    part: Ints,
    capacity: int,
    older: Ints,
    newer: Ints,
    held: Ints,
    writer: Ints,
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
    start, block, code, size, parts, part : columns of the trace
    capacity : int
    older, newer : per cell, and one more that closes the ring of held cells
        The next older and the next newer one.
    held : per cell
        The first part that is held; the next cell's first where none is.
    writer : per cell
        The last access that wrote it.
    dirty, seen : per part
        Whether it is dirty, if it is held; whether it was ever fetched.
    fetched, again, spills, occupancy
        See :class:`~memsim.engines.cache.cells.events.CellEvents`; ``spills`` is that of
        :func:`~memsim.engines.cache.cells.events.write_back`.
    """
    ring = len(size)
    used = 0
    peak = 0
    told = 0
    for task in range(len(start) - 1):
        for at in range(start[task], start[task + 1]):
            c = block[at]
            begin = parts[c]
            end = parts[c + 1]
            dies = (code[at] & LAST) > 0
            kind = code[at] & KIND
            fetches = kind in (READ, WRITE_ALLOCATE)
            dirties = kind in (WRITE, WRITE_ALLOCATE)
            old = held[c]  # what is held before the access: from here to the end
            new = begin  # what is held of it afterwards
            if old < end:
                newer[older[c]] = newer[c]
                older[newer[c]] = older[c]
            if old == begin:
                if dies:
                    used -= size[c]
                elif dirties:
                    for k in range(begin, end):
                        dirty[k] = True
            elif old == end and used + size[c] <= capacity:
                largest = 0
                for k in range(begin, end):
                    largest = max(largest, part[k])
                    dirty[k] = dirties
                    if fetches:
                        if seen[k]:
                            again[at] += part[k]
                        seen[k] = True
                if fetches:
                    fetched[at] = size[c]
                peak = max(peak, used + (largest if dies else size[c]))
                if not dies:
                    used += size[c]
            else:
                for k in range(begin, end):
                    bytes_ = part[k]
                    if k >= old:
                        old = k + 1
                        if dies:
                            used -= bytes_
                        elif dirties:
                            dirty[k] = True
                        continue
                    if fetches:
                        fetched[at] += bytes_
                        if seen[k]:
                            again[at] += bytes_
                        seen[k] = True
                    while used + bytes_ > capacity and used > 0:
                        if old < end:  # the rest of the cell itself is the oldest
                            victim = old
                            old += 1
                            by = writer[c]
                        elif newer[ring] != ring:
                            other = newer[ring]
                            victim = held[other]
                            held[other] += 1
                            by = writer[other]
                            if held[other] == parts[other + 1]:
                                newer[ring] = newer[other]
                                older[newer[other]] = ring
                        else:
                            victim = new
                            new += 1
                            by = at if dirties else writer[c]
                        used -= part[victim]
                        if dirty[victim]:
                            told = write_back(spills, told, by, at, part[victim])
                    if used + bytes_ > capacity:  # larger than the cache: it does not stay
                        new = k + 1
                        if dirties and not dies:
                            told = write_back(spills, told, at, at, bytes_)
                        continue
                    peak = max(peak, used + bytes_)
                    if not dies:
                        used += bytes_
                        dirty[k] = dirties
            if dirties:
                writer[c] = at
            held[c] = end if dies else new
            if held[c] < end:
                newest = older[ring]
                newer[newest] = c
                older[c] = newest
                newer[c] = ring
                older[ring] = c
        occupancy[task] = used
    return told, peak
