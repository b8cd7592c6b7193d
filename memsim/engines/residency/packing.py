"""Packing: which intervals between accesses a capacity is given to, as numbers of blocks.

The blocks of a cell are accessed one after the other, again and again, so most intervals have
many alike. They are decided about together: how many of them are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.bounds.intervals import Intervals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Packing:
    """What there is to decide: items, of each of which some blocks may be kept.

    An item is an interval of one or more blocks that are alike: of one size, and with the same
    intervals from their first to their last. It begins and ends at moments, as
    :class:`~memsim.engines.bounds.intervals.Intervals` counts them. Of a family of alike blocks
    the first ones are kept, so what is kept throughout a dirty epoch is the least of its items.

    Attributes
    ----------
    intervals : Intervals
    begin, end, size, most : int64 arrays, per item
        First moment, and the first after it; bytes of a block; number of blocks.
    fetched : bool array, per item
        Whether a block that is not kept is fetched.
    epoch : int64 array, per item
        The dirty epoch that it is part of; -1: none.
    member : int64 array, per interval
        Its item.
    rank : int64 array, per interval
        Which of its item's blocks it is of.

    Examples
    --------
    Two blocks in turn, twice: one moment binds, and for it they are alike.

    >>> from memsim.engines.cache.trace import Trace
    >>> trace = Trace(start=np.array([0, 4]), block=np.array([0, 1, 0, 1], np.int32),
    ...               code=np.zeros(4, np.uint8), size=np.array([8, 8]))
    >>> packing = Packing.of(Intervals.of(trace, 8))
    >>> packing.begin.tolist(), packing.end.tolist(), packing.most.tolist()
    ([0], [1], [2])
    """

    intervals: Intervals
    begin: Ints
    end: Ints
    size: Ints
    most: Ints
    fetched: NDArray[np.bool_]
    epoch: Ints
    member: Ints
    rank: Ints

    @classmethod
    def of(cls, intervals: Intervals) -> Packing:
        """Gather intervals that are alike."""
        count = len(intervals)
        # Intervals come block by block; a block's are consecutive.
        first = np.flatnonzero(np.diff(intervals.block, prepend=-1))
        column = np.stack(
            [intervals.begin, intervals.end, intervals.size, intervals.fetched, intervals.epoch]
        )
        own_epoch = np.full(count, -1, np.int64)
        length = np.diff(first, append=count)
        dirty = intervals.epoch >= 0
        block = np.repeat(np.arange(len(first)), length)
        base = np.full(len(intervals.epoch_size) + 1, count, np.int64)
        np.minimum.at(base, intervals.epoch[dirty], np.flatnonzero(dirty))
        own_epoch[dirty] = base[intervals.epoch[dirty]] - first[block[dirty]]
        column[4] = own_epoch
        within = np.arange(count) - first[block]
        family, lead = _families(column, first, length, within)
        offset = np.cumsum(length[lead]) - length[lead]
        member = offset[family][block] + within
        order = np.argsort(family, kind="stable")
        size = np.bincount(family, minlength=len(lead))
        number = np.empty(len(first), np.int64)
        number[order] = np.arange(len(first)) - np.repeat(np.cumsum(size) - size, size)
        rank = number[block]
        items = np.arange(int(length[lead].sum())) - np.repeat(offset, length[lead])
        of = np.repeat(first[lead], length[lead]) + items
        most = np.repeat(size, length[lead])
        epochs = intervals.epoch[of]
        _, numbered = np.unique(epochs[epochs >= 0], return_inverse=True)
        epochs[epochs >= 0] = numbered
        return cls(
            intervals,
            intervals.begin[of],
            intervals.end[of],
            intervals.size[of],
            most,
            intervals.fetched[of],
            epochs,
            member,
            rank,
        )

    @property
    def capacity(self) -> int:
        """Bytes."""
        return self.intervals.capacity

    def __len__(self) -> int:
        return len(self.size)

    @cached_property
    def epochs(self) -> tuple[tuple[int, ...], ...]:
        """The items of each dirty epoch."""
        items = np.flatnonzero(self.epoch >= 0)
        found: list[list[int]] = [[] for _ in range(int(self.epoch.max(initial=-1)) + 1)]
        for item, epoch in zip(items.tolist(), self.epoch[items].tolist(), strict=True):
            found[epoch].append(item)
        return tuple(map(tuple, found))

    @cached_property
    def epoch_first(self) -> Ints:
        """An item of each epoch: all have the same blocks."""
        return np.array([items[0] for items in self.epochs], np.int64)

    def moved(self, kept: Ints) -> int:
        """Bytes fetched and written back where ``kept`` blocks of each item are kept."""
        fetched = int((self.size * (self.most - kept))[self.fetched].sum())
        least = np.full(len(self.epochs), np.iinfo(np.int64).max)
        dirty = self.epoch >= 0
        np.minimum.at(least, self.epoch[dirty], kept[dirty])
        of = self.epoch_first
        return self.intervals.fixed + fetched + int((self.size[of] * (self.most[of] - least)).sum())

    def used(self, kept: Ints) -> Ints:
        """Bytes held at each moment."""
        change = np.zeros(self.intervals.moments + 1, np.int64)
        np.add.at(change, self.begin, self.size * kept)
        np.subtract.at(change, self.end, self.size * kept)
        return np.cumsum(change)[:-1]

    def counted(self, keeps: NDArray[np.bool_]) -> Ints:
        """How many of each item are kept, of a decision per interval."""
        return np.bincount(self.member[keeps], minlength=len(self)).astype(np.int64)

    def chosen(self, kept: Ints) -> NDArray[np.bool_]:
        """Per interval whether it is kept: the first blocks of each item are."""
        keeps: NDArray[np.bool_] = self.rank < kept[self.member]
        return keeps


def _families(column: Ints, first: Ints, length: Ints, within: Ints) -> tuple[Ints, Ints]:
    """Which blocks have the same intervals.

    Parameters
    ----------
    column : int64 array, facts x intervals
    first, length : int64 arrays, per block
        Its first interval, and how many it has.
    within : int64 array, per interval
        Its number among those of its block.

    Returns
    -------
    family, lead : int64 arrays
        The family of each block, and the first block of each family; in the order of these.
    """
    if not len(first):
        return first, first
    # Blocks of two families have the same sum hardly ever; that they have not is looked at below.
    drawn = np.random.default_rng(0).integers(1, 1 << 62, (len(column) + 1, 1)) | 1
    mixed = ((column + 1) * drawn[1:]).sum(axis=0)
    mixed ^= mixed >> 29
    mixed *= (2 * within + 1) * drawn[0]
    mixed ^= mixed >> 31
    sums = np.add.reduceat(mixed, first)
    _, lead, family = np.unique(sums, return_index=True, return_inverse=True)
    same = np.repeat(first[lead[family]], length) + within
    alike = length[lead[family]] == length
    if not alike.all() or not np.array_equal(column, column[:, same]):
        return _told_apart(column, first, length)
    order = np.argsort(lead)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return place[family], lead[order]


def _told_apart(column: Ints, first: Ints, length: Ints) -> tuple[Ints, Ints]:
    """As :func:`_families`, by the intervals themselves."""
    rows = column.T
    known: dict[bytes, int] = {}
    family = [
        known.setdefault(rows[begin : begin + count].tobytes(), len(known))
        for begin, count in zip(first.tolist(), length.tolist(), strict=True)
    ]
    lead = np.unique(family, return_index=True)[1]
    return np.array(family, np.int64), lead
