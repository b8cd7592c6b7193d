"""Enough: the slowest memory, or compute engine, with which programs are done in time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from memsim.engines.cache.cachepass import CachePass
from memsim.engines.cache.task_pass import TaskTraffic
from memsim.engines.clock.crossing import crossing
from memsim.engines.clock.ends import Channel, Ends
from memsim.engines.clock.steps import LONGEST
from memsim.engines.compiled import INFINITE
from memsim.errors import SimulationError
from memsim.units import LIMIT, PICOSECONDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Enough:
    """Programs that run one after the other, each with its traffic, on one machine.

    Time never rises with the bandwidth or the compute rate: neither changes what moves, nor in
    which order, and every start is a maximum of ends before it. The part of the time that is
    stalls never rises with the bandwidth, and never falls with the compute rate: an engine that
    computes a picosecond longer ends at most a picosecond later.

    Attributes
    ----------
    ends : sequence of Ends
        The programs, at the machine's own bandwidth and compute rate.
    passes : sequence of CachePass, TaskTraffic or Channel
        The traffic of each.

    Examples
    --------
    >>> import memsim
    >>> result = memsim.run("resnet18", machine="textbook")
    >>> ends = Ends(result.program, result.machine)
    >>> enough = Enough([ends], [result.traffic]).bandwidth(time_ps=10**10)  # 10 ms
    >>> slower = memsim.run("resnet18", machine="textbook", bandwidth=enough - 1)
    >>> memsim.run("resnet18", machine="textbook", bandwidth=enough).time_s <= 0.01 < slower.time_s
    True
    """

    ends: Sequence[Ends]
    passes: Sequence[CachePass | TaskTraffic | Channel]

    def bandwidth(
        self,
        time_ps: int | None = None,
        stall: Fraction | None = None,
        mac_rate: Fraction | None = None,
        most: int = LIMIT,
    ) -> int:
        """The smallest peak bandwidth that is enough, in whole bytes per second.

        Parameters
        ----------
        time_ps : int, optional
            The longest time, in picoseconds.
        stall : Fraction, optional
            The largest part of the time that is stalls, below 1.
        mac_rate : Fraction, optional
            MAC/s of convolutions; left out: the machine's own.
        most : int
            Larger ones are not looked for.

        Returns
        -------
        int
            One less is too slow; ``INFINITE`` where no bandwidth up to ``most`` does it.
        """
        computes = [self._own(each, mac_rate) for each in self.ends]
        computing = sum(each.total for each in computes)
        longest = _longest(computing, time_ps, stall)
        if computing > longest:
            return INFINITE
        efficiency = self.ends[0].machine.dram.efficiency

        def late(rate: int) -> float:
            return self._time(rate * efficiency, computes) - longest

        # One channel moves all, one after the other.
        moved = sum(each.total for each in self._channels)
        return _smallest(late, moved * PICOSECONDS / efficiency, longest, most)

    def mac_rate(self, time_ps: int, bandwidth: Fraction | None = None, most: int = LIMIT) -> int:
        """The smallest MAC rate of convolutions that is enough, in whole MAC/s.

        Parameters
        ----------
        time_ps : int
            The longest time, in picoseconds.
        bandwidth : Fraction, optional
            Peak; left out: the machine's own.
        most : int
            Larger ones are not looked for.

        Returns
        -------
        int
            One less is too slow; ``INFINITE`` where no rate up to ``most`` does it.
        """
        memory = self._memory(bandwidth)

        def late(macs: int) -> float:
            try:
                computes = [self._own(each, Fraction(macs)) for each in self.ends]
            except SimulationError:  # a computation of weeks
                return float("inf")
            return self._time(memory, computes) - time_ps

        # One engine computes all, one after the other.
        work = sum((each.computing.work for each in self.ends), Fraction(0))
        return _smallest(late, work, time_ps, most)

    def most_macs(self, stall: Fraction, bandwidth: Fraction | None = None) -> int:
        """The largest MAC rate of convolutions at which stalls are few, in whole MAC/s.

        Parameters
        ----------
        stall : Fraction
            The largest part of the time that is stalls, below 1.
        bandwidth : Fraction, optional
            Peak; left out: the machine's own.

        Returns
        -------
        int
            One more waits too much, unless it is the largest that a machine may have; 0 where
            even the smallest waits too much.
        """
        memory = self._memory(bandwidth)

        @cache
        def patient(macs: int) -> float:
            try:
                computes = [self._own(each, Fraction(macs)) for each in self.ends]
                time = self._time(memory, computes)
            except SimulationError:  # a computation of weeks waits for nothing
                return float("inf")
            return 1 + _longest(sum(each.total for each in computes), None, stall) - time

        if patient(LIMIT) > 0:
            return LIMIT
        return crossing(patient, 1, LIMIT) - 1 if patient(1) > 0 else 0

    @cached_property
    def _channels(self) -> list[Channel]:
        return [
            moved if isinstance(moved, Channel) else Channel.of(moved, each.machine, each.serial)
            for each, moved in zip(self.ends, self.passes, strict=True)
        ]

    def _memory(self, bandwidth: Fraction | None) -> Fraction:
        """Usable bytes per second."""
        dram = self.ends[0].machine.dram
        return (dram.bandwidth if bandwidth is None else bandwidth) * dram.efficiency

    def _own(self, ends: Ends, mac_rate: Fraction | None) -> _Compute:
        """Picoseconds of each computation of one program."""
        if mac_rate is None:
            return _Compute(ends.compute, int(ends.compute.sum()))
        times = ends.computing.at(mac_rate)
        return _Compute(times[np.newaxis], int(times.sum()))

    def _time(self, rate: Fraction, computes: Sequence[_Compute]) -> float:
        """Picoseconds of all programs at usable bytes per second; infinite for weeks."""
        time = 0
        for ends, channel, compute in zip(self.ends, self._channels, computes, strict=True):
            # Everything one after the other, each transfer rounded up.
            longest = -(-channel.total * PICOSECONDS * rate.denominator // rate.numerator)
            longest += channel.moved.size + channel.latency_ps + ends.issued_ps + compute.total
            if longest > LONGEST:
                return float("inf")
            durations = channel.durations_at(rate)
            time += int(ends.at(channel, durations, compute.times)[0, 0])
        return time


class _Compute(NamedTuple):
    """Computations of one program: a row of picoseconds, and all of them together."""

    times: Ints
    total: int


def _longest(computing: int, time_ps: int | None, stall: Fraction | None) -> int:
    """The longest time that is allowed where so many picoseconds are computed."""
    limits = [] if time_ps is None else [time_ps]
    if stall is not None:
        limits.append(int(computing / (1 - stall)))
    return min(limits)


def _smallest(late: Callable[[int], float], work: Fraction, longest: int, most: int) -> int:
    """The smallest rate up to ``most`` that is not late; all work takes at least work / rate."""
    late = cache(late)
    slow = max(1, -(-work.numerator // (work.denominator * longest))) if longest > 0 else 1
    if slow > most or late(most) > 0:
        return INFINITE
    return slow if late(slow) <= 0 else crossing(late, slow, most)
