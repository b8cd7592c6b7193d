"""Least recently used, by bytes."""

from __future__ import annotations

from memsim.engines.cache.policies.in_order import in_order
from memsim.engines.cache.trace import Events, Trace


def lru(trace: Trace, capacity: int) -> Events:
    """Run a fully associative cache with least-recently-used replacement.

    Examples
    --------
    >>> import numpy as np
    >>> from memsim.engines.cache.trace import LAST, READ
    >>> trace = Trace(start=np.array([0, 3]), block=np.array([0, 1, 0], np.int32),
    ...               code=np.array([READ, READ, READ | LAST], np.uint8), size=np.array([8, 8]))
    >>> lru(trace, 16).missed.tolist(), lru(trace, 15).missed.tolist()
    ([True, True, False], [True, True, True])
    """
    return in_order(trace, capacity, refresh=True)


def lru_sets(trace: Trace, capacity: int, ways: int, line: int, index: str) -> Events:
    """Run a cache of lines in sets, each of which evicts its least recently used line."""
    from memsim.engines.cache.sets import compiled_sets

    return compiled_sets(trace, capacity, ways=ways, line=line, index=index)
