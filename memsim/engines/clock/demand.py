"""The bandwidth that a program asks for: where the compute engine hardly waits any more."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from memsim.engines.cache.cachepass import CachePass
from memsim.engines.clock.compiled_recurrence import compiled_recurrence
from memsim.engines.clock.recurrence import recurrence
from memsim.engines.clock.steps import Steps, steps
from memsim.errors import SimulationError
from memsim.machine import Machine
from memsim.program.program import Program

FASTEST = 10**18
"""Bytes per second beyond which no memory is looked for: the largest rate a machine may have."""

PRECISION = Fraction(1, 1000)
"""A bandwidth is found to this part of itself."""

LONG = 20_000
"""Tasks from which on the compiled recurrence is worth loading."""


def stalled_share(durations: Steps) -> Fraction:
    """The part of the time in which the compute engine waits, as an exact fraction."""
    tell = compiled_recurrence if len(durations.compute) > LONG else recurrence
    time = tell(durations).end
    return Fraction(time - sum(durations.compute), time) if time else Fraction(0)


def bandwidth_for(
    program: Program, traffic: CachePass, machine: Machine, share: Fraction
) -> int | None:
    """The least peak DRAM bandwidth at which stalls take no more than a share of the time.

    Parameters
    ----------
    program : Program
    traffic : CachePass
        What the program moves; it does not depend on the bandwidth.
    machine : Machine
        All of it but its bandwidth stays.
    share : Fraction
        Such as 1/10.

    Returns
    -------
    int or None
        Bytes per second, at most 0.1 % above the least; None where no bandwidth does it, since
        latency, or the order of the transfers, makes the engine wait.

    Examples
    --------
    >>> import memsim
    >>> result = memsim.run("resnet18", machine="textbook")
    >>> enough = bandwidth_for(result.program, result.traffic, result.machine, Fraction(1, 10))
    >>> less = memsim.run("resnet18", machine="textbook", bandwidth=enough * 99 // 100)
    >>> less.totals["stall_s"] / less.time_s > 0.1
    True
    """
    moved = int(np.sum(traffic.load_bytes) + np.sum(traffic.store_bytes))
    if not moved:
        return 0

    compute = steps(program, traffic, machine).compute

    def enough(bandwidth: int) -> bool:
        faster = machine.with_overrides(bandwidth=bandwidth)
        try:
            return stalled_share(steps(program, traffic, faster, compute)) <= share
        except SimulationError:  # so slow that its time is beyond what is simulated
            return False

    if not enough(FASTEST):
        return None
    low, high = 1, FASTEST
    start = max(int(machine.dram.bandwidth), 1)  # most answers are near the machine's own
    while low < start < high:
        low, high, start = (low, start, start // 8) if enough(start) else (start, high, start * 8)
    while high - low > 1 and high - low > high * PRECISION:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
