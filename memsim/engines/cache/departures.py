"""Departures: which blocks leave a cache while they are still needed, and what displaces them.

Traffic does not depend on when a clean block leaves, so a cache pass does not tell it. Who looks
at what a cache holds wants to know.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.policies.belady import next_use, plain_farthest
from memsim.engines.cache.policies.in_order import plain_order
from memsim.engines.cache.trace import Events, Trace
from memsim.registry import Registry

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Departures:
    """What a cache did with a trace, and each live block that left it.

    Attributes
    ----------
    events : Events
    block : int64 array, per departure
        The block that leaves, clean or dirty, in order. Dead blocks are not among them.
    at : int64 array, per departure
        The access that displaces it: an access to the block itself where it does not stay.
    """

    events: Events
    block: Ints
    at: Ints


Watched = Callable[[Trace, int, list[tuple[int, int]]], Events]
"""A policy that also tells, in a list of blocks and accesses, what leaves."""

WATCHED: Registry[Watched] = Registry("policy that can be watched")
"""The policies that tell what leaves."""

WATCHED.add("lru", lambda trace, size, left: plain_order(trace, size, refresh=True, left=left))
WATCHED.add("fifo", lambda trace, size, left: plain_order(trace, size, refresh=False, left=left))
WATCHED.add("belady", lambda trace, size, left: plain_farthest(trace, size, next_use(trace), left))


def departures(trace: Trace, capacity: int, policy: str) -> Departures:
    """Run a trace through a cache, and tell what leaves.

    Parameters
    ----------
    trace : Trace
    capacity : int
        Bytes.
    policy : str
        One of :data:`WATCHED`.

    Raises
    ------
    InputError
        For a policy that cannot be watched.

    Examples
    --------
    Two blocks in turn, and room for one: LRU evicts each for the other, Belady keeps the first.

    >>> from memsim.engines.cache.trace import LAST
    >>> trace = Trace(start=np.array([0, 4]), block=np.array([0, 1, 0, 1], np.int32),
    ...               code=np.array([0, 0, LAST, LAST], np.uint8), size=np.array([8, 8]))
    >>> [(departures(trace, 8, name).block.tolist(), departures(trace, 8, name).at.tolist())
    ...  for name in ("lru", "belady")]
    [([0, 1], [1, 2]), ([1], [1])]
    """
    left: list[tuple[int, int]] = []
    events = WATCHED[policy](trace, capacity, left)
    block, at = np.array(left, np.int64).reshape(-1, 2).T
    return Departures(events, block, at)
