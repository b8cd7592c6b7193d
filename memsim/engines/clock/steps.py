"""How long each task's load, compute and store take: what replay and recurrence share."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.cachepass import CachePass
from memsim.engines.clock.rates import is_pooling, paid_macs, rate_class
from memsim.errors import Problem, SimulationError
from memsim.machine import Machine
from memsim.program.program import Program
from memsim.units import PICOSECONDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Steps:
    """Durations in integer picoseconds, one entry per task, rounded up.

    Attributes
    ----------
    load, store : list of int
        Time on the DRAM channel; 0 where nothing moves.
    compute : list of int
        The slowest of MACs, elementwise operations and on-chip transfers, plus the kernel's
        overhead for its first task. Where the machine overlaps nothing, on-chip transfers add up.
    latency : list of int
        From the end of a load on the channel until its data are there; 0 where nothing moves.
    waits : list of bool
        Whether the load comes after the store of the task before it: because it fetches what
        that stores, or because the machine does not overlap the two.
    issued : list of int or None
        When the host has issued each task's kernel, never falling: the task's load does not begin
        before. None where kernels need not be issued.
    """

    load: list[int]
    compute: list[int]
    store: list[int]
    latency: list[int]
    waits: list[bool]
    issued: list[int] | None = None


@dataclass(frozen=True)
class Timeline:
    """When each task's load, compute and store happen: int64 arrays of picoseconds.

    A load is on the channel from ``load_start`` to ``load_end``. A transfer of nothing has
    equal start and end.
    """

    load_start: Ints
    load_end: Ints
    compute_start: Ints
    compute_end: Ints
    store_start: Ints
    store_end: Ints

    @property
    def end(self) -> int:
        """Picoseconds until the last task is computed and stored; 0 without tasks."""
        if not len(self.compute_end):
            return 0
        return int(max(self.compute_end[-1], self.store_end.max()))

    @property
    def stall(self) -> Ints:
        """How long the compute engine waits before each task."""
        before: Ints = np.concatenate([[0], self.compute_end[:-1]])
        return self.compute_start - before


LONGEST = 1 << 60
"""Picoseconds, 13 days: times beyond are refused, so that sums stay inside 64 bits."""


def durations(amounts: Ints, rate: Fraction) -> list[int]:
    """Picoseconds of each amount at a rate per second, rounded up."""
    factor, divisor = PICOSECONDS * rate.denominator, rate.numerator
    # Tasks are alike: few amounts differ, and products are too large for arrays of integers.
    distinct, which = np.unique(amounts, return_inverse=True)
    each = [-(-amount * factor // divisor) for amount in distinct.tolist()]
    check_length(max(each, default=0))
    times: list[int] = np.array(each, dtype=np.int64)[which].tolist()
    check_length(sum(times))
    return times


def check_length(time: int) -> None:
    """Refuse a time beyond :data:`LONGEST`."""
    if time > LONGEST:
        raise SimulationError(
            Problem(
                f"the simulated time is beyond {LONGEST / PICOSECONDS / 86400:.0f} days",
                hint="a machine with higher rates, or a smaller input",
            )
        )


def steps(
    program: Program, traffic: CachePass, machine: Machine, compute: list[int] | None = None
) -> Steps:
    """Turn each task's bytes and operations into time on a machine.

    Transfers are whole DRAM bursts.

    Parameters
    ----------
    program : Program
    traffic : CachePass
    machine : Machine
    compute : list of int, optional
        Picoseconds of each computation where they are known: of steps on a machine that differs
        in its DRAM alone.
    """
    burst = machine.dram.burst
    load, store = (
        durations(-(-moved // burst) * burst, machine.dram_bytes_per_s)
        for moved in (traffic.load_bytes, traffic.store_bytes)
    )
    latency = [machine.dram_latency_ps if time else 0 for time in load]
    serial = serial_tasks(program, machine)
    # A load of nothing waits for nothing; where it has to, it takes a picosecond.
    follows = np.array([0, *store[:-1]]) > 0
    for task in np.flatnonzero(serial & follows & (np.array(load) == 0)).tolist():
        load[task] = 1
    waits = traffic.waits | serial
    if compute is None:
        compute = compute_times(program, machine)
    issued = issued_at(program, machine)
    check_length(sum(load) + sum(store) + sum(latency) + sum(compute) + max(issued or [0]))
    return Steps(load, compute, store, latency, waits.tolist(), issued)


def issued_at(program: Program, machine: Machine) -> list[int] | None:
    """When the host has issued each kernel: one after the other, whatever the device does."""
    if not machine.compute.launch:
        return None
    first = first_of_kernel(program)
    check_length(int(first.sum()) * machine.compute.launch)
    times: list[int] = (np.cumsum(first) * machine.compute.launch).tolist()
    return times


def serial_tasks(program: Program, machine: Machine) -> NDArray[np.bool_]:
    """Per task: does the machine finish and store the task before it first?"""
    if machine.compute.overlap == "kernel":
        return first_of_kernel(program)
    return np.full(program.tasks, machine.compute.overlap == "none")


def first_of_kernel(program: Program) -> NDArray[np.bool_]:
    """Per task: is it the first of its kernel, in its frame?"""
    kernel = program.task_kernel
    first: NDArray[np.bool_] = np.concatenate([[True], kernel[1:] != kernel[:-1]])
    first[1:] |= np.diff(program.task_frame) > 0
    return first


@dataclass(frozen=True)
class Computing:
    """How long each computation takes, at every MAC rate of convolutions.

    Attributes
    ----------
    amounts : list of tuple of int
        Distinct amounts of MACs, as fractions: numerator and denominator of picoseconds times
        the MAC/s of convolutions. A class or data type of another rate keeps its ratio to it.
    place : int64 array, per task
        Its MACs among the amounts.
    beside : int64 array, per task
        Picoseconds of what goes on beside the MACs: the slowest decides.
    after : int64 array, per task
        Picoseconds of what comes on top.
    """

    amounts: list[tuple[int, int]]
    place: Ints
    beside: Ints
    after: Ints

    @classmethod
    def of(cls, program: Program, machine: Machine) -> Computing:
        """That of a program on a machine.

        Raises
        ------
        InputError
            For a data type that the machine does not compute in.
        SimulationError
            If what does not depend on the MAC rate takes longer than what is simulated.
        """
        vector = machine.compute.vector
        kinds = [(rate_class(kernel, vector), kernel.dtype) for kernel in program.kernels]
        each_kind = sorted({*kinds})
        number = {kind: which for which, kind in enumerate(each_kind)}
        task_kind = np.array([number[kind] for kind in kinds])[program.task_kernel]
        macs, conv = paid_macs(program, machine), machine.mac_rate("conv")
        place = np.zeros(program.tasks, np.int64)
        amounts = [(0, 1)]
        for kind, (name, dtype) in enumerate(each_kind):
            chosen = np.flatnonzero((task_kind == kind) & (macs > 0))
            if len(chosen):
                distinct, which = np.unique(macs[chosen], return_inverse=True)
                place[chosen] = len(amounts) + which
                times, per = (PICOSECONDS * conv / machine.mac_rate(name, dtype)).as_integer_ratio()
                amounts += [(each * times, per) for each in distinct.tolist()]
        pools = np.array([is_pooling(kernel) for kernel in program.kernels])[program.task_kernel]
        beside, after = np.zeros((2, program.tasks), np.int64)
        for rate, those in ((machine.elementwise_rate, ~pools), (machine.pooling_rate, pools)):
            chosen = np.flatnonzero(those & (program.task_work > 0))
            beside[chosen] = durations(program.task_work[chosen], rate)
        if machine.onchip_bytes_per_s is not None:
            onchip = np.array(durations(program.task_bytes, machine.onchip_bytes_per_s), np.int64)
            # What a core moves through its caches it does not hide where nothing overlaps.
            if machine.compute.overlap == "none":
                after = onchip
            else:
                beside = np.maximum(beside, onchip)
        first = first_of_kernel(program)
        check_length(int(first.sum()) * machine.kernel_overhead_ps)
        return cls(amounts, place, beside, after + first * machine.kernel_overhead_ps)

    @cached_property
    def work(self) -> Fraction:
        """Picoseconds of all MACs, one after the other, times the MAC/s of convolutions."""
        often = np.bincount(self.place, minlength=len(self.amounts)).tolist()
        parts = [Fraction(amount * times, per)
                 for (amount, per), times in zip(self.amounts, often, strict=True)]  # fmt: skip
        return sum(parts, Fraction(0))

    def at(self, rate: Fraction) -> Ints:
        """Picoseconds of each computation at a MAC rate of convolutions, rounded up.

        Raises
        ------
        SimulationError
            If they take longer than what is simulated.
        """
        numerator, denominator = rate.as_integer_ratio()
        each = [-(-amount * denominator // (per * numerator)) for amount, per in self.amounts]
        check_length(max(each))
        macs = np.array(each, np.int64)[self.place]
        check_length(int(macs.astype(float).sum()))
        times: Ints = np.maximum(macs, self.beside) + self.after
        return times


def compute_times(program: Program, machine: Machine) -> list[int]:
    """Picoseconds of each computation."""
    times: list[int] = Computing.of(program, machine).at(machine.mac_rate("conv")).tolist()
    return times
