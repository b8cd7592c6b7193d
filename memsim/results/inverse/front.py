"""The Pareto front: the machines that keep networks to a goal, none of which another one beats."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.cachepass import CachePass
from memsim.engines.cache.task_pass import TaskTraffic
from memsim.engines.clock.ends import Channel, Ends
from memsim.engines.clock.enough import Enough
from memsim.engines.compiled import INFINITE
from memsim.results.inverse.capacities import Group
from memsim.results.inverse.goal import Goal
from memsim.results.inverse.workload import Workload
from memsim.units import LIMIT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

SRAM, BANDWIDTH, MACS = "sram", "bandwidth", "macs"

Point = tuple[int, int | Fraction, int | Fraction]
"""Bytes of cache, peak bytes per second, MAC/s of convolutions."""


@dataclass
class Stairs:
    """The least of one number over all up to another: a front of two numbers as it is found."""

    places: list[int] = field(default_factory=list)
    least: list[int] = field(default_factory=list)

    def below(self, place: int) -> int:
        """The least that is known at places up to this one; one above the limit for none.

        Examples
        --------
        >>> stairs = Stairs([0, 8], [5, 3])
        >>> stairs.below(7), stairs.below(8)
        (5, 3)
        """
        at = bisect_right(self.places, place)
        return self.least[at - 1] if at else LIMIT + 1

    def add(self, points: Sequence[tuple[int, int]]) -> None:
        """Take in more points."""
        merged = sorted([*zip(self.places, self.least, strict=True), *points])
        self.places, self.least = [], []
        for place, least in merged:
            if not self.least or least < self.least[-1]:
                self.places.append(place)
                self.least.append(least)


@dataclass(frozen=True)
class Search:
    """A search for the front: at each capacity the smallest rate, exactly.

    Traffic is a step function of the capacity, so a capacity between two steps is no better than
    the lower one in what it moves: capacities are those at which the traffic of one of the networks
    changes, all of them. A rate is only looked for below the least that a smaller capacity needs.

    Attributes
    ----------
    goal : Goal
        Of the time.
    groups : sequence of Group
        Each is to keep to the goal; the networks of one group run one after the other.
    solved : str
        ``bandwidth`` or ``macs``: the rate that is found at each capacity.
    others : sequence of Fraction or None
        Values of the other rate to choose from, ascending; None stands for the machine's own.
    capacities : sequence of int, optional
        Those to choose from; left out: where traffic changes.
    """

    goal: Goal
    groups: Sequence[Group]
    solved: str
    others: Sequence[Fraction | None] = (None,)
    capacities: Sequence[int] | None = None

    def points(self) -> list[Point]:
        """The front, by the other rate and by ascending capacity."""
        known = Stairs()
        found: list[Point] = []
        for other in self.others:
            points = list(self._at(other, known))
            known.add(points)
            found += [self._point(capacity, rate, other) for capacity, rate in points]
        return found

    def _point(self, capacity: int, rate: int, other: Fraction | None) -> Point:
        machine = self._workloads[0].machine
        if self.solved == BANDWIDTH:
            own = machine.compute.macs_per_s.conv
            return capacity, rate, own if other is None else other
        return capacity, machine.dram.bandwidth if other is None else other, rate

    @property
    def _workloads(self) -> list[Workload]:
        return list(dict.fromkeys(each for group in self.groups for each in group))

    def _sizes(self) -> list[int]:
        if self.capacities is not None:
            return sorted({*self.capacities})
        each = [workload.breakpoints for workload in self._workloads]
        sizes: list[int] = np.unique(np.concatenate(each)).tolist()
        return sizes

    def _at(self, other: Fraction | None, known: Stairs) -> Iterator[tuple[int, int]]:
        """Capacities and rates that no smaller capacity, and no smaller other rate, has."""
        own = {each: _Clock(each, self.solved, other) for each in self._workloads}
        best = LIMIT + 1
        for capacity in self._sizes():
            below = min(best, known.below(capacity))
            if below <= 1:
                return
            rate = 0
            for group in self.groups:
                needed = self._needs([own[each] for each in group], capacity, below - 1)
                if needed >= INFINITE:
                    break
                rate = max(rate, needed)
            else:
                yield capacity, rate
                best = rate

    def _needs(self, clocks: list[_Clock], capacity: int, most: int) -> int:
        """The smallest rate up to ``most`` that the group needs."""
        told = [each.at(capacity) for each in clocks]
        ends, channels = [ends for ends, _ in told], [channel for _, channel in told]
        frames = clocks[0].workload.frames
        computing = sum(int(each.compute[0].sum()) for each in ends)
        longest = self.goal.longest_ps(frames, computing)
        search = Enough(ends, channels)
        if self.solved == BANDWIDTH:
            return search.bandwidth(longest, most=most)
        return search.mac_rate(longest, most=most)


class _Clock:
    """One network at any capacity, on the machine with one value of the other rate."""

    def __init__(self, workload: Workload, solved: str, other: Fraction | None) -> None:
        changed = {"macs": other} if solved == BANDWIDTH else {"bandwidth": other}
        self.workload = workload
        self.machine = workload.machine.with_overrides(**changed)  # type: ignore[arg-type]
        self._ends: dict[str, Ends] = {}
        self._last: tuple[str, CachePass | TaskTraffic, Channel] | None = None

    def at(self, capacity: int) -> tuple[Ends, Channel]:
        """What it makes the channel do; neighbouring capacities often do the same."""
        order, traffic = self.workload.tasks(capacity)
        if order not in self._ends:
            self._ends[order] = Ends(self.workload.programs[order], self.machine)
        ends = self._ends[order]
        if self._last is None or self._last[0] != order or not _same(self._last[1], traffic):
            channel = Channel.of(traffic, self.machine, ends.serial)
            self._last = order, traffic, channel
        return ends, self._last[2]


def _same(one: CachePass | TaskTraffic, other: CachePass | TaskTraffic) -> bool:
    return (
        np.array_equal(one.load_bytes, other.load_bytes)
        and np.array_equal(one.store_bytes, other.store_bytes)
        and np.array_equal(one.waits, other.waits)
    )
