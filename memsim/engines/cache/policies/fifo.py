"""First in, first out, by bytes."""

from __future__ import annotations

from memsim.engines.cache.policies.in_order import in_order
from memsim.engines.cache.trace import Events, Trace


def fifo(trace: Trace, capacity: int) -> Events:
    """Run a fully associative cache that evicts what came in first.

    An access that hits changes nothing in the order. A larger cache may fetch more [1]_, so there
    is no curve of all sizes.

    References
    ----------
    .. [1] L. A. Belady, R. A. Nelson, G. S. Shedler, "An anomaly in space-time characteristics
       of certain programs running in a paging machine", Communications of the ACM 12(6), 1969.

    Examples
    --------
    The trace of [1]_ fetches 9 times with room for three blocks, and 10 times with four.

    >>> import numpy as np
    >>> blocks = np.array([1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5], np.int32)
    >>> trace = Trace(start=np.array([0, 12]), block=blocks, code=np.zeros(12, np.uint8),
    ...               size=np.ones(6, np.int64))
    >>> [int(fifo(trace, capacity).missed.sum()) for capacity in (3, 4)]
    [9, 10]
    """
    return in_order(trace, capacity, refresh=False)
