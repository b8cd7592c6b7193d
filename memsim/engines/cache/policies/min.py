"""Belady's MIN: the fewest fetches that any cache of equal blocks can do with."""

from __future__ import annotations

import numpy as np

from memsim.engines.cache.policies.belady import farthest, next_use
from memsim.engines.cache.trace import FETCHES, KIND, Events, Trace
from memsim.errors import InputError, Problem


def min_(trace: Trace, capacity: int) -> Events:
    """Run the cache that fetches least: optimal in reads, for blocks of one size.

    It evicts the block whose next fetch would come last [1]_, where a block that comes in is a
    candidate too, and one that is overwritten before it is read needs no fetch at all.

    Raises
    ------
    InputError
        If two blocks of the trace differ in size.

    Notes
    -----
    To keep a block between two accesses, the second of which would fetch it, saves one fetch and
    takes one place for that interval: MIN picks as many intervals as possible, never more at a
    time than there are places. It is optimal in READS alone: write-backs follow as they fall, and
    counting them too the optimum is NP-complete [2]_.
    :func:`memsim.engines.bounds.bounds.lower_bound` bounds it from below.

    References
    ----------
    .. [1] L. A. Belady, "A study of replacement algorithms for a virtual-storage computer", IBM
       Systems Journal 5(2), 1966.
    .. [2] N. Beckmann, P. B. Gibbons, B. Haeupler, C. McGuffey, "Writeback-aware caching",
       Symposium on Algorithmic Principles of Computer Systems (APOCS), 2020; brief announcement
       at SPAA 2019, doi:10.1145/3323165.3323169.

    Examples
    --------
    >>> from memsim.engines.cache.policies.lru import lru
    >>> trace = Trace(start=np.array([0, 8]), block=np.array([0, 1, 2, 0, 1, 2, 0, 1], np.int32),
    ...               code=np.zeros(8, np.uint8), size=np.array([64, 64, 64]))
    >>> int(min_(trace, 128).missed.sum()), int(lru(trace, 128).missed.sum())
    (4, 8)
    """
    sizes = np.unique(trace.size[np.unique(trace.block)]).tolist()
    if len(sizes) > 1:
        raise InputError(
            Problem(
                f"policy min needs blocks of one size, the trace has {sizes[0]:,} B and "
                f"{sizes[-1]:,} B",
                hint="policy belady takes any, as a heuristic",
            )
        )
    until = next_use(trace)
    follows = np.flatnonzero(until < len(until))
    overwritten = follows[~FETCHES[trace.code[until[follows]] & KIND]]
    until[overwritten] = len(until) + trace.block[overwritten]
    return farthest(trace, capacity, until)
