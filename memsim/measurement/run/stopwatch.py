"""A stopwatch: marks on a device's clock, and what to make of repeated times."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

from memsim.formats.module.module import import_torch

FENCE = 1.5
"""A time is an outlier beyond so many interquartile ranges above the upper quartile (J. Tukey,
*Exploratory Data Analysis*, 1977)."""


class Clock(Protocol):
    """A clock of a device."""

    def describe(self) -> str:
        """What it is, in words."""

    def mark(self) -> Any:
        """A point in the device's time, when all that was asked of it so far is done."""

    def seconds(self, marks: Sequence[Any]) -> list[float]:
        """Seconds from each mark to the next."""

    def busy_seconds(self, marks: Sequence[Any]) -> list[float] | None:
        """Seconds that the processor worked for this process; None where that tells nothing."""


class CpuClock:
    """The wall clock, and beside it the processor time of this process.

    They agree on a machine that does nothing else. Where they do not, the process had to wait for
    the processor, and neither is the time of a quiet machine: what ran meanwhile also took from
    its caches.
    """

    def describe(self) -> str:
        """Its resolution."""
        resolution = time.get_clock_info("perf_counter").resolution
        return (
            f"time.perf_counter_ns, resolution {1e9 * resolution:.0f} ns; "
            "cpu_s by time.process_time_ns"
        )

    def mark(self) -> tuple[int, int]:
        """Nanoseconds of the wall clock and of the process."""
        return time.perf_counter_ns(), time.process_time_ns()

    def seconds(self, marks: Sequence[tuple[int, int]]) -> list[float]:
        """The differences of the wall clock."""
        return [(b - a) / 1e9 for (a, _), (b, _) in pairwise(marks)]

    def busy_seconds(self, marks: Sequence[tuple[int, int]]) -> list[float]:
        """The differences of the process's time."""
        return [(b - a) / 1e9 for (_, a), (_, b) in pairwise(marks)]


class CudaClock:
    """CUDA events on the current stream: the device's own time, not that of the calls."""

    def __init__(self) -> None:
        self._cuda = import_torch().cuda

    def describe(self) -> str:
        """Its resolution (CUDA Runtime API, ``cudaEventElapsedTime``)."""
        return "CUDA events, resolution about 500 ns"

    def mark(self) -> Any:
        """An event that was recorded."""
        event = self._cuda.Event(enable_timing=True)
        event.record()
        return event

    def seconds(self, marks: Sequence[Any]) -> list[float]:
        """The differences, once the device has come to the last event."""
        self._cuda.synchronize()
        return [a.elapsed_time(b) / 1e3 for a, b in pairwise(marks)]

    def busy_seconds(self, marks: Sequence[Any]) -> None:
        """Nothing: the events are the device's own time, whatever the processor does."""


@dataclass(frozen=True, slots=True)
class Times:
    """Repeated times of one thing.

    Attributes
    ----------
    median_s, spread_s : float
        Seconds of the wall clock; the spread is the interquartile range.
    runs, outliers : int
        How many times there are, and how many of them are far above the others.
    cpu_s : float or None
        The median of the processor time in seconds; None where it was not read.
    """

    median_s: float
    spread_s: float
    runs: int
    outliers: int
    cpu_s: float | None = None

    @classmethod
    def of(cls, seconds: Sequence[float], busy: Sequence[float] | None = None) -> Times:
        """Summarise times.

        Examples
        --------
        >>> Times.of([3.0, 1.0, 2.0, 2.0, 40.0])
        Times(median_s=2.0, spread_s=1.0, runs=5, outliers=1, cpu_s=None)
        """
        import numpy as np

        low, middle, high = np.percentile(np.array(seconds), (25, 50, 75)).tolist()
        fence = high + FENCE * (high - low)
        outliers = sum(each > fence for each in seconds)
        cpu_s = None if busy is None else float(np.median(np.array(busy)))
        return cls(middle, high - low, len(seconds), outliers, cpu_s)
