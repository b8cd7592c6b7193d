"""First in, first out, by bytes."""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise

import numpy as np

from memsim.engines.policies.base import DIRTIES, FETCHES, KIND, LAST, Events, Trace


def fifo(trace: Trace, capacity: int) -> Events:
    """Run a fully associative cache that evicts what came in first.

    An access that hits changes nothing in the order. As with
    :func:`~memsim.engines.policies.lru.lru`, one that misses inserts its block, evicts until it
    fits, and then drops the block if it is dead; a block larger than the cache empties it and
    does not stay. A larger cache may fetch more [1]_, so there is no curve of all sizes.

    References
    ----------
    .. [1] L. A. Belady, R. A. Nelson, G. S. Shedler, "An anomaly in space-time characteristics
       of certain programs running in a paging machine", Communications of the ACM 12(6), 1969.

    Examples
    --------
    The trace of [1]_ fetches 9 times with room for three blocks, and 10 times with four.

    >>> blocks = np.array([1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5], np.int32)
    >>> trace = Trace(start=np.array([0, 12]), block=blocks, code=np.zeros(12, np.uint8),
    ...               size=np.ones(6, np.int64))
    >>> [int(fifo(trace, capacity).missed.sum()) for capacity in (3, 4)]
    [9, 10]
    """
    size, fetches, dirties = trace.size.tolist(), FETCHES.tolist(), DIRTIES.tolist()
    missed = bytearray(len(trace.block))
    dirty = bytearray(len(size))
    held: OrderedDict[int, int] = OrderedDict()  # block -> bytes, the first that came in first
    spilled: list[int] = []
    spilled_at: list[int] = []
    occupancy: list[int] = []
    used = peak = 0
    for begin, end in pairwise(trace.start.tolist()):
        blocks = trace.block[begin:end].tolist()
        codes = trace.code[begin:end].tolist()
        for at, block, code in zip(range(begin, end), blocks, codes, strict=True):
            kind = code & KIND
            if block in held:
                if code & LAST:
                    used -= held.pop(block)
                elif dirties[kind]:
                    dirty[block] = 1
                continue
            bytes_ = size[block]
            missed[at] = fetches[kind]
            room = capacity - bytes_
            while used > room and held:
                victim, freed = held.popitem(last=False)
                used -= freed
                if dirty[victim]:
                    spilled.append(victim)
                    spilled_at.append(at)
            if room >= 0:
                if used + bytes_ > peak:
                    peak = used + bytes_
                if not code & LAST:
                    held[block] = bytes_
                    used += bytes_
                    dirty[block] = dirties[kind]
            elif dirties[kind] and not code & LAST:
                spilled.append(block)
                spilled_at.append(at)
        occupancy.append(used)
    return Events(
        np.frombuffer(missed, dtype=np.bool_),
        np.array(spilled, dtype=np.int64),
        np.array(spilled_at, dtype=np.int64),
        np.array(occupancy, dtype=np.int64),
        peak,
    )
