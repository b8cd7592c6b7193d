"""A probe of the machine itself: bandwidth by footprint, peak rate, the overhead of a kernel.

No network runs, and PyTorch is not needed. What is found are the limits that a fit to measured
times begins with; see :func:`memsim.measurement.probe.base_machine.machine_text`.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from memsim.errors import InputError, Problem
from memsim.measurement.measured import Measured, at_least_one
from memsim.measurement.probe import processor
from memsim.measurement.probe.bandwidth import LOOPS, TOGETHER, Bandwidth, bandwidths, footprints
from memsim.measurement.probe.peak import CALLS, CallOverhead, Peak, peaks
from memsim.readable import format_bytes_exact
from memsim.units import Quantity, parse_bytes

SCHEMA = "memsim.probe/1"

SMALLEST = 16 * 1024
LARGEST = 256 * 1024 * 1024
"""Footprints, bytes. Where the caches are so large that less than :data:`FAR` times them would be
left, the largest is twice that."""

PER_OCTAVE = 4

RUNS = 9
"""Blocks per loop and footprint."""

NEAR, ROOM, FAR = 2, 0.75, 4
"""A level's bandwidth is that of footprints from so many times the level before it to so much of
its own size; DRAM's that of footprints from so many times the last level on."""


@dataclass(frozen=True, slots=True)
class Plateau:
    """The bandwidth of a cache level, or of DRAM.

    Attributes
    ----------
    level : str
        ``L1``, ``L2``, ... or ``DRAM``.
    cache_bytes : int or None
        Of the caches of all threads; None of DRAM.
    rates : mapping of str to float
        Bytes per second by loop: the median over footprints.
    footprints : tuple of int
        Those, in bytes.
    """

    level: str
    cache_bytes: int | None
    rates: Mapping[str, float]
    footprints: tuple[int, ...]


