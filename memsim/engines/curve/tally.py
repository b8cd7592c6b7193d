"""Tally: sums of bytes by threshold and column, added up as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.compiled import INFINITE
from memsim.errors import SimulationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

PENDING = 1 << 20
"""Entries that are gathered, at least, before they are sorted and added up."""


class Tally:
    """Bytes by threshold and column, in memory linear in the distinct pairs.

    Entries are packed into integers, threshold first and then the column and the number of the
    amount among those at hand. Plain integers are sorted several times faster than an order of
    rows is found.

    Parameters
    ----------
    columns : int
        How many columns there are.
    largest : int
        The largest finite threshold that can come.

    Raises
    ------
    SimulationError
        Where an entry does not fit into 63 bits.

    Examples
    --------
    >>> tally = Tally(columns=2, largest=100)
    >>> tally.add(np.array([1, 0, 1]), np.array([10, 20, 10]), np.array([16, 16, 64]))
    >>> [part.tolist() for part in tally.rows()]  # thresholds, columns, bytes
    [[10, 20], [1, 0], [80, 16]]
    """

    def __init__(self, columns: int, largest: int) -> None:
        if (largest + 2) * columns > INFINITE:
            raise SimulationError("the program is too large for a curve: run single sizes instead")
        self.columns, self.largest = columns, largest
        self.pending: list[tuple[Ints, Ints]] = []
        self.waiting = 0
        self.keys, self.sums = np.zeros(0, np.int64), np.zeros(0, np.int64)

    def add(self, column: Ints, threshold: Ints, amount: Ints) -> None:
        """Count an amount in bytes for each column and threshold."""
        key = np.minimum(threshold, self.largest + 1)
        key *= self.columns
        key += column
        self.pending.append((key, amount.copy()))
        self.waiting += len(key)
        if self.waiting > max(PENDING, len(self.keys)):
            self._settle()

    def _settle(self) -> None:
        key, amount = (np.concatenate(each) for each in zip(*self.pending, strict=True))
        self.pending, self.waiting = [], 0
        key, added = _sum_equal(*self._sorted(key, amount))
        if not len(self.keys):
            self.keys, self.sums = key, added
            return
        # Both ascend: what is there already is added to, the rest goes to its place between.
        place = np.searchsorted(self.keys, key)
        there = self.keys[np.minimum(place, len(self.keys) - 1)] == key
        self.sums[place[there]] += added[there]
        place, key, added = (column[~there] for column in (place, key, added))
        self.keys = np.insert(self.keys, place, key)
        self.sums = np.insert(self.sums, place, added)

    def _sorted(self, key: Ints, amount: Ints) -> tuple[Ints, Ints]:
        """Keys, ascending, and the amount of each."""
        amounts, place = distinct(amount)
        if (self.largest + 2) * self.columns * len(amounts) > INFINITE:
            order = np.argsort(key, kind="stable")
            return key[order], amount[order]
        key *= max(len(amounts), 1)
        key += place
        key.sort()
        key, place = np.divmod(key, max(len(amounts), 1))
        return key, amounts[place]

    def rows(self) -> tuple[Ints, Ints, Ints]:
        """Thresholds, columns and bytes; by ascending threshold, then column."""
        if self.pending:
            self._settle()
        threshold = self.keys // self.columns
        column = self.keys - threshold * self.columns
        threshold[threshold > self.largest] = INFINITE
        return threshold, column, self.sums


def _sum_equal(key: Ints, amount: Ints) -> tuple[Ints, Ints]:
    """Add up the amounts of equal keys; the keys ascend."""
    if not len(key):
        return key, amount
    first = np.flatnonzero(np.diff(key, prepend=key[0] - 1))
    return key[first], np.add.reduceat(amount, first)


def distinct(values: Ints) -> tuple[Ints, Ints]:
    """The distinct ones of some numbers from 0, ascending, and the place of each among them.

    Examples
    --------
    >>> [column.tolist() for column in distinct(np.array([16, 4, 16]))]
    [[4, 16], [1, 0, 1]]
    """
    largest = int(values.max(initial=0))
    if largest > 1 << 20:
        found, place = np.unique(values, return_inverse=True)
        return found, place
    there = np.zeros(largest + 1, np.bool_)  # sorting them takes longer
    there[values] = True
    return np.flatnonzero(there), (np.cumsum(there) - 1)[values]
