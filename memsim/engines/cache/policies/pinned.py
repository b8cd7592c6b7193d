"""Pinned: what is kept on chip is decided before the run, for the whole of it."""

from __future__ import annotations

from memsim.engines.cache.policies.belady import belady
from memsim.engines.cache.policies.lru import lru
from memsim.engines.cache.trace import Events, Trace
from memsim.engines.residency.plan import follow, plan


def pinned(trace: Trace, capacity: int) -> Events:
    """Run a cache that keeps what a plan says, and lets all else stream past it.

    The plan is a packing: a block that stays between two accesses takes its bytes at every moment
    between, and saves a fetch; one that is written and stays to its last read saves its
    write-back, too. At no moment more is kept than fits, and what is kept saves as much as the
    search finds: it begins with what :func:`~memsim.engines.cache.policies.belady.belady` and LRU
    keep, so it never moves more than they do.

    Notes
    -----
    The packing that saves most is NP-hard to find, with unequal blocks as with write-backs. What
    is found comes with a bound from prices of the capacity, ``Events.at_least``, which no cache
    goes below; :func:`memsim.engines.residency.exact.exact_packing` finds the best packing of a
    small trace.

    Examples
    --------
    Belady's rule spills block 0, which is used last; it would have been cheaper to keep it and
    fetch block 1 again, which is clean.

    >>> import numpy as np
    >>> from memsim.engines.cache.trace import LAST, READ, WRITE
    >>> trace = Trace(start=np.array([0, 4]), block=np.array([0, 1, 1, 0], np.int32),
    ...               code=np.array([WRITE, READ, READ | LAST, READ | LAST], np.uint8),
    ...               size=np.array([8, 8]))
    >>> [int(trace.size[events.spilled].sum() + trace.size[trace.block[events.missed]].sum())
    ...  for events in (belady(trace, 8), pinned(trace, 8))]
    [24, 16]
    """
    known = (belady(trace, capacity), lru(trace, capacity))
    found = plan(trace, capacity, known)
    return follow(trace, found.keeps, found.at_least)