@dataclass(frozen=True)
class Probe(Measured):
    """What a machine reaches.

    Attributes
    ----------
    bandwidths : tuple of Bandwidth
        By footprint, then loop.
    peaks : tuple of Peak
        Matrix products.
    call : CallOverhead
        The overhead of a kernel.
    caches : mapping of str to int
        Bytes of each level, of all threads together; empty where the system does not tell.
    threads : int
    facts : mapping of str to str
        About machine, software and method.

    Examples
    --------
    >>> import memsim
    >>> probe = memsim.probe(threads=1)            # doctest: +SKIP
    >>> probe.dram.high, probe.peak.high           # doctest: +SKIP
    (11800000000.0, 43500000000.0)
    """

    laid_out_by: ClassVar[str] = "memsim.measurement.probe.sheet:probe_sheet"

    bandwidths: tuple[Bandwidth, ...]
    peaks: tuple[Peak, ...]
    call: CallOverhead
    caches: Mapping[str, int]
    threads: int
    facts: Mapping[str, str]

    @property
    def beyond_caches(self) -> tuple[Bandwidth, ...]:
        """What went to DRAM; nothing where the caches are not known."""
        least = beyond(self.caches)
        if least is None:
            return ()
        return tuple(each for each in self.bandwidths if each.footprint_bytes >= least)

    @property
    def dram(self) -> Bandwidth | None:
        """The loop and the footprint beyond all caches that had the fastest block."""
        return max(self.beyond_caches, key=lambda each: each.high, default=None)

    @property
    def peak(self) -> Peak:
        """The matrices whose product was the fastest."""
        return max(self.peaks, key=lambda each: each.high)

    def plateaus(self) -> tuple[Plateau, ...]:
        """The bandwidth of every level that footprints fit into with room, and of DRAM."""
        levels, before = [], 0
        for level, size in self.caches.items():
            inside = [
                each
                for each in self.bandwidths
                if NEAR * before <= each.footprint_bytes <= ROOM * size
            ]
            levels.append(_plateau(level, size, inside))
            before = size
        levels.append(_plateau("DRAM", None, list(self.beyond_caches)))
        return tuple(each for each in levels if each.footprints)

    def rows(self) -> list[dict[str, Any]]:
        """One flat row per thing that was timed; ``unit`` says what ``median`` counts."""
        return [
            *(
                _row("bandwidth", each.loop, each.footprint_bytes, "B/s", each)
                for each in self.bandwidths
            ),
            *(
                _row("peak", f"{each.library}, {each.size}", each.footprint_bytes, "MAC/s", each)
                for each in self.peaks
            ),
            {
                "quantity": "call",
                "what": self.call.what,
                "footprint_bytes": "",
                "unit": "s",
                "median": self.call.median_s,
                "low": self.call.low_s,
                "high": self.call.high_s,
                "runs": self.call.runs,
            },
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.probe/1"``; rates per second."""
        return {
            "schema": SCHEMA,
            "facts": dict(self.facts),
            "threads": self.threads,
            "cache_bytes": dict(self.caches),
            "plateaus": [
                {
                    "level": each.level,
                    "cache_bytes": each.cache_bytes,
                    "footprint_bytes": list(each.footprints),
                    "bytes_per_s": dict(each.rates),
                }
                for each in self.plateaus()
            ],
            "bandwidths": [asdict(each) for each in self.bandwidths],
            "peaks": [asdict(each) for each in self.peaks],
            "call": asdict(self.call),
        }


def beyond(caches: Mapping[str, int]) -> int | None:
    """The least footprint of DRAM; None where there are no caches.

    Footprints are rounded to lines, so one that is a hundredth short is taken.

    Examples
    --------
    >>> beyond({"L1": 32768, "L2": 1000000})
    3960000
    """
    last = max(caches.values(), default=None)
    return None if last is None else FAR * last * 99 // 100


def _plateau(level: str, size: int | None, inside: list[Bandwidth]) -> Plateau:
    rates = {
        loop: statistics.median(each.median for each in inside if each.loop == loop)
        for loop in LOOPS
        if any(each.loop == loop for each in inside)
    }
    return Plateau(
        level, size, rates, tuple(dict.fromkeys(each.footprint_bytes for each in inside))
    )


def _row(
    quantity: str, what: str, footprint: int, unit: str, rate: Bandwidth | Peak
) -> dict[str, Any]:
    return {
        "quantity": quantity,
        "what": what,
        "footprint_bytes": footprint,
        "unit": unit,
        **{name: float(f"{getattr(rate, name):.6g}") for name in ("median", "low", "high")},
        "runs": rate.runs,
    }


def probe(
    *,
    threads: int = 1,
    largest: Quantity | None = None,
    runs: int = RUNS,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Probe:
    """Find out what this machine reaches.

    Parameters
    ----------
    threads : int
        Of the loops and of the matrix products.
    largest : str or int, optional
        Of the footprints; 256 MiB, or eight times the last-level cache where that is more.
    runs : int
        How often everything is timed; all of it takes turns.
    progress : callable
        Called with the steps that are done and their number.

    Raises
    ------
    InputError
        For no threads or runs, or a largest footprint below 16 KiB for each thread.
    SimulationError
        If matrix products cannot be timed.

    Examples
    --------
    >>> machine = probe()                             # doctest: +SKIP
    >>> [each.level for each in machine.plateaus()]  # doctest: +SKIP
    ['L1', 'L2', 'L3', 'DRAM']
    """
    at_least_one(threads=threads, runs=runs)
    caches = all_caches(threads)
    smallest = max(SMALLEST, TOGETHER * threads)
    size = largest_footprint(caches, largest)
    if size < smallest:
        message = f"{format_bytes_exact(size)} is too small; at least {smallest:,} B"
        raise InputError(Problem(message, "--max"))
    sizes = footprints(smallest, size, PER_OCTAVE, threads)
    steps = _Steps((runs + 1) * len(sizes) + 1, progress)
    rates = bandwidths(sizes, threads, runs, steps.next)
    products, call = peaks(threads, runs)
    steps.next()
    return Probe(rates, products, call, caches, threads, _facts(threads, runs, products))


def largest_footprint(caches: Mapping[str, int], largest: Quantity | None) -> int:
    """Bytes of the largest footprint: the one that is asked for, or what the caches call for.

    Examples
    --------
    >>> largest_footprint({"L1": 32768}, None), largest_footprint({"L3": 2**26}, None)
    (268435456, 536870912)
    """
    if largest is not None:
        return parse_bytes(largest)
    return max(LARGEST, 2 * FAR * max(caches.values(), default=0))


class _Steps:
    """Counts the steps that are done."""

    def __init__(self, total: int, progress: Callable[[int, int], object]) -> None:
        self.done, self.total, self.progress = 0, total, progress

    def next(self) -> None:
        self.done += 1
        self.progress(self.done, self.total)


def all_caches(threads: int, one: Path = processor.CACHES) -> dict[str, int]:
    """Bytes of each cache level that so many threads have together.

    Each thread has a core of its own. A level that several cores share counts once for as many
    of them, as often as the machine has it.

    Parameters
    ----------
    threads : int
    one : path
        Where Linux describes the caches of the first core; those of the others lie beside it.
    """
    sizes = processor.cache_sizes(one)
    shared: dict[str, set[str]] = {}
    for entry in one.parent.parent.glob(f"cpu[0-9]*/{one.name}/index*"):
        try:
            level, kind = (entry / "level").read_text().strip(), (entry / "type").read_text()
            cores = (entry / "shared_cpu_list").read_text().strip()
        except OSError:
            continue
        if kind.strip() != "Instruction":
            shared.setdefault(f"L{level}", set()).add(cores)
    return {
        level: size * min(threads, max(len(shared.get(level, ())), 1))
        for level, size in sizes.items()
    }


def _facts(threads: int, runs: int, products: tuple[Peak, ...]) -> dict[str, str]:
    import numba

    return {
        "measured by": "memsim probe",
        **processor.facts(),
        "threads": str(threads),
        "loops": f"copy a = b, read sum(b), triad a = b + s c over 8-byte numbers, compiled by "
        f"numba {numba.__version__}; what they name counts, 16, 8 and 24 bytes per element, not "
        "the lines that are fetched before they are stored to",
        "products": "; ".join(dict.fromkeys(each.library for each in products)),
        "method": f"medians of {runs} blocks, all footprints, loops and products in turn; low and "
        f"high are the slowest and the fastest block; a call is one of {CALLS} in a row",
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }
