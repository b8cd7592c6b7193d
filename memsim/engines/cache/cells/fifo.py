"""First in, first out, served cell by cell, compiled: for long programs.

What came in together lies in the queue as one entry, a run of a cell's parts, and leaves it part by
part. It is the same as :func:`memsim.engines.cache.policies.fifo.fifo` on the trace of the parts.
"""

from __future__ import annotations

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
from memsim.engines.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

HEAD, TAIL, LEFT, USED, PEAK, SPILLS, TASK = 0, 1, 2, 3, 4, 5, 6
"""Registers that outlive a call: the first entry and that behind the last, how many entries were
cut off before, bytes held, most of them, write-backs, the task."""

REGISTERS = 7

ENTRIES = 1 << 16
"""Entries of a queue to begin with."""


def cell_fifo(trace: PartTrace, capacity: int, *, entries: int = ENTRIES) -> CellEvents:
    """Run a cache over cells.

    Examples
    --------
    The first cell is used again, and is still the first that leaves.

    >>> trace = PartTrace(start=np.array([0, 5]), block=np.array([0, 1, 0, 2, 0], np.int32),
    ...                   code=np.full(5, READ, np.uint8), size=np.array([8, 8, 8]),
    ...                   parts=np.arange(4), part=np.array([8, 8, 8]))
    >>> cell_fifo(trace, 16).fetched.tolist()
    [8, 8, 0, 8, 8]
    """
    accesses, cells, parts = len(trace.block), len(trace.size), len(trace.part)
    count = np.diff(trace.parts)
    most = int(count[trace.block[DIRTIES[trace.code & KIND]]].sum())
    fetched, again = np.zeros((2, accesses), np.int64)
    spills = np.zeros(3 * most, np.int64)
    occupancy = np.zeros(len(trace.start) - 1, np.int64)
    born, writer = np.zeros((2, cells), np.int64)
    held, dirty, seen = np.zeros((3, parts), np.bool_)
    register = np.zeros(REGISTERS, np.int64)
    queue = np.zeros((max(entries, int(count.max(initial=0))), 3), np.int64)
    served = 0
    while True:
        served = serve_queue(
            trace.start, trace.block, trace.code, trace.size, trace.parts, trace.part, capacity,
            served, register, queue, born, writer, held, dirty, seen,
            fetched, again, spills, occupancy,
        )  # fmt: skip
        if served == accesses:
            break
        queue = _with_room(queue, register, int(count[trace.block[served]]))
    occupancy[register[TASK] :] = register[USED]
    by, spilled_at, spilled = spills.reshape(-1, 3)[: register[SPILLS]].T
    return CellEvents(fetched, again, by, spilled_at, spilled, occupancy, int(register[PEAK]))


def _with_room(queue: Ints, register: Ints, more: int) -> Ints:
    """The queue without what has left it, and with room for as much again and so many entries."""
    kept = queue[register[HEAD] : register[TAIL]]
    room = np.zeros((max(len(queue), 2 * len(kept) + more), 3), np.int64)
    room[: len(kept)] = kept
    register[LEFT] += register[HEAD]
    register[[HEAD, TAIL]] = 0, len(kept)
    return room


_I1 = "Array(int64, 1, 'C', True)"


@compiled(
    f"int64({_I1}, Array(int32, 1, 'C', True), Array(uint8, 1, 'C', True), {_I1}, {_I1}, {_I1}, "
    "int64, int64, int64[::1], int64[:,::1], int64[::1], int64[::1], boolean[::1], boolean[::1], "
    "boolean[::1], int64[::1], int64[::1], int64[::1], int64[::1])"
)
def serve_queue(
    start: Ints,
    block: NDArray[np.int32],
    code: NDArray[np.uint8],
    size: Ints,
    parts: Ints,
    part: Ints,
    capacity: int,
    at: int,
    register: Ints,
    queue: Ints,
    born: Ints,
    writer: Ints,
    held: NDArray[np.bool_],
    dirty: NDArray[np.bool_],
    seen: NDArray[np.bool_],
    fetched: Ints,
    again: Ints,
    spills: Ints,
    occupancy: Ints,
) -> int:
    """Serve accesses from ``at`` on until they end or the queue may be full; return where.

    Parameters
    ----------
    start, block, code, size, parts, part : columns of the trace
    capacity, at : int
    register : see ``HEAD`` and its neighbours
    queue : entries x 3
        A cell, the first of its parts that came in together and is held, and that behind the last.
    born, writer : per cell
        The first entry since its death, those before are void; the last access that wrote it.
    held, dirty, seen : per part
        Whether it is held; dirty, if it is held; was ever fetched.
    fetched, again, spills, occupancy
        See :class:`~memsim.engines.cache.cells.events.CellEvents`; ``spills`` is that of
        :func:`~memsim.engines.cache.cells.events.write_back`.
    """
    head = register[HEAD]
    tail = register[TAIL]
    left = register[LEFT]
    used = register[USED]
    peak = register[PEAK]
    told = register[SPILLS]
    task = register[TASK]
    while at < len(block):
        c = np.int64(block[at])
        begin = parts[c]
        end = parts[c + 1]
        if tail + end - begin > len(queue):
            break
        while at >= start[task + 1]:
            occupancy[task] = used
            task += 1
        dies = (code[at] & LAST) > 0
        kind = code[at] & KIND
        fetches = kind in (READ, WRITE_ALLOCATE)
        dirties = kind in (WRITE, WRITE_ALLOCATE)
        for k in range(begin, end):
            bytes_ = part[k]
            if held[k]:
                if dies:
                    used -= bytes_
                    held[k] = False
                elif dirties:
                    dirty[k] = True
                continue
            if fetches:
                fetched[at] += bytes_
                if seen[k]:
                    again[at] += bytes_
                seen[k] = True
            while used + bytes_ > capacity and used > 0:
                other = queue[head, 0]
                victim = queue[head, 1]
                void = left + head < born[other]  # its cell died since
                if void or victim + 1 == queue[head, 2]:
                    head += 1
                else:
                    queue[head, 1] += 1
                if void or not held[victim]:  # or dies part by part in this very access
                    continue
                held[victim] = False
                used -= part[victim]
                if dirty[victim]:
                    by = at if other == c and victim < k and dirties else writer[other]
                    told = write_back(spills, told, by, at, part[victim])
            if used + bytes_ > capacity:  # larger than the cache: it does not stay
                if dirties and not dies:
                    told = write_back(spills, told, at, at, bytes_)
                continue
            peak = max(peak, used + bytes_)
            if dies:
                continue
            used += bytes_
            held[k] = True
            dirty[k] = dirties
            last = tail - 1
            if (
                last >= head
                and queue[last, 0] == c
                and queue[last, 2] == k
                and left + last >= born[c]
            ):
                queue[last, 2] = k + 1
            else:
                queue[tail, 0] = c
                queue[tail, 1] = k
                queue[tail, 2] = k + 1
                tail += 1
        if dirties:
            writer[c] = at
        if dies:
            born[c] = left + tail
        at += 1
    register[HEAD] = head
    register[TAIL] = tail
    register[LEFT] = left
    register[USED] = used
    register[PEAK] = peak
    register[SPILLS] = told
    register[TASK] = task
    return at
