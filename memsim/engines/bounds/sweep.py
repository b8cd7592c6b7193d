"""A sweep over the intervals of a trace that finds moments at which capacity is worth most."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.engines.bounds.intervals import Intervals
from memsim.engines.compiled import compiled, in_python, plain_will_do

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

PLAINLY = 100_000
"""Intervals that plain Python sweeps over, some 0.1 s each time."""


class Sweep:
    """Prices of 1 at moments where much is wanted, and of nothing elsewhere.

    What is wanted at a moment and does not fit must be fetched again. So that nothing is counted
    twice, only intervals count that began since the moment chosen before. Chosen is the first
    moment at which so many times the capacity is wanted, or a peak before half of it is gone.

    Parameters
    ----------
    intervals : Intervals
    """

    def __init__(self, intervals: Intervals) -> None:
        self.moments, self.capacity = intervals.moments, intervals.capacity
        wanted = np.where(intervals.fetched, intervals.size, 0)
        order = np.argsort(intervals.end, kind="stable")
        ended = np.searchsorted(intervals.end[order], np.arange(self.moments + 1))
        arrives = np.zeros(self.moments, np.int64)
        np.add.at(arrives, intervals.begin, wanted)
        self._columns: tuple[Any, ...] = (ended, intervals.begin[order], wanted[order], arrives)
        self._sweep: Callable[..., None] = sweep
        if plain_will_do(len(intervals), PLAINLY):
            self._sweep = in_python(sweep)
            self._columns = tuple(column.tolist() for column in self._columns)

    def prices(self, halves: int) -> Floats:
        """The prices where ``halves`` times half the capacity is enough to choose a moment."""
        chosen = np.zeros(self.moments, np.bool_)
        self._sweep(*self._columns, self.capacity, halves, chosen)
        return chosen.astype(np.float64)


@compiled("void(int64[::1], int64[::1], int64[::1], int64[::1], int64, int64, boolean[::1])")
def sweep(
    ended: Ints,
    start: Ints,
    leaves: Ints,
    arrives: Ints,
    capacity: int,
    halves: int,
    prices: NDArray[np.bool_],
) -> None:
    """Mark the moments in ``prices``.

    Parameters
    ----------
    ended : int64 array, moments + 1
        The first of the intervals that end at each moment.
    start, leaves : int64 arrays, per interval in the order of their ends
        The moment it begins at; its bytes, if it is fetched.
    arrives : int64 array, per moment
        Bytes of the intervals that begin there.
    """
    moments = len(arrives)
    since = -1
    chosen = -1
    peak = capacity
    open_ = 0
    moment = 0
    while moment < moments or chosen >= 0:
        if moment < moments:
            for number in range(ended[moment], ended[moment + 1]):
                if start[number] > since:
                    open_ -= leaves[number]
            open_ += arrives[moment]
        falls = moment == moments or 2 * open_ < peak + capacity or 2 * peak > halves * capacity
        if chosen >= 0 and falls:
            prices[chosen] = True
            moment = chosen + 1
            since = chosen
            peak = capacity
            open_ = 0
            chosen = -1
            continue
        if open_ > peak:
            peak = open_
            chosen = moment
        moment += 1
