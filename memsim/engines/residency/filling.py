"""Filling a packing in an order, compiled: for packings of very many items."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.compiled import INFINITE, compiled
from memsim.engines.residency.packing import Packing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

PLAINLY = 200_000
"""Items and epochs that plain Python puts in before the compiled loop is loaded."""


def filled(packing: Packing, kept: Ints, order: Ints) -> Ints:
    """Do what :meth:`memsim.engines.residency.search.Fill.fill` does, and return what is kept."""
    kept, used = kept.astype(np.int64), packing.used(kept)
    dirty = np.flatnonzero(packing.epoch >= 0)
    members = dirty[np.argsort(packing.epoch[dirty], kind="stable")]
    edge = np.concatenate([[0], np.cumsum(np.bincount(packing.epoch[dirty]))])
    fill_in_order(
        np.ascontiguousarray(order, np.int64), packing.begin, packing.end, packing.size,
        packing.most, edge.astype(np.int64), members, packing.capacity, kept, used,
    )  # fmt: skip
    return kept


_READ = "Array(int64, 1, 'C', True)"


@compiled(f"void({', '.join([_READ] * 7)}, int64, int64[::1], int64[::1])")
def fill_in_order(
    order: Ints,
    begin: Ints,
    end: Ints,
    size: Ints,
    most: Ints,
    edge: Ints,
    members: Ints,
    capacity: int,
    kept: Ints,
    used: Ints,
) -> None:
    """Keep what fits: an item, or as ``items + epoch`` a whole dirty epoch.

    Parameters
    ----------
    order : int64 array
    begin, end, size, most : int64 arrays, per item
    edge, members : int64 arrays
        The items of epoch ``e`` are ``members[edge[e]:edge[e + 1]]``.
    capacity : int
    kept, used : int64 arrays, per item and per moment
        What is kept of it; bytes held, never more than the capacity.
    """
    items = len(kept)
    for number in range(len(order)):
        each = order[number]
        whole = each >= items
        low = edge[each - items] if whole else 0
        high = edge[each - items + 1] if whole else 1
        level = INFINITE
        for at in range(low, high):
            item = members[at] if whole else each
            room = most[item] - kept[item]
            if room > 0:
                free = capacity
                for moment in range(begin[item], end[item]):
                    free = min(free, capacity - used[moment])
                    if free < size[item]:  # not one more
                        break
                room = min(room, free // size[item])
            level = min(level, kept[item] + room)
            if level == 0:
                break
        for at in range(low, high):
            item = members[at] if whole else each
            more = level - kept[item]
            if more > 0:
                kept[item] += more
                for moment in range(begin[item], end[item]):
                    used[moment] += more * size[item]
