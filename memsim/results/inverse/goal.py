"""Goals: what a run must keep to, so that a machine can be asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from memsim.units import PICOSECONDS

TRAFFIC, WITHIN, TIME, FPS, STALL, ENERGY = "traffic", "within", "time", "fps", "stall", "energy"

TIMED = (TIME, FPS, STALL)
"""Goals of the time; the others are of what moves, which no rate changes."""


@dataclass(frozen=True, slots=True)
class Reached:
    """What one network does at one point, as far as a goal may be about it.

    Attributes
    ----------
    dram_bytes, compulsory_bytes : int
    energy_j : float or None
        None where its machine does not know it.
    frames : int
        Inferences in a row.
    time_ps, computing_ps : int
        Latency, and what of it is computing; 0 where no goal asks.
    """

    dram_bytes: int
    compulsory_bytes: int
    energy_j: float | None
    frames: int
    time_ps: int = 0
    computing_ps: int = 0


@dataclass(frozen=True, slots=True)
class Goal:
    """A limit that a run keeps to, or several runs one after the other.

    Attributes
    ----------
    name : str
        ``traffic``, ``within``, ``time``, ``fps``, ``stall`` or ``energy``.
    limit : Fraction
        Bytes, a share above compulsory, picoseconds, inferences per second, a share of the time,
        or joules.

    Examples
    --------
    >>> goal = Goal("fps", Fraction(30))
    >>> runs = [Reached(0, 0, None, 1, time_ps=15 * 10**9), Reached(0, 0, None, 1, 18 * 10**9)]
    >>> goal.longest_ps(frames=1, computing_ps=0)
    33333333333
    >>> goal.kept(runs[:1]), goal.value(runs[:1])
    (True, 66.66666666666667)
    """

    name: str
    limit: Fraction

    @property
    def is_timed(self) -> bool:
        """Whether the time decides, and not what moves alone."""
        return self.name in TIMED

    @property
    def plain_limit(self) -> int | float:
        """The limit as a plain number, a time in seconds."""
        limit = self.limit / PICOSECONDS if self.name == TIME else self.limit
        return int(limit) if limit.denominator == 1 else float(limit)

    def longest_ps(self, frames: int, computing_ps: int) -> int:
        """The longest time that keeps to a goal of the time, in picoseconds.

        Parameters
        ----------
        frames : int
            Inferences that are to be done in it, of one network.
        computing_ps : int
            How long all of them compute.
        """
        if self.name == TIME:
            return int(self.limit)
        if self.name == FPS:
            return int(frames * PICOSECONDS / self.limit)
        return int(computing_ps / (1 - self.limit))

    def kept(self, runs: Sequence[Reached]) -> bool:
        """Whether runs, one after the other, keep to it: what they move and take adds up."""
        if self.is_timed:
            frames = max(run.frames for run in runs)
            computing = sum(run.computing_ps for run in runs)
            return sum(run.time_ps for run in runs) <= self.longest_ps(frames, computing)
        if self.name == ENERGY:
            return self.value(runs) <= float(self.limit)
        return sum(run.dram_bytes for run in runs) <= self.most_bytes(runs)

    def most_bytes(self, runs: Sequence[Reached]) -> int:
        """What may move at most, for a goal of the traffic."""
        if self.name == TRAFFIC:
            return int(self.limit)
        return int(sum(run.compulsory_bytes for run in runs) * (1 + self.limit))

    def value(self, runs: Sequence[Reached]) -> float:
        """What the goal is about: bytes, share, picoseconds, inferences per second or joules."""
        time = sum(run.time_ps for run in runs)
        if self.name == TIME:
            return time
        if self.name == FPS:
            return max(run.frames for run in runs) * PICOSECONDS / time if time else float("inf")
        if self.name == STALL:
            return (time - sum(run.computing_ps for run in runs)) / time if time else 0.0
        if self.name == ENERGY:
            return sum(run.energy_j or 0.0 for run in runs)
        moved = sum(run.dram_bytes for run in runs)
        if self.name == TRAFFIC:
            return moved
        least = sum(run.compulsory_bytes for run in runs)
        return moved / least - 1 if least else 0.0
