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

    An entry is packed into one integer, threshold first and then its column and its amount's
    number. Plain integers are sorted several times faster than an order of rows is found.

    Parameters
    ----------
    columns : int
        How many columns there are.
    largest : int
        The largest finite threshold that can come.
    amounts : int64 array
        The distinct amounts in bytes; entries name them by their place.

    Raises
    ------
    SimulationError
        Where an entry does not fit into 63 bits.

    Examples
    --------
    >>> tally = Tally(columns=2, largest=100, amounts=np.array([16, 64]))
    >>> tally.add(np.array([1, 0, 1]), np.array([10, 20, 10]), np.array([0, 0, 1]))
    >>> [part.tolist() for part in tally.rows()]  # thresholds, columns, bytes
    [[10, 20], [1, 0], [80, 16]]
    """

    def __init__(self, columns: int, largest: int, amounts: Ints) -> None:
        if (largest + 2) * columns * len(amounts) > INFINITE:
            raise SimulationError("the program is too large for a curve: run single sizes instead")
        self.columns, self.largest, self.amounts = columns, largest, amounts
        self.pending: list[Ints] = []
        self.waiting = 0
        self.keys, self.sums = np.zeros(0, np.int64), np.zeros(0, np.int64)

    def add(self, column: Ints, threshold: Ints, amount: Ints) -> None:
        """Count an amount, given by its place, for each column and threshold."""
        key = np.minimum(threshold, self.largest + 1)
        key *= self.columns
        key += column
        key *= len(self.amounts)
        key += amount
        self.pending.append(key)
        self.waiting += len(key)
        if self.waiting > max(PENDING, len(self.keys)):
            self._settle()

    def _settle(self) -> None:
        packed = np.concatenate(self.pending)
        self.pending, self.waiting = [], 0
        packed.sort()
        key, amount = np.divmod(packed, len(self.amounts))
        key, added = _sum_equal(key, self.amounts[amount])
        if not len(self.keys):
            self.keys, self.sums = key, added
            return
        keys, sums = np.concatenate([self.keys, key]), np.concatenate([self.sums, added])
        order = np.argsort(keys, kind="stable")  # a merge of two ascending runs
        self.keys, self.sums = _sum_equal(keys[order], sums[order])

    def rows(self) -> tuple[Ints, Ints, Ints]:
        """Thresholds, columns and bytes; by ascending threshold, then column."""
        if self.pending:
            self._settle()
        threshold, column = np.divmod(self.keys, self.columns)
        threshold[threshold > self.largest] = INFINITE
        return threshold, column, self.sums


def _sum_equal(key: Ints, amount: Ints) -> tuple[Ints, Ints]:
    """Add up the amounts of equal keys; the keys ascend."""
    if not len(key):
        return key, amount
    first = np.flatnonzero(np.diff(key, prepend=key[0] - 1))
    return key[first], np.add.reduceat(amount, first)
