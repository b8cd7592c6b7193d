"""The search for a packing that moves little: greedy by price, then improved where it is full."""

from __future__ import annotations

from math import exp
from random import Random
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.compiled import plain_will_do
from memsim.engines.residency.filling import PLAINLY, filled
from memsim.engines.residency.packing import Packing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

WORK, EACH = 60_000, 100
"""Items that are put back while a packing is improved: in all, and as a multiple of its items."""


SPREADS = (0.05, 0.2, 1.0)
"""How far an order is from that of worth, as the deviation of its logarithm."""


class Fill:
    """A packing that grows and shrinks.

    Attributes
    ----------
    kept : list of int, per item
        Blocks that are kept.
    """

    def __init__(self, packing: Packing, kept: Ints) -> None:
        self.packing = packing
        self.kept: list[int] = kept.tolist()
        self._used = packing.used(kept)
        self._begin, self._end = packing.begin.tolist(), packing.end.tolist()
        self._size, self._most = packing.size.tolist(), packing.most.tolist()
        self._fetched, self._epoch = packing.fetched.tolist(), packing.epoch.tolist()

    def room(self, item: int) -> int:
        """How many more of an item's blocks fit."""
        most: int = self._most[item] - self.kept[item]
        if not most:
            return 0
        free = self.packing.capacity - int(self._used[self._begin[item] : self._end[item]].max())
        return min(most, int(free // self._size[item]))

    def add(self, item: int, blocks: int) -> None:
        """Keep more of an item's blocks, or fewer of them if the number is negative."""
        self.kept[item] += blocks
        self._used[self._begin[item] : self._end[item]] += blocks * self._size[item]

    def raise_to_fit(self, epoch: int) -> None:
        """Keep as many blocks throughout a dirty epoch as fit."""
        items = self.packing.epochs[epoch]
        level = min(self.kept[item] + self.room(item) for item in items)
        for item in items:
            if self.kept[item] < level:
                self.add(item, level - self.kept[item])

    def fill(self, order: list[int]) -> None:
        """Keep what fits, in order: an item, or as ``items + epoch`` a whole dirty epoch."""
        items = len(self.kept)
        for each in order:
            if each >= items:
                self.raise_to_fit(each - items)
            elif blocks := self.room(each):
                self.add(each, blocks)

    def moved(self, touched: set[int] | None = None) -> int:
        """Bytes that the given items and their epochs move; all of them where left out."""
        if touched is None:
            return self.packing.moved(np.array(self.kept, np.int64))
        total = 0
        epochs = set()
        for item in touched:
            if self._fetched[item]:
                total += self._size[item] * (self._most[item] - self.kept[item])
            epochs.add(self._epoch[item])
        for epoch in epochs - {-1}:
            items = self.packing.epochs[epoch]
            least = min(self.kept[item] for item in items)
            total += self._size[items[0]] * (self._most[items[0]] - least)
        return total


def worths(packing: Packing, price: Floats) -> Floats:
    """What each item, then each dirty epoch, saves for what it costs at the prices.

    An item alone saves its fetch; an epoch its fetches and its write-back. A moment without a
    price costs a little all the same, so that of two items the shorter one comes first.
    """
    price = price + max(float(price.mean()), 1 / max(len(price), 1)) / 100
    until = np.concatenate([[0.0], np.cumsum(price)])
    cost = until[packing.end] - until[packing.begin]
    dirty, epochs = np.flatnonzero(packing.epoch >= 0), len(packing.epochs)
    epoch = packing.epoch[dirty]
    saved = 1 + np.bincount(epoch, packing.fetched[dirty], epochs)
    return np.concatenate([packing.fetched / cost, saved / np.bincount(epoch, cost[dirty], epochs)])


def greedy(packing: Packing, worth: Floats, kept: Ints | None = None) -> Ints:
    """Keep what fits, what is worth most for its place first; what is worth nothing never."""
    order = np.argsort(-worth, kind="stable")
    order, kept = (
        order[worth[order] > 0],
        np.zeros(len(packing), np.int64) if kept is None else kept,
    )
    if not plain_will_do(len(order), PLAINLY):
        return filled(packing, kept, order)
    fill = Fill(packing, kept)
    fill.fill(order.tolist())
    return np.array(fill.kept, np.int64)


def improved(packing: Packing, kept: Ints, worth: Floats, least: int) -> Ints:
    """Empty one stretch of moments after the other, and fill it again in another order.

    A change that moves no more is kept. Which stretches, and which orders, is drawn at random,
    always in the same way.

    Parameters
    ----------
    packing : Packing
    kept : int64 array, per item
    worth : float array
        As :func:`worths` tells.
    least : int
        Bytes at which nothing is left to improve.
    """
    random = Random(0)
    fill = Fill(packing, kept)
    moments, items = packing.intervals.moments, len(packing)
    moved, work = fill.moved(), 0
    most = min(WORK, EACH * items)
    while moved > least and work < most:
        start = random.randrange(moments)
        width = 1 + int(moments ** random.random()) // 4
        inside = np.flatnonzero((packing.begin < start + width) & (packing.end > start))
        emptied = inside.tolist()
        epochs = sorted(set(packing.epoch[inside].tolist()) - {-1})
        touched = set(emptied).union(*(packing.epochs[epoch] for epoch in epochs))
        work += len(touched) + len(epochs) + 20
        before, old = fill.moved(touched), {item: fill.kept[item] for item in touched}
        for item in emptied:
            fill.add(item, -fill.kept[item])
        spread = random.choice(SPREADS)
        noisy = {
            each: worth[each] * exp(random.gauss(0, spread))
            for each in (*emptied, *(items + epoch for epoch in epochs))
        }
        fill.fill(sorted((each for each in noisy if noisy[each] > 0), key=lambda n: -noisy[n]))
        after = fill.moved(touched)
        if after > before:
            for item, blocks in old.items():
                fill.add(item, blocks - fill.kept[item])
        else:
            moved += after - before
    return np.array(fill.kept, np.int64)
