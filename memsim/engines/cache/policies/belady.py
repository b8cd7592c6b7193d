"""Belady's rule: evict the block whose next use is farthest away."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.trace import DIRTIES, FETCHES, KIND, LAST, Events, Trace
from memsim.engines.compiled import LOADED_AFTER, plain_will_do

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


def belady(trace: Trace, capacity: int) -> Events:
    """Run a cache that knows the future and evicts the block whose next use is farthest.

    The block that comes in is a candidate too: where its own next use is the farthest it does
    not stay, since a task streams its blocks through the buffers beside the cache. A dead block
    never takes room from others; a dirty block that is evicted is written back.

    Notes
    -----
    With equal blocks the rule of [1]_ minimises fetches
    (:func:`~memsim.engines.cache.policies.min.min_` says when). With unequal blocks it is a
    heuristic: finding the fewest bytes fetched is NP-hard [2]_. It pays no heed to write-backs:
    what it moves in all may exceed what LRU moves.

    References
    ----------
    .. [1] L. A. Belady, "A study of replacement algorithms for a virtual-storage computer", IBM
       Systems Journal 5(2), 1966.
    .. [2] L. Folwarczný, J. Sgall, "General caching is hard: even with small pages",
       Algorithmica, 2016, arXiv:1506.07905 (the bit model: a fetch costs its bytes).

    Examples
    --------
    Block 1 is used later than 0 and does not stay; LRU would evict 0 for it.

    >>> trace = Trace(start=np.array([0, 4]), block=np.array([0, 1, 0, 1], np.int32),
    ...               code=np.zeros(4, np.uint8), size=np.array([8, 8]))
    >>> belady(trace, 8).missed.tolist()
    [True, True, False, True]
    """
    return farthest(trace, capacity, next_use(trace))


def next_use(trace: Trace) -> Ints:
    """The next access to the block of each access.

    Where there is none: the number of accesses plus the block, which is later than any access,
    and another moment for each block.
    """
    block = trace.block.astype(np.int64)
    order = np.argsort(block, kind="stable")
    until = block + len(block)
    same = block[order[1:]] == block[order[:-1]]
    until[order[:-1][same]] = order[1:][same]
    return until


def farthest(trace: Trace, capacity: int, until: Ints) -> Events:
    """Run a cache that evicts the block with the largest ``until``.

    Parameters
    ----------
    trace : Trace
    capacity : int
        Bytes.
    until : int64 array, per access
        Its block's priority from this access on: a later access to the same block, or the number
        of accesses plus the block.

    Notes
    -----
    Two loops do the same, a plain one for short traces and a compiled one, as for
    :func:`~memsim.engines.cache.policies.in_order.in_order`. Here a plain access takes longer.
    """
    if plain_will_do(len(trace.block), LOADED_AFTER // 3):
        return plain_farthest(trace, capacity, until)
    from memsim.engines.cache.compiled_farthest import compiled_farthest

    return compiled_farthest(trace, capacity, until)


def plain_farthest(
    trace: Trace, capacity: int, until: Ints, left: list[tuple[int, int]] | None = None
) -> Events:
    """The loop of :func:`farthest` in plain Python, which can tell more.

    Parameters
    ----------
    trace, capacity, until
        As there.
    left : list, optional
        Gets each live block that leaves, clean or dirty, and the access that displaces it; one that
        does not stay leaves at its own access.
    """
    size, fetches, dirties = trace.size.tolist(), FETCHES.tolist(), DIRTIES.tolist()
    accessed = trace.block.tolist()
    accesses = len(accessed)
    missed = bytearray(accesses)
    dirty = bytearray(len(size))
    held = [0] * len(size)  # the block's priority; 0: not held
    farther: list[int] = []  # a heap of negated priorities, some of them out of date
    spilled: list[int] = []
    spilled_at: list[int] = []
    occupancy: list[int] = []
    used = peak = 0
    for begin, end in pairwise(trace.start.tolist()):
        codes, priorities = trace.code[begin:end].tolist(), until[begin:end].tolist()
        for at, code, priority in zip(range(begin, end), codes, priorities, strict=True):
            block, kind = accessed[at], code & KIND
            if held[block]:
                if code & LAST:
                    used -= size[block]
                    held[block] = 0
                else:
                    held[block] = priority
                    heappush(farther, -priority)
                    if dirties[kind]:
                        dirty[block] = 1
                continue
            missed[at] = fetches[kind]
            if code & LAST:
                continue
            need = used + size[block] - capacity
            if need > 0:
                victims: list[tuple[int, int]] = []
                while need > 0 and farther and size[block] <= capacity:
                    last = -farther[0]
                    victim = accessed[last] if last < accesses else last - accesses
                    if held[victim] == last:
                        if last < priority:
                            break
                        victims.append((victim, last))
                        held[victim] = 0
                        need -= size[victim]
                    heappop(farther)
                if need > 0:  # it does not stay, and neither does anything else leave
                    for victim, last in victims:
                        held[victim] = last
                        heappush(farther, -last)
                    if left is not None:
                        left.append((block, at))
                    if dirties[kind]:
                        spilled.append(block)
                        spilled_at.append(at)
                    continue
                for victim, _ in victims:
                    used -= size[victim]
                    if left is not None:
                        left.append((victim, at))
                    if dirty[victim]:
                        spilled.append(victim)
                        spilled_at.append(at)
            held[block] = priority
            heappush(farther, -priority)
            dirty[block] = dirties[kind]
            used += size[block]
            if used > peak:
                peak = used
        occupancy.append(used)
    return Events(
        np.frombuffer(missed, dtype=np.bool_),
        np.array(spilled, dtype=np.int64),
        np.array(spilled_at, dtype=np.int64),
        np.array(occupancy, dtype=np.int64),
        peak,
    )
