"""A heap of what a cache holds, with the farthest next use at its root: for compiled loops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

ENTRY, PLACE, KEY = 0, 1, 2
"""Rows of a heap: the entry at each place, from place 1 on; the place of each entry, 0: nowhere;
its key. Each key is below that of the entry at half its place."""


def sift(heap: Ints, count: int, hole: int, entry: int | np.int64) -> None:
    """Put an entry where its key belongs in a heap that has a hole.

    Parameters
    ----------
    heap : int64 array, 3 x more than there are entries
        See ``ENTRY`` and its neighbours.
    count : int
        How many entries there are, this one included.
    hole : int
        A place that is free; from there the entry goes up, or down.
    entry : int
        It has its key.

    Examples
    --------
    Two entries of keys 5 and 9: the second comes to the last place, and rises to the root.

    >>> heap = np.array([[0, 0, 0], [1, 0, 0], [5, 9, 0]])
    >>> sift(heap, 2, 2, 1)
    >>> heap[ENTRY, 1:].tolist(), heap[PLACE, :2].tolist()
    ([1, 0], [2, 1])
    """
    key = heap[KEY, entry]
    while hole > 1 and heap[KEY, heap[ENTRY, hole // 2]] < key:
        heap[ENTRY, hole] = heap[ENTRY, hole // 2]
        heap[PLACE, heap[ENTRY, hole]] = hole
        hole //= 2
    while 2 * hole <= count:
        child = 2 * hole
        if child < count and heap[KEY, heap[ENTRY, child + 1]] > heap[KEY, heap[ENTRY, child]]:
            child += 1
        if heap[KEY, heap[ENTRY, child]] < key:
            break
        heap[ENTRY, hole] = heap[ENTRY, child]
        heap[PLACE, heap[ENTRY, hole]] = hole
        hole = child
    heap[ENTRY, hole] = entry
    heap[PLACE, entry] = hole
