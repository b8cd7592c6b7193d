"""Intervals: what a cache decides about, and what each decision costs.

Between two accesses to a block a cache keeps it or does not. Whoever keeps it pays in bytes of
capacity at every moment between; whoever does not may pay a fetch at the second access, and a
write-back if the block is dirty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.trace import DIRTIES, FETCHES, KIND, LAST, Trace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

FINEST = 30
"""Prices are whole multiples of ``2 ** -FINEST``, or of something coarser."""


@dataclass(frozen=True, slots=True)
class Intervals:
    """The decisions that a capacity forces, and the bytes that move whatever is decided.

    A moment lies between two accesses. Of the moments only those are kept that can bind: where
    more bytes are wanted than the capacity has, and no neighbour wants all of them and more.

    Attributes
    ----------
    capacity : int
        Bytes.
    fixed : int
        Bytes that move at any decision.
    moments : int
    size : int64 array, per interval
        Bytes of the block.
    begin, end : int64 arrays, per interval
        The first moment that it covers, and the first after it that it does not.
    fetched : bool array, per interval
        Whether the access that ends it fetches the block if it was not kept.
    epoch : int64 array, per interval
        The dirty epoch that it is part of, -1 where the block is clean. An epoch ends where the
        block is overwritten or dies. Its block is written back once if it is not kept throughout.
    epoch_size : int64 array, per epoch
        Bytes of its block.
    block, access : int64 arrays, per interval
        The block, and the access that it begins with. Intervals come block by block, in time.
    free : int64 array
        Accesses after which a block is kept at no moment that can bind: there is room for it.
    """

    capacity: int
    fixed: int
    moments: int
    size: Ints
    begin: Ints
    end: Ints
    fetched: NDArray[np.bool_]
    epoch: Ints
    epoch_size: Ints
    block: Ints
    access: Ints
    free: Ints

    @classmethod
    def of(cls, trace: Trace, capacity: int, divisible: bool = False) -> Intervals:
        """Find the intervals of a trace.

        Parameters
        ----------
        trace : Trace
        capacity : int
            Bytes.
        divisible : bool
            Whether a part of a block may be kept. If not, one larger than the capacity never is.
        """
        size, block = trace.size, trace.block
        accesses = len(block)
        kind, dies = trace.code & KIND, (trace.code & LAST) > 0
        order = np.argsort(block, kind="stable")  # by block, and in time within
        sorted_block, ends_life = block[order], dies[order]
        follows = np.zeros(accesses, np.bool_)
        follows[:-1] = sorted_block[1:] == sorted_block[:-1]
        born = np.ones(accesses, np.bool_)
        born[1:] = ~follows[:-1] | ends_life[:-1]
        starts = DIRTIES[kind[order]] & ~ends_life
        place = np.arange(accesses)
        start = np.maximum.accumulate(np.where(starts, place, -1))
        epoch = np.where(start >= np.maximum.accumulate(np.where(born, place, 0)), start, -1)
        epoch[ends_life] = -1

        until = np.full(accesses, accesses)
        until[:-1][follows[:-1]] = order[1:][follows[:-1]]
        follows &= ~ends_life
        fetched = np.zeros(accesses, np.bool_)
        fetched[follows] = FETCHES[kind[until[follows]]]
        first = born & FETCHES[kind[order]]
        fixed = int(size[sorted_block[first]].sum())

        wanted = fetched | (epoch >= 0)
        if not divisible:
            never = wanted & (size[sorted_block] > capacity)
            fixed += int(size[sorted_block[never & fetched]].sum())
            fixed += int(size[sorted_block[np.unique(epoch[never & (epoch >= 0)])]].sum())
            wanted &= ~never
        chosen = np.flatnonzero(wanted)
        begin, end = order[chosen], until[chosen]
        size = size[sorted_block[chosen]]
        binding = _binding(accesses, begin, end, size, capacity)
        rank = np.concatenate([[0], np.cumsum(binding)])
        begin, end = rank[begin], rank[end]
        kept = begin < end
        epochs, of_epoch = np.unique(epoch[chosen][kept], return_inverse=True)
        clean = int(len(epochs) > 0 and epochs[0] < 0)
        return cls(
            capacity,
            fixed,
            int(rank[-1]),
            size[kept],
            begin[kept],
            end[kept],
            fetched[chosen][kept],
            of_epoch.reshape(-1) - clean,
            trace.size[sorted_block[epochs[clean:]]],
            sorted_block[chosen[kept]].astype(np.int64),
            order[chosen[kept]],
            order[chosen[~kept]],
        )

    def __len__(self) -> int:
        return len(self.size)

    def bound(self, prices: NDArray[np.float64]) -> int:
        """A lower bound on fetched and written-back bytes, from any prices at all.

        Parameters
        ----------
        prices : float array, per moment
            What a byte of capacity costs then, in bytes moved. Negative ones count as 0.

        Notes
        -----
        Let a cache exceed its capacity at a price, and pay it for what it leaves free: whoever
        obeys the capacity pays no more than the bytes moved. Then every block decides alone. An
        interval that costs ``p`` per byte is fetched or kept, whichever is less, so it pays
        ``min(fetched, p)``; an epoch pays for its write-back at most 1, or for keeping what no
        fetch has paid for. What all pay, less ``capacity`` times the sum of the prices, is a
        lower bound for every cache: the Lagrangian dual, which at its best prices is the bound
        of the linear relaxation. It is evaluated in integers, so that no rounding of the prices
        can raise it above the truth; since bytes are whole it is rounded up in the end.
        """
        total = int(self.size.sum()) + int(self.epoch_size.sum())
        unit = 1 << max(0, min(FINEST, 61 - total.bit_length()))
        grid: Ints = np.rint(np.clip(prices, 0, 2) * unit).astype(np.int64)
        paid, excess = self._payments(grid, unit)
        moved = int((self.size * paid).sum())
        moved += int((self.epoch_size * np.minimum(excess, unit)).sum())
        moved -= self.capacity * int(grid.sum())
        return self.fixed + max(0, -(-moved // unit))

    def _payments(self, price: Ints, unit: int) -> tuple[Ints, Ints]:
        """Per interval what its fetches bear of its price, per epoch what they do not."""
        until = np.concatenate([[0], np.cumsum(price)])
        cost = until[self.end] - until[self.begin]
        paid = np.minimum(cost, self.fetched * unit)
        excess = np.zeros(len(self.epoch_size), np.int64)
        dirty = self.epoch >= 0
        np.add.at(excess, self.epoch[dirty], (cost - paid)[dirty])
        return paid, excess


def _binding(accesses: int, begin: Ints, end: Ints, size: Ints, capacity: int) -> NDArray[np.bool_]:
    """The moments, one after each access, that can bind: more is wanted there than fits.

    Where the wants of one moment are all among those of its neighbour, the neighbour binds first.
    """
    change = np.zeros(accesses + 1, np.int64)
    np.add.at(change, begin, size)
    np.subtract.at(change, end, size)
    begins, ends = np.zeros(accesses + 1, np.bool_), np.zeros(accesses + 1, np.bool_)
    begins[begin], ends[end], ends[accesses] = True, True, True
    events = np.flatnonzero(begins | ends)
    wanted = np.cumsum(change)[events[:-1]]
    binding = np.zeros(accesses, np.bool_)
    binding[events[:-1]] = (wanted > capacity) & begins[events[:-1]] & ends[events[1:]]
    return binding
