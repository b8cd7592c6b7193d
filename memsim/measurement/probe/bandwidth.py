"""How fast memory is: loops that move bytes, over footprints from the first cache to DRAM.

Three loops over arrays of 8-byte numbers, after STREAM: *copy* ``a = b``, *read* ``sum(b)`` and
*triad* ``a = b + s * c``. They are compiled, and repeat inside the compiled code: a call of NumPy
takes as long as 16 KiB do, and its copies go past the caches from some size on. Theirs are plain
loads and stores.

What counts is what the loop names: 16, 8 and 24 bytes per element. That a processor fetches a
line before it stores to it (write-allocate) does not count; where it does, DRAM moves 24, 8 and
32 bytes. The footprint is that of all arrays of a loop together.

References
----------
J. McCalpin, "Memory Bandwidth and Machine Balance in Current High Performance Computers",
IEEE TCCA Newsletter, 1995.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Doubles = NDArray[np.float64]

ITEM = 8
"""Bytes of a number."""

LINE = 64

BLOCK_NS, TEAM_BLOCK_NS = 1_000_000, 5_000_000
"""A timed block repeats its loop until it takes so long: short, so that few are interrupted, but a
hundred times what the clock takes, or what several threads take to start."""


@compiled("void(float64[::1], float64[::1], float64[::1], float64, int64)", nogil=True)
def _copy(a: Doubles, b: Doubles, c: Doubles, s: float, times: int) -> None:
    for _ in range(times):
        for i in range(len(a)):
            a[i] = b[i]


@compiled("void(float64[::1], float64[::1], float64[::1], float64, int64)", nogil=True)
def _read(a: Doubles, b: Doubles, c: Doubles, s: float, times: int) -> None:
    # The bits as integers: those are added in one cycle and in any order, so that four sums at a
    # time keep up with the loads; floating-point additions would be what is timed.
    bits = b.view(np.int64)
    total = 0
    for _ in range(times):
        for i in range(len(bits)):
            total += bits[i]
    a[0] = total  # or nothing would have to be read


@compiled("void(float64[::1], float64[::1], float64[::1], float64, int64)", nogil=True)
def _triad(a: Doubles, b: Doubles, c: Doubles, s: float, times: int) -> None:
    for _ in range(times):
        for i in range(len(a)):
            a[i] = b[i] + s * c[i]


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop and the arrays that it goes over, which are what counts."""

    run: Callable[..., None]
    arrays: int


LOOPS = {"copy": Loop(_copy, 2), "read": Loop(_read, 1), "triad": Loop(_triad, 3)}
"""By name."""

TOGETHER = 6 * LINE
"""A footprint is a multiple of this for each thread, so that it divides into 1, 2 or 3 arrays."""


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """How fast one loop was at one footprint.

    Attributes
    ----------
    loop : str
    footprint_bytes : int
        Of all its arrays, of all threads.
    median, low, high : float
        Bytes per second: of the blocks, the slowest and the fastest of them.
    runs : int
    """

    loop: str
    footprint_bytes: int
    median: float
    low: float
    high: float
    runs: int


def footprints(smallest: int, largest: int, per_octave: int, threads: int = 1) -> tuple[int, ...]:
    """Footprints in equal steps, ``per_octave`` from one to twice it.

    Examples
    --------
    >>> footprints(16384, 65536, 2)
    (16512, 23040, 32640, 46464, 65664)
    """
    unit = TOGETHER * threads
    steps = round(per_octave * np.log2(largest / smallest))
    sizes = (smallest * 2 ** (step / per_octave) for step in range(steps + 1))
    return tuple(dict.fromkeys(max(round(size / unit), 1) * unit for size in sizes))


def bandwidths(
    sizes: Sequence[int],
    threads: int,
    runs: int,
    progress: Callable[[], object] = lambda: None,
) -> tuple[Bandwidth, ...]:
    """Time every loop at every footprint, all of them in turn, ``runs`` times.

    Parameters
    ----------
    sizes : sequence of int
        Of :func:`footprints`, bytes.
    threads : int
        Each goes over a part of its own.
    runs : int
        Blocks per loop and footprint.
    progress : callable
        Called after every footprint, ``runs + 1`` times for each of them.
    """
    with ThreadPoolExecutor(threads) as pool:
        team = _Team(pool, threads, max(sizes))
        times = {}
        for loop in LOOPS.values():
            team.run(loop, TOGETHER * threads, 1)  # compiles it
        for size in sizes:
            for name, loop in LOOPS.items():
                times[size, name] = team.enough(loop, size)
            progress()
        rates: dict[tuple[int, str], list[float]] = {place: [] for place in times}
        for _ in range(runs):
            for size in sizes:
                for name, loop in LOOPS.items():
                    repeat = times[size, name]
                    rates[size, name].append(1e9 * size * repeat / team.run(loop, size, repeat))
                progress()
    return tuple(
        Bandwidth(name, size, statistics.median(blocks), min(blocks), max(blocks), runs)
        for (size, name), blocks in rates.items()
    )


class _Team:
    """Threads, and the memory that they go over."""

    def __init__(self, pool: ThreadPoolExecutor, threads: int, largest: int) -> None:
        self.pool, self.threads = pool, threads
        self.block = BLOCK_NS if threads == 1 else TEAM_BLOCK_NS
        self.barrier = Barrier(threads)
        whole = np.empty(largest // ITEM + LINE // ITEM)
        skip = -whole.ctypes.data % LINE // ITEM
        self.memory: Doubles = whole[skip : skip + largest // ITEM]
        self.memory.fill(1.0)  # pages exist from here on
        self.spare = [np.zeros(LINE) for _ in range(threads)]

    def enough(self, loop: Loop, size: int) -> int:
        """How often a loop is repeated in a block; runs it meanwhile, which fills the caches."""
        repeat = 1
        while (took := self.run(loop, size, repeat)) < self.block:
            repeat = max(2 * repeat, int(repeat * self.block / max(took, 1)))
        return repeat

    def run(self, loop: Loop, size: int, repeat: int) -> int:
        """Nanoseconds from the first thread's start to the last one's end."""
        parts = [self._part(loop, size, number) for number in range(self.threads)]
        marks: list[Future[tuple[int, int]]] = [
            self.pool.submit(self._timed, loop, part, repeat) for part in parts
        ]
        ends = [mark.result() for mark in marks]
        return max(end for _, end in ends) - min(start for start, _ in ends)

    def _timed(self, loop: Loop, part: list[Doubles], repeat: int) -> tuple[int, int]:
        self.barrier.wait()
        start = time.perf_counter_ns()
        loop.run(*part, 0.0, repeat)  # s = 0 keeps the numbers what they are, however often
        return start, time.perf_counter_ns()

    def _part(self, loop: Loop, size: int, number: int) -> list[Doubles]:
        """The arrays of a thread as ``a, b, c``; those that the loop does not use are small."""
        length = size // self.threads // loop.arrays // ITEM
        begin = number * length * loop.arrays
        arrays = [
            self.memory[begin + k * length : begin + (k + 1) * length] for k in range(loop.arrays)
        ]
        spare = self.spare[number]
        return [spare, *arrays, spare] if loop.arrays == 1 else [*arrays, spare][:3]
