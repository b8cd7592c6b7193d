"""Tally: sums of bytes by threshold and column, added up as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.compiled import INFINITE
from memsim.engines.curve import merging as merging
from memsim.errors import SimulationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Sums = NDArray[np.int32] | NDArray[np.int64]
    Counts = NDArray[np.int32] | NDArray[np.int64]

PENDING = 1 << 20
"""Entries that are gathered, at most, before they are sorted and added up."""

CHUNK = 1 << 18
"""Rows that are worked on at a time where a column of all of them would be in the way."""


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
    >>> [part.tolist() for part in tally.rows()]  # thresholds, where they begin, columns, bytes
    [[0, 10, 20], [0, 0, 1, 2], [1, 0], [80, 16]]
    """

    def __init__(self, columns: int, largest: int) -> None:
        if (largest + 2) * columns > INFINITE:
            raise SimulationError("the program is too large for a curve: run single sizes instead")
        self.columns, self.largest = columns, largest
        self.pending: list[tuple[Ints, Ints]] = []
        self.waiting = 0
        self.keys = np.zeros(0, np.int64)
        self.sums: Sums = np.zeros(0, np.int32)

    def add(self, column: Ints, threshold: Ints, amount: Ints) -> None:
        """Count an amount in bytes for each column and threshold."""
        key = np.minimum(threshold, self.largest + 1)
        key *= self.columns
        key += column
        self.pending.append((key, amount.copy()))
        self.waiting += len(key)
        if self.waiting > PENDING:
            self._settle()

    def _settle(self) -> None:
        keys, amounts = map(list, zip(*self.pending, strict=True))
        self.pending, self.waiting = [], 0
        key = np.concatenate(keys)
        del keys  # here and below: no column stays longer than it must
        key, added = self._sorted(key, amounts)
        if len(key):
            new = np.ones(len(key), np.bool_)
            np.not_equal(key[1:], key[:-1], out=new[1:])
            first = np.flatnonzero(new)
            key, added = key[first], np.add.reduceat(added, first)
            del new, first
        # Sums take 32 bits as long as that is enough: they are as many as the rows.
        if self.sums.dtype != np.int64 and _largest(self.sums) + _largest(added) >= 1 << 31:
            self.sums = self.sums.astype(np.int64)
        if not len(self.keys):
            self.keys, self.sums = key, _as(added, self.sums)
            return
        wide, count = self.sums.dtype == np.int64, len(self.keys)
        take_known = merging.add_known if wide else merging.add_known_narrow
        take_new = merging.insert if wide else merging.insert_narrow
        fresh = take_known(self.keys, self.sums, count, key, added)
        for column in (self.keys, self.sums):  # grown where they are: no copy beside them
            column.resize(count + fresh, refcheck=False)
        take_new(self.keys, self.sums, count, key, added, fresh)

    def _sorted(self, key: Ints, given: list[Ints]) -> tuple[Ints, Ints]:
        """Keys, ascending, and the amount of each; ``key`` and ``given`` are used up."""
        amount = np.concatenate(given)
        given.clear()
        amounts, place = distinct(amount)
        if (self.largest + 2) * self.columns * len(amounts) > INFINITE:
            order = np.argsort(key, kind="stable")
            return key[order], amount[order]
        del amount
        key *= max(len(amounts), 1)
        key += place
        key.sort()
        np.remainder(key, max(len(amounts), 1), out=place)
        key //= max(len(amounts), 1)
        return key, amounts[place]

    def rows(self) -> tuple[Ints, Counts, NDArray[np.int32], Sums]:
        """Distinct thresholds and their first rows, see :func:`runs`; columns and bytes of rows.

        Rows come by ascending threshold, then column. They are told once: the tally is empty then.
        """
        if self.pending:
            self._settle()
        threshold, sums = self.keys, self.sums
        self.keys, self.sums = self.keys[:0], self.sums[:0]
        column = np.empty(len(threshold), np.int32)
        for begin in range(0, len(threshold), CHUNK):
            rows = slice(begin, begin + CHUNK)
            key = threshold[rows]
            column[rows] = key % self.columns
            key //= self.columns
            key[key > self.largest] = INFINITE
        return *runs(threshold), column, sums


def runs(threshold: Ints) -> tuple[Ints, Counts]:
    """The distinct ones of ascending thresholds, after a 0, and the first row of each.

    Examples
    --------
    >>> [each.tolist() for each in runs(np.array([7, 7, 9]))]  # rows end at 3
    [[0, 7, 9], [0, 0, 2, 3]]
    """
    new = np.ones(len(threshold), np.bool_)
    np.not_equal(threshold[1:], threshold[:-1], out=new[1:])
    at = np.flatnonzero(new)
    step = np.zeros(len(at) + 1, np.int64)
    step[1:] = threshold[at]
    first: Counts = np.zeros(len(at) + 2, np.int64)
    if len(threshold) < 1 << 31:
        first = np.zeros(len(at) + 2, np.int32)
    first[1:-1], first[-1] = at, len(threshold)
    return step, first


def _as(added: Ints, sums: Sums) -> Sums:
    """Amounts in the bits that sums have."""
    return added if sums.dtype == np.int64 else added.astype(np.int32)


def _largest(sums: Sums) -> int:
    return int(sums.max(initial=0))


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
