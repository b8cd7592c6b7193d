"""Caches that evict in an order they keep as they go: what lru and fifo share."""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise

import numpy as np

from memsim.engines.cache.trace import CODES, DIRTIES, FETCHES, KIND, LAST, Events, Trace
from memsim.engines.compiled import plain_will_do


def in_order(trace: Trace, capacity: int, *, refresh: bool) -> Events:
    """Run a fully associative cache that evicts from the front of a list.

    An access to a block that is not held puts it at the end of the list, evicts from the front
    until it fits, and then drops the block if it is dead. A block larger than the cache empties
    it and does not stay; if it is dirty and live it is written back at once.

    Two loops do the same: a plain one for short traces, which is done before a compiler would have
    started, and a compiled one for long traces and for processes that have loaded it anyway.

    Parameters
    ----------
    trace : Trace
    capacity : int
        Bytes.
    refresh : bool
        Whether a hit moves its block to the end.
    """
    if plain_will_do(len(trace.block)):
        return plain_order(trace, capacity, refresh=refresh)
    from memsim.engines.cache.compiled_order import compiled_order

    return compiled_order(trace, capacity, refresh=refresh)


def plain_order(
    trace: Trace, capacity: int, *, refresh: bool, left: list[tuple[int, int]] | None = None
) -> Events:
    """The loop of :func:`in_order` in plain Python, which can tell more.

    Parameters
    ----------
    trace, capacity, refresh
        As there.
    left : list, optional
        Gets each live block that leaves, clean or dirty, and the access that displaces it; one that
        does not stay leaves at its own access.
    """
    size = trace.size.tolist()
    every = np.arange(CODES)
    fetches, dirties = (column[every & KIND].tolist() for column in (FETCHES, DIRTIES))
    lasts = ((every & LAST) > 0).tolist()
    missed = bytearray(len(trace.block))
    dirty = bytearray(len(size))
    held: OrderedDict[int, int] = OrderedDict()  # block -> bytes, the next victim first
    touch, evict = held.move_to_end, held.popitem
    spilled: list[int] = []
    spilled_at: list[int] = []
    occupancy: list[int] = []
    used = peak = 0
    starts = trace.start.tolist()
    for begin, end in pairwise(starts):
        blocks = trace.block[begin:end].tolist()
        codes = trace.code[begin:end].tolist()
        for at, block, code in zip(range(begin, end), blocks, codes, strict=True):
            if block in held:
                if lasts[code]:
                    used -= held.pop(block)
                else:
                    if refresh:
                        touch(block)
                    if dirties[code]:
                        dirty[block] = 1
                continue
            bytes_ = size[block]
            missed[at] = fetches[code]
            room = capacity - bytes_
            while used > room and held:
                victim, freed = evict(last=False)
                used -= freed
                if left is not None:
                    left.append((victim, at))
                if dirty[victim]:
                    dirty[victim] = 0
                    spilled.append(victim)
                    spilled_at.append(at)
            if room >= 0:
                if used + bytes_ > peak:
                    peak = used + bytes_
                if not lasts[code]:
                    held[block] = bytes_
                    used += bytes_
                    dirty[block] = dirties[code]
            elif not lasts[code]:
                if left is not None:
                    left.append((block, at))
                if dirties[code]:
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
