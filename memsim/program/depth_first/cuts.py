"""Cuts: where to cut the list of kernels into groups, by an estimate of what they move.

Kernels in a row, as the file lists them, are always convex. Of all ways to cut the list into such
runs of at most :data:`MOST_KERNELS`, dynamic programming over the cut points finds the one that
moves least by this estimate:

- a map that is read outside of the run that makes it is written and read again by each run, unless
  it takes no more than half of the cache;
- maps inside of a run move nothing if their rows fit beside the run's weights, which then are
  fetched once; if the rows fit and the weights do not, these are fetched once per strip;
- else the run is no candidate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.program.depth_first.strips import GroupStrips, Needs
from memsim.program.depth_first.units import Group
from memsim.program.kernel import Kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]

MOST_KERNELS = 10
"""Kernels of a run."""

HEIGHTS = (1, 2, 4, 8, 16)
"""Rows of strips that are tried."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Groups, and the rows of a strip of each."""

    groups: tuple[Group, ...]
    heights: tuple[int, ...]


class Cuts:
    """The ways to cut a list of kernels, and what their runs move by the estimate.

    Parameters
    ----------
    kernels : sequence of Kernel
    needs : mapping of int to Needs
        Of each kernel.
    inputs : mapping of str to int
        Bytes of the network's inputs.
    """

    def __init__(
        self, kernels: Sequence[Kernel], needs: Mapping[int, Needs], inputs: Mapping[str, int]
    ) -> None:
        self.kernels, self.needs = kernels, needs
        self.size = {**inputs, **{each.output.name: each.output.nbytes for each in kernels}}
        self.maker = {each.output.name: number for number, each in enumerate(kernels)}
        self.last_reader = {
            name: max((n for n in needs if name in needs[n]), default=len(kernels))
            for name in self.maker
        }
        self.weights = [
            each.stored * each.output.grid[1] * each.weight_itemsize for each in kernels
        ]
        self._strips: dict[tuple[int, int, int], tuple[int, int]] = {}

    def best(self, capacity: int, *, tall: bool) -> Cut:
        """Cut the list into the runs that move least by the estimate in a cache of so many bytes.

        Parameters
        ----------
        capacity : int
        tall : bool
            Whether of strips that move alike the tallest are taken, which are the fewest, or the
            lowest, which take least of the cache.
        """
        count = len(self.kernels)
        least: list[tuple[int, int, int]] = [(0, 0, 0)]  # bytes, where its last run begins, height
        for end in range(1, count + 1):
            found = []
            for begin in range(end - 1, max(end - 1 - MOST_KERNELS, -1), -1):
                cost = self._run(begin, end, capacity, -1 if tall else 1)
                if cost is not None:
                    found.append((least[begin][0] + cost[0], begin, cost[1]))
            least.append(min(found, key=lambda each: (each[0], -each[1])))
        groups, heights, end = [], [], count
        while end:
            _, begin, height = least[end]
            if end - begin > 1:
                groups.append(tuple(range(begin, end)))
                heights.append(height)
            end = begin
        return Cut(tuple(groups[::-1]), tuple(heights[::-1]))

    def _run(self, begin: int, end: int, capacity: int, sign: int) -> tuple[int, int] | None:
        """Bytes that a run moves and the rows of its strips; None if it is no candidate."""
        names = {name for n in range(begin, end) for name in self.needs[n]}
        leave = [
            self.kernels[n].output.name
            for n in range(begin, end)
            if self.last_reader[self.kernels[n].output.name] >= end or self.kernels[n].leaves
        ]
        come = [name for name in names if not begin <= self.maker.get(name, -1) < end]
        weights = sum(self.weights[begin:end])
        outside = sum(
            self.size[name]
            for name in (*come, *leave)
            if name not in self.maker or 2 * self.size[name] > capacity
        )
        if end - begin == 1:
            return outside + weights, 0
        found = []
        for height in HEIGHTS:
            rows, count = self._strip(begin, end, height, leave)
            if rows > capacity:
                break
            once = rows + weights <= capacity
            found.append((outside + weights * (1 if once else count), height))
            if count == 1:
                break
        return min(found, key=lambda each: (each[0], sign * each[1]), default=None)

    def _strip(self, begin: int, end: int, height: int, leave: Sequence[str]) -> tuple[int, int]:
        """Most bytes of rows in a strip of a run, and how many strips there are."""
        key = begin, end, height
        if key not in self._strips:
            strips = GroupStrips.of(range(begin, end), self.kernels, self.needs, height)
            self._strips[key] = self._rows(strips, leave), strips.count
        return self._strips[key]

    def _rows(self, strips: GroupStrips, leave: Sequence[str]) -> int:
        """Most bytes of the maps inside, and of the rows that go in and out, in a strip."""
        total = np.zeros(strips.count, np.int64)
        there = [np.append(0, high) for high in strips.high]
        for number, edges in zip(strips.members, there, strict=True):
            _, channels, height, columns = self.kernels[number].output.grid
            row = channels * columns * self.kernels[number].output.itemsize
            grown = np.diff(edges)
            name = self.kernels[number].output.name
            readers = [
                (self.needs[n][name].first, e)
                for n, e in zip(strips.members, there, strict=True)
                if name in self.needs[n]
            ]
            if name not in leave and readers:
                # Padded alike on both sides, rows overlap by twice what the first one needs beyond
                # what a row adds.
                halo = max(2 * int(need[1] - need[-1] // (len(need) - 1)) for need, _ in readers)
                slowest = np.min([need[e] for need, e in readers], axis=0)
                alive = edges[1:] - slowest[:-1] + max(halo, 0)
                total += np.minimum(alive, height) * row
            else:
                total += np.minimum(grown, height) * row
        return int(total.max())
