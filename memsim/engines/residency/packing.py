"""Packing: which intervals between accesses a capacity is given to, as numbers of blocks.

The blocks of a cell are accessed one after the other, again and again, so most intervals have
many alike. They are decided about together: how many of them are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
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
    Two blocks in turn, twice, alike but for the moments.

    >>> from memsim.engines.cache.trace import Trace
    >>> trace = Trace(start=np.array([0, 4]), block=np.array([0, 1, 0, 1], np.int32),
    ...               code=np.zeros(4, np.uint8), size=np.array([8, 8]))
    >>> packing = Packing.of(Intervals.of(trace, 8))
    >>> packing.begin.tolist(), packing.end.tolist(), packing.most.tolist()
    ([0, 0], [1, 1], [1, 1])
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
        bounds = [*first.tolist(), count]
        dirty = intervals.epoch >= 0
        starts = np.repeat(first, np.diff(bounds))
        base = np.full(len(intervals.epoch_size) + 1, count, np.int64)
        np.minimum.at(base, intervals.epoch[dirty], np.flatnonzero(dirty))
        own_epoch[dirty] = base[intervals.epoch[dirty]] - starts[dirty]
        column[4] = own_epoch
        rows = column.T.tolist()
        families: dict[tuple[tuple[int, ...], ...], list[int]] = {}
        for begin, end in pairwise(bounds):
            alike = tuple(map(tuple, rows[begin:end]))
            families.setdefault(alike, []).append(begin)
        member, rank = np.empty(count, np.int64), np.empty(count, np.int64)
        leader: list[int] = []
        most: list[int] = []
        for alike, begins in families.items():
            items = np.arange(len(leader), len(leader) + len(alike))
            for number, begin in enumerate(begins):
                member[begin : begin + len(alike)] = items
                rank[begin : begin + len(alike)] = number
            leader.extend(range(begins[0], begins[0] + len(alike)))
            most.extend([len(begins)] * len(alike))
        of = np.array(leader, np.int64)
        epochs = intervals.epoch[of]
        _, numbered = np.unique(epochs[epochs >= 0], return_inverse=True)
        epochs[epochs >= 0] = numbered
        return cls(
            intervals,
            intervals.begin[of],
            intervals.end[of],
            intervals.size[of],
            np.array(most, np.int64),
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
