"""Ends: when a program is done, at many bandwidths and compute rates at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.cachepass import CachePass
from memsim.engines.cache.task_pass import TaskTraffic
from memsim.engines.clock.steps import Computing, check_length, issued_at, serial_tasks
from memsim.engines.compiled import compiled
from memsim.machine import Machine
from memsim.program.program import Program
from memsim.units import PICOSECONDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

_STEPS = ((10**6, 2), (10**4, 3), (10**3, 4))
"""Ways to multiply by the picoseconds of a second digit by digit: the base, and how many digits."""


@dataclass(frozen=True)
class Channel:
    """What one cache makes the DRAM channel do, at every bandwidth.

    Attributes
    ----------
    moved : int64 array, 2 x tasks
        Bytes of loads and of stores, in whole bursts.
    latency, waits, instant : arrays, per task
        As :class:`~memsim.engines.clock.steps.Steps` has them; which loads of nothing take a
        picosecond.
    """

    moved: Ints
    latency: Ints
    waits: NDArray[np.bool_]
    instant: NDArray[np.bool_]

    @classmethod
    def of(
        cls, traffic: CachePass | TaskTraffic, machine: Machine, serial: NDArray[np.bool_]
    ) -> Channel:
        """That of a program's traffic, where some tasks wait for all that was before them."""
        burst = machine.dram.burst
        moved = -(-np.stack([traffic.load_bytes, traffic.store_bytes]) // burst) * burst
        load, store = moved
        # A load of nothing waits for nothing; where it has to, it takes a picosecond.
        instant = serial & (load == 0)
        instant[:1] = False
        instant[1:] &= store[:-1] > 0
        latency = (load > 0) * np.int64(machine.dram_latency_ps)
        return cls(moved, latency, traffic.waits | serial, instant)

    @cached_property
    def total(self) -> int:
        """Bytes of all loads and stores."""
        return int(self.moved.sum())

    @cached_property
    def most(self) -> int:
        """Bytes of the largest."""
        return int(self.moved.max(initial=0))

    @cached_property
    def latency_ps(self) -> int:
        """Picoseconds of all latencies."""
        return int(self.latency.sum())

    @cached_property
    def _distinct(self) -> tuple[Ints, Ints]:
        """Distinct amounts of bytes, ascending, and where each load and store is among them."""
        amounts, place = np.unique(self.moved, return_inverse=True)
        return amounts, place.reshape(self.moved.shape)

    @property
    def amounts(self) -> Ints:
        """Distinct amounts of bytes, ascending: tasks are alike."""
        return self._distinct[0]

    def durations(self, times: Ints) -> Ints:
        """Picoseconds of loads and stores, memories x 2 x tasks, where each amount takes so long.

        Parameters
        ----------
        times : int64 array, memories x amounts
        """
        durations = np.ascontiguousarray(times[:, self._distinct[1]])
        durations[:, 0, self.instant] = 1
        return durations

    def durations_at(self, rate: Fraction) -> Ints:
        """The same of one memory of so many usable bytes per second.

        Examples
        --------
        >>> moved, none = np.array([[0, 1, 7 * 10**9], [3, 3, 0]]), np.zeros(3, np.int64)
        >>> channel = Channel(moved, none, none > 0, none > 0)
        >>> channel.durations_at(Fraction(3 * 10**9)).tolist()
        [[[0, 334, 2333333333334], [1000, 1000, 0]]]
        >>> [channel.durations_at(Fraction(10**n, 10**6 + 1)).tolist()[0][0][1] for n in (15, 20)]
        [1001, 1]
        """
        by, most = rate.numerator, self.most * rate.denominator
        for base, count in _STEPS:
            if max(by, most) * base < 1 << 63:
                durations = np.empty((1, *self.moved.shape), np.int64)
                first = rate.denominator * base
                divide_each(self.moved, self.instant, first, by, base, count, durations)
                return durations
        per = PICOSECONDS * rate.denominator
        times = [-(-amount * per // by) for amount in self.amounts.tolist()]
        return self.durations(np.array([times], np.int64))


def channel_key(traffic: CachePass | TaskTraffic) -> bytes:
    """What is equal for two passes of one program after which it takes equally long.

    Neighbouring capacities often move the same; a program is then timed once.
    """
    digest = blake2b(traffic.waits.tobytes())
    for moved in (traffic.load_bytes, traffic.store_bytes):
        digest.update(moved.tobytes())
    return digest.digest()


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
        self.computing = Computing.of(program, machine)
        self.compute = np.array([self.computing.at(each.mac_rate("conv")) for each in engines])
        self.serial = serial_tasks(program, machine)
        issued = issued_at(program, machine)
        self.issued = np.array(issued or [0] * program.tasks, np.int64)
        self.issued_ps = int(self.issued.max(initial=0))
        self._times: dict[int, list[int]] = {}
        self._known: dict[bytes, Ints] = {}

    def after(self, traffic: CachePass | TaskTraffic) -> Ints:
        """Picoseconds until the last task is computed and stored: bandwidths x compute rates.

        Raises
        ------
        SimulationError
            If one of the times is beyond what is simulated.
        """
        key = channel_key(traffic)
        if key not in self._known:
            self._known[key] = self._after(traffic)
        return self._known[key]

    def _after(self, traffic: CachePass | TaskTraffic) -> Ints:
        channel = Channel.of(traffic, self.machine, self.serial)
        times = np.array([self._of(amount) for amount in channel.amounts.tolist()], np.int64)
        durations = channel.durations(times.T)
        longest = durations.astype(float).sum(axis=(1, 2)).max(initial=0)
        longest += float(channel.latency_ps + self.issued_ps)
        check_length(int(longest + self.compute.astype(float).sum(axis=1).max(initial=0)))
        return self.at(channel, durations, self.compute)

    def at(self, channel: Channel, durations: Ints, compute: Ints) -> Ints:
        """The same where the durations of transfers and computations are given, none too long."""
        ends = np.zeros((len(durations), len(compute)), np.int64)
        finish_each(durations, channel.latency, channel.waits, compute, self.issued, ends)
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


@compiled("void(int64[:,::1], boolean[::1], int64, int64, int64, int64, int64[:,:,::1])")
def divide_each(
    moved: Ints,
    instant: NDArray[np.bool_],
    first: int,
    by: int,
    base: int,
    count: int,
    durations: Ints,
) -> None:
    """Fill ``durations``: ``moved * first * base ** (count - 1) / by``, rounded up.

    It is a long division in ``count`` digits of that base. ``moved * first`` and ``by * base`` stay
    below 2**63, so that nothing leaves 64 bits.
    """
    for side in range(2):
        known = time = 0
        for i in range(moved.shape[1]):
            amount = moved[side, i]
            if amount != known:  # neighbours are often alike
                time = amount * first // by
                rest = amount * first - time * by
                for _ in range(1, count):
                    rest *= base
                    digit = rest // by
                    time = time * base + digit
                    rest -= digit * by
                time += 1 if rest else 0
                known = amount
            durations[0, side, i] = time
    for i in range(moved.shape[1]):
        if instant[i]:
            durations[0, 0, i] = 1


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
