"""The Pareto front: the machines that keep networks to a goal, none of which another one beats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

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
        clocks = {each: _Clock(each, self.solved, self.others) for each in self._workloads}
        found: list[list[Point]] = [[] for _ in self.others]
        least = [LIMIT + 1] * len(self.others)
        for capacity in self._sizes():
            below = LIMIT + 1
            for place, other in enumerate(self.others):
                # What a smaller capacity or a smaller other rate needs beats all that is not less.
                below = min(below, least[place])
                if below <= 1:
                    break
                rate = self._needed(clocks, capacity, place, below - 1)
                if rate < INFINITE:
                    found[place].append(self._point(capacity, rate, other))
                    below = least[place] = rate
            if least[0] <= 1:
                break
        return [point for points in found for point in points]

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

    def _needed(
        self, clocks: Mapping[Workload, _Clock], capacity: int, place: int, most: int
    ) -> int:
        """The smallest rate up to ``most`` that all groups need; ``INFINITE`` where none does."""
        rate = 0
        for group in self.groups:
            told = [clocks[each].at(capacity, place) for each in group]
            ends, channels = [ends for ends, _ in told], [channel for _, channel in told]
            computing = sum(int(each.compute[0].sum()) for each in ends)
            longest = self.goal.longest_ps(group[0].frames, computing)
            search = Enough(ends, channels)
            solve = search.bandwidth if self.solved == BANDWIDTH else search.mac_rate
            rate = max(rate, solve(longest, most=most))
            if rate >= INFINITE:
                break
        return rate


class _Clock:
    """One network at any capacity, on the machine with any value of the other rate."""

    def __init__(self, workload: Workload, solved: str, others: Sequence[Fraction | None]) -> None:
        self.workload, self.others = workload, others
        self.changed = "macs" if solved == BANDWIDTH else "bandwidth"
        self._ends: dict[tuple[str, int], Ends] = {}
        self._capacity = -1
        self._order = ""
        self._traffic: TaskTraffic | None = None
        self._channel: Channel | None = None

    def at(self, capacity: int, place: int) -> tuple[Ends, Channel]:
        """What it makes the channel do, at one of the other rates by its place."""
        if capacity != self._capacity:
            self._move(capacity)
        key = self._order, place
        if key not in self._ends:
            other = {self.changed: self.others[place]}
            machine = self.workload.machine.with_overrides(**other)  # type: ignore[arg-type]
            self._ends[key] = Ends(self.workload.programs[self._order], machine)
        ends = self._ends[key]
        if self._channel is None:
            assert self._traffic is not None
            self._channel = Channel.of(self._traffic, ends.machine, ends.serial)
        return ends, self._channel

    def _move(self, capacity: int) -> None:
        """Go to a capacity; neighbouring ones often move the same."""
        order, traffic = self.workload.tasks(capacity)
        if order != self._order or self._traffic is None or not _same(self._traffic, traffic):
            self._order, self._traffic, self._channel = order, traffic, None
        self._capacity = capacity


def _same(one: TaskTraffic, other: TaskTraffic) -> bool:
    return (
        np.array_equal(one.load_bytes, other.load_bytes)
        and np.array_equal(one.store_bytes, other.store_bytes)
        and np.array_equal(one.waits, other.waits)
    )
