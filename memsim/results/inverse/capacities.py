"""The smallest cache with which workloads keep to a goal."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from memsim.engines.clock.steps import LONGEST
from memsim.results.inverse.goal import Goal, Reached
from memsim.results.inverse.workload import Workload
from memsim.units import PICOSECONDS

MOST = 300
"""Sizes that are all looked at where each takes a whole cache pass; of more, some are."""

Group = tuple[Workload, ...]
"""Workloads that run one after the other: what they move and how long they take adds up."""


@dataclass(frozen=True, slots=True)
class FoundCache:
    """The smallest cache of a search, and what is known of those below it.

    Attributes
    ----------
    capacity : int or None
        Bytes; None where no cache does it.
    best : int
        Where none does it, the capacity that comes nearest.
    none_below : int
        No cache below this many bytes does it.
    is_first : bool
        Whether no smaller cache at which traffic changes does it: every one was looked at.
    """

    capacity: int | None
    best: int
    none_below: int
    is_first: bool


@dataclass(frozen=True)
class Capacities:
    """A search over cache sizes.

    What moves falls with the cache, so for a goal of the traffic the first size that keeps to it
    is the smallest of all. Times do not: a larger cache writes a block back later, which may be
    just when the next load is waited for. So times are found at every size at which traffic
    changes, from the first one on that is not known to be too small since its traffic alone takes
    too long, up to the first that keeps to the goal; between that one and the one before it, which
    fails, bytes are halved. One byte less fails; no smaller size at which traffic changes does it.
    Of a hardware cache, whose traffic changes with every line, the sizes are halved as well.

    Attributes
    ----------
    goal : Goal
    groups : sequence of Group
        Each is to keep to the goal.
    """

    goal: Goal
    groups: Sequence[Group]

    @cached_property
    def sizes(self) -> list[int]:
        """The capacities at which something of the traffic changes, ascending."""
        each = [workload.breakpoints for group in self.groups for workload in group]
        sizes: list[int] = np.unique(np.concatenate(each)).tolist()
        return sizes

    @property
    def is_sampled(self) -> bool:
        """Whether the traffic is known at some sizes alone."""
        return any(workload.curve.sampled for group in self.groups for workload in group)

    def kept(self, capacity: int) -> bool:
        """Whether every group keeps to the goal."""
        return all(self.goal.kept(self.reached(group, capacity)) for group in self.groups)

    def reached(self, group: Group, capacity: int) -> list[Reached]:
        """What one group does at a capacity."""
        timed = self.goal.is_timed
        return [each.at(capacity) if timed else each.at_rest(capacity) for each in group]

    def find(self) -> FoundCache:
        """The smallest capacity that keeps every group to the goal."""
        sizes, is_first = self.sizes, True
        first = bisect_left(sizes, True, key=self._is_possible) if self.goal.is_timed else 0
        if not self.goal.is_timed and self.goal.name != "energy":
            # Traffic falls.
            found = bisect_left(sizes, True, key=self.kept)
            place = found if found < len(sizes) else None
        elif all(each.is_fast for group in self.groups for each in group) or (
            len(sizes) - first <= MOST
        ):
            place = next((i for i in range(first, len(sizes)) if self.kept(sizes[i])), None)
        else:
            place, is_first = self._halved(first), False
        if place is None:
            return FoundCache(None, self._nearest(first if is_first else len(sizes)), 0, is_first)
        capacity = sizes[place]
        if self.goal.is_timed and place > first and not self.is_sampled:
            capacity = self._between(sizes[place - 1], capacity)
        least = sizes[first] if self.goal.is_timed else capacity
        return FoundCache(capacity, capacity, least, is_first or place == first)

    def _halved(self, first: int) -> int | None:
        """A size that keeps to the goal where the one before it fails; None if the last fails."""
        fails, keeps = first - 1, len(self.sizes) - 1
        if not self.kept(self.sizes[keeps]):
            return None
        while keeps - fails > 1:
            middle = (fails + keeps) // 2
            if self.kept(self.sizes[middle]):
                keeps = middle
            else:
                fails = middle
        return keeps

    def _between(self, fails: int, keeps: int) -> int:
        """The smallest that keeps to the goal, where one byte less fails."""
        while keeps - fails > 1:
            middle = (fails + keeps) // 2
            if self.kept(middle):
                keeps = middle
            else:
                fails = middle
        return keeps

    def _is_possible(self, capacity: int) -> bool:
        """Whether what moves takes no longer than all may take: it never turns false again."""
        for group in self.groups:
            machine = group[0].machine
            moved = sum(each.moved(capacity) for each in group)
            computing = sum(each.longest_computing_ps for each in group)
            longest = min(self.goal.longest_ps(group[0].frames, computing), LONGEST)
            if moved * PICOSECONDS > longest * machine.dram_bytes_per_s:
                return False
        return True

    def _nearest(self, first: int) -> int:
        """The size that comes nearest to the goal; of those that are possible, if any is."""
        sizes = self.sizes[first:] or self.sizes[-1:]
        if not self.goal.is_timed:
            return sizes[-1]
        better = max if self.goal.name == "fps" else min
        worse = min if self.goal.name == "fps" else max

        def value(size: int) -> float:
            return worse(self.goal.value(self.reached(group, size)) for group in self.groups)

        return better(sizes, key=value)
