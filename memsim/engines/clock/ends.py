"""Ends: when a program is done, at many bandwidths and compute rates at once."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.cachepass import CachePass
from memsim.engines.clock.steps import check_length, compute_times, issued_at, serial_tasks
from memsim.engines.compiled import compiled
from memsim.machine import Machine
from memsim.program.program import Program
from memsim.units import PICOSECONDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


class Ends:
    """The recurrence of one program at chosen bandwidths and compute rates.

    Parameters
    ----------
    program : Program
    machine : Machine
        All of it but its bandwidth and compute rates stays.
    bandwidths, mac_rates : sequence of Fraction, or None
        Peak bytes per second; MAC/s of convolutions, as
        :class:`~memsim.machine.machine.Overrides` has them. None: the machine's own, alone.

    Raises
    ------
    InputError
        For a rate that a machine cannot have.

    Examples
    --------
    >>> import memsim
    >>> result = memsim.run("resnet18", machine="textbook", bandwidth="10GB/s")
    >>> ends = Ends(result.program, result.machine, [Fraction(10**10), Fraction(10**11)])
    >>> ends.after(result.traffic).shape
    (2, 1)
    >>> int(ends.after(result.traffic)[0, 0]) == result.time_ps
    True
    """

    def __init__(
        self,
        program: Program,
        machine: Machine,
        bandwidths: Sequence[Fraction] | None = None,
        mac_rates: Sequence[Fraction] | None = None,
    ) -> None:
        own: list[Machine] = [machine]
        memories = own if bandwidths is None else [
            machine.with_overrides(bandwidth=rate) for rate in bandwidths
        ]  # fmt: skip
        engines = own if mac_rates is None else [
            machine.with_overrides(macs=rate) for rate in mac_rates
        ]  # fmt: skip
        self.machine = machine
        self.rates = [each.dram_bytes_per_s for each in memories]
        self.compute = np.array([compute_times(program, each) for each in engines], np.int64)
        self.compute = self.compute.reshape(len(engines), program.tasks)
        self.serial = serial_tasks(program, machine)
        issued = issued_at(program, machine)
        self.issued = np.array(issued or [0] * program.tasks, np.int64)
        self._times: dict[int, list[int]] = {}

    @property
    def computing(self) -> Ints:
        """Picoseconds of all computations, per compute rate."""
        total: Ints = self.compute.sum(axis=1)
        return total

    def after(self, traffic: CachePass) -> Ints:
        """Picoseconds until the last task is computed and stored: bandwidths x compute rates.

        Raises
        ------
        SimulationError
            If one of the times is beyond what is simulated.
        """
        burst = self.machine.dram.burst
        moved = -(-np.stack([traffic.load_bytes, traffic.store_bytes]) // burst) * burst
        load, store = moved
        # A load of nothing waits for nothing; where it has to, it takes a picosecond.
        follows = np.concatenate([[0], store[:-1]]) > 0
        instant = self.serial & follows & (load == 0)
        latency = np.where(load > 0, self.machine.dram_latency_ps, 0)
        amounts, place = np.unique(moved, return_inverse=True)
        times = np.array([self._of(amount) for amount in amounts.tolist()], np.int64)
        durations = np.ascontiguousarray(times.T[:, place.reshape(moved.shape)])
        durations[:, 0, instant] = 1
        longest = durations.astype(float).sum(axis=(1, 2)).max(initial=0) + float(latency.sum())
        longest += float(self.computing.max(initial=0)) + float(self.issued.max(initial=0))
        check_length(int(longest))
        ends = np.zeros((len(self.rates), len(self.compute)), np.int64)
        finish_each(
            durations, latency, traffic.waits | self.serial, self.compute, self.issued, ends
        )
        return ends

    def _of(self, amount: int) -> list[int]:
        """Picoseconds of so many bytes at each bandwidth, rounded up; tasks are alike."""
        if amount not in self._times:
            picoseconds = amount * PICOSECONDS
            found = [
                -(-picoseconds * rate.denominator // rate.numerator) for rate in self.rates
            ]  # fmt: skip
            check_length(max(found))
            self._times[amount] = found
        return self._times[amount]


@compiled("void(int64[:,:,::1], int64[::1], boolean[::1], int64[:,::1], int64[::1], int64[:,::1])")
def finish_each(
    durations: Ints,
    latency: Ints,
    waits: NDArray[np.bool_],
    compute: Ints,
    issued: Ints,
    ends: Ints,
) -> None:
    """Fill ``ends``: what :func:`memsim.engines.clock.recurrence.finish` finds at each point.

    Parameters
    ----------
    durations : int64 array, bandwidths x 2 x tasks
        Of loads and of stores.
    latency, waits, issued : arrays, per task
    compute : int64 array, compute rates x tasks
    ends : int64 array, bandwidths x compute rates
    """
    tasks = len(waits)
    for memory in range(len(durations)):
        for engine in range(len(compute)):
            channel = computed = before = stored = emptied = last = 0
            pending = -1  # the store of the task before; -1: there is no such task
            for i in range(tasks):
                load = durations[memory, 0, i]
                if waits[i] and pending >= 0:  # that store goes first
                    stored = computed
                    if pending:
                        channel = max(stored, channel) + pending
                        stored = channel
                    last = max(last, stored)
                asked = max(computed if waits[i] else before, issued[i])
                arrived = asked
                if load:
                    channel = max(asked, channel) + load
                    arrived = channel
                if not waits[i] and pending >= 0:
                    stored = max(computed, asked)
                    if pending:
                        channel = max(stored, channel) + pending
                        stored = channel
                    last = max(last, stored)
                begin = max(arrived + latency[i], computed, emptied)
                before = computed
                computed = begin + compute[engine, i]
                emptied = stored
                pending = durations[memory, 1, i]
            if pending > 0:
                last = max(last, max(computed, channel) + pending)
            ends[memory, engine] = max(last, computed)
