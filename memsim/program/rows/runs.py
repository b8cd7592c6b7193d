"""Runs of rows that belong to strips."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]


class TooManyRows(Exception):
    """Strips read more rows apart from one another than are worth listing."""


class RowRuns(NamedTuple):
    """Rows that strips access: for each strip runs of neighbouring rows, from the top down.

    Attributes
    ----------
    start : array of int, strips + 1
        First run of each strip.
    low, high : array of int, one entry per run
        First row and row behind the last.
    """

    start: Index
    low: Index
    high: Index

    @classmethod
    def ranges(cls, low: Index, high: Index) -> RowRuns:
        """One run for each strip."""
        return cls(np.arange(len(low) + 1), low, high)

    @staticmethod
    @lru_cache(maxsize=1024)
    def whole(strips: int, rows: int) -> RowRuns:
        """All rows for each strip."""
        found = RowRuns.ranges(np.zeros(strips, np.int64), np.full(strips, rows, np.int64))
        return RowRuns(*read_only(*found))

    def together(self, first: Index, behind: Index) -> RowRuns:
        """The rows that strips access which are several of these in a row, ``[first, behind)``.

        Examples
        --------
        >>> runs = RowRuns.ranges(np.array([0, 2, 5]), np.array([3, 4, 6]))
        >>> [column.tolist() for column in runs.together(np.array([0, 1]), np.array([2, 3]))]
        [[0, 1, 3], [0, 2, 5], [4, 4, 6]]
        """
        begin, end = self.start[first], self.start[behind]
        strip = np.repeat(np.arange(len(first)), end - begin)
        run = np.arange(len(strip)) + np.repeat(end - np.cumsum(end - begin), end - begin)
        some = self.low[run] < self.high[run]
        strip, low, high = merged(strip[some], self.low[run[some]], self.high[run[some]])
        return RowRuns(np.searchsorted(strip, np.arange(len(first) + 1)), low, high)

    @property
    def counts(self) -> Index:
        """How many rows each strip accesses."""
        total = np.concatenate([[0], np.cumsum(self.high - self.low)])
        counts: Index = np.diff(total[self.start])
        return counts


def read_only(*arrays: Index) -> tuple[Index, ...]:
    """The same arrays, which are kept and given to several from now on."""
    for array in arrays:
        array.flags.writeable = False
    return arrays


def merged(group: Index, low: Index, high: Index) -> tuple[Index, Index, Index]:
    """Ranges of each group, in order, those that meet or overlap as one.

    Examples
    --------
    >>> group, low, high = np.array([[1, 0, 0, 0], [4, 2, 7, 0], [6, 5, 9, 3]])
    >>> [column.tolist() for column in merged(group, low, high)]
    [[0, 0, 1], [0, 7, 4], [5, 9, 6]]
    """
    names, group = np.unique(group, return_inverse=True)
    apart = int(high.max(initial=0)) + 2  # ranges of two groups never meet
    low, high = low + group * apart, high + group * apart
    order = np.argsort(low, kind="stable")
    low, high = low[order], np.maximum.accumulate(high[order])
    begins = np.flatnonzero(low > np.concatenate([[-1], high[:-1]]))
    low, high = low[begins], np.maximum.reduceat(high, begins) if len(begins) else high
    group = low // apart
    return names[group], low - group * apart, high - group * apart
