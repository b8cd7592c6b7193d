"""The bandwidth that a program asks for: where the compute engine hardly waits any more."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

from memsim.engines.cache.cachepass import CachePass
from memsim.engines.clock.crossing import crossing
from memsim.engines.clock.ends import Channel, Ends
from memsim.engines.clock.recurrence import finish
from memsim.engines.clock.steps import check_length, steps
from memsim.errors import SimulationError
from memsim.machine import Machine
from memsim.program.program import Program
from memsim.units import PICOSECONDS

FASTEST = 10**18
"""Bytes per second beyond which no memory is looked for: the largest rate a machine may have."""

PRECISION = Fraction(1, 1000)
"""A bandwidth is found to this part of itself."""

LONG = 50_000
"""Tasks from which on a compiled loop is worth loading."""


@dataclass(frozen=True)
class Demand:
    """How long one program takes on a machine with one DRAM bandwidth and another.

    Attributes
    ----------
    program : Program
    traffic : CachePass
        What the program moves; it does not depend on the bandwidth.
    machine : Machine
        All of it but its bandwidth stays.
    known_compute : list of int, optional
        Picoseconds of each computation, where they have been found.

    Examples
    --------
    >>> import memsim
    >>> result = memsim.run("resnet18", machine="textbook")
    >>> demand = Demand(result.program, result.traffic, result.machine)
    >>> enough = demand.bandwidth_for(Fraction(1, 10))
    >>> less = memsim.run("resnet18", machine="textbook", bandwidth=enough * 99 // 100)
    >>> less.totals["stall_s"] / less.time_s > 0.1
    True
    """

    program: Program
    traffic: CachePass
    machine: Machine
    known_compute: list[int] | None = field(default=None, repr=False)
    _known: dict[int, int | None] = field(default_factory=dict, repr=False)

    @cached_property
    def _compute(self) -> list[int]:
        if self.known_compute is not None:
            return self.known_compute
        return steps(self.program, self.traffic, self.machine).compute

    def time(self, bandwidth: int) -> int | None:
        """Picoseconds at a peak bandwidth in bytes per second; None beyond what is simulated."""
        if bandwidth not in self._known:
            machine = self.machine.with_overrides(bandwidth=bandwidth)
            end: int | None
            try:
                if self.program.tasks > LONG:
                    end = self._long_time(machine)
                else:
                    end = finish(steps(self.program, self.traffic, machine, self._compute))
            except SimulationError:
                end = None
            self._known[bandwidth] = end
        return self._known[bandwidth]

    @cached_property
    def _ends(self) -> Ends:
        return Ends(self.program, self.machine)

    @cached_property
    def _channel(self) -> Channel:
        return Channel.of(self.traffic, self.machine, self._ends.serial)

    def _long_time(self, machine: Machine) -> int:
        """The same without a Python number per task: what the channel moves stays the same."""
        rate, channel, ends = machine.dram_bytes_per_s, self._channel, self._ends
        check_length(channel.total * PICOSECONDS * rate.denominator // rate.numerator)
        durations = channel.durations_at(rate)
        others = channel.latency_ps + ends.issued_ps + int(ends.compute.sum())
        check_length(int(durations.sum()) + others)
        return int(ends.at(channel, durations, ends.compute)[0, 0])

    def bandwidth_for(self, share: Fraction) -> int | None:
        """The least peak DRAM bandwidth at which stalls take no more than a share of the time.

        Parameters
        ----------
        share : Fraction
            Such as 1/10.

        Returns
        -------
        int or None
            Bytes per second, at most 0.1 % above the least; None where no bandwidth does it,
            since latency, or the order of the transfers, makes the engine wait.
        """
        if not int(self.traffic.load_bytes.sum()) + int(self.traffic.store_bytes.sum()):
            return 0
        longest = int(sum(self._compute) / (1 - share))

        def late(bandwidth: int) -> float:
            time = self.time(bandwidth)
            return float("inf") if time is None else time - longest

        if late(FASTEST) > 0:
            return None
        slow = max(int(self.machine.dram.bandwidth), 1)
        while slow > 1 and late(slow) <= 0:
            slow = max(slow // 8, 1)
        fast = min(known for known in self._known if known > slow and late(known) <= 0)
        slow = max(known for known in self._known if known < fast and late(known) > 0)
        return crossing(late, slow, fast, PRECISION)
