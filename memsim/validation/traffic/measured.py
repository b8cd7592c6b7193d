"""The measured DRAM traffic of the series of the split, and which of its rows judge anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from statistics import mean

from memsim.errors import InputError, Problem
from memsim.files import read_table
from memsim.validation.split import Series, Side, Split, side_of, split

KERNELS = "avx2"
"""The instruction set of the kernels that are compared; a file may have others, too."""

COUNTS = ("read", "write_allocate", "writeback")


@dataclass(frozen=True, slots=True)
class Moved:
    """DRAM traffic of a pass in bytes, measured or predicted.

    Attributes
    ----------
    read, write_allocate, writeback : float
        Load misses, lines fetched because they are stored to, and write-backs.
    low, high : float or None
        Of all three together, with the best and the worst placement in memory.
    """

    read: float
    write_allocate: float
    writeback: float
    low: float | None = None
    high: float | None = None

    @property
    def total(self) -> float:
        """All of it.

        Examples
        --------
        >>> Moved(5.0, 1.0, 2.0).total
        8.0
        """
        return self.read + self.write_allocate + self.writeback


@dataclass(frozen=True)
class Runs:
    """What one series moved.

    Attributes
    ----------
    processes : dict of int to tuple of Moved
        By KiB of the last level: bytes of a pass like all later ones, in each process that ran
        the series. Where memory lies differs between processes, and what moves with it.
    touched : float
        Bytes of lines that a pass touches, at most: the fewest that a cold pass fetched at any
        size. Each line that a cold pass touches is fetched once or more, so it is no less than
        what it touches, and no more where all of it fits.
    """

    processes: Mapping[int, tuple[Moved, ...]]
    touched: float

    @property
    def steady(self) -> dict[int, Moved]:
        """By KiB: the mean of the processes.

        Examples
        --------
        >>> Runs({256: (Moved(2.0, 0.0, 1.0), Moved(4.0, 1.0, 1.0))}, 1e9).steady
        {256: Moved(read=3.0, write_allocate=0.5, writeback=1.0, low=None, high=None)}
        """
        return {
            kib: Moved(
                mean(each.read for each in moved),
                mean(each.write_allocate for each in moved),
                mean(each.writeback for each in moved),
            )
            for kib, moved in self.processes.items()
        }

    def spread(self, kib: int) -> float:
        """How far apart the processes' totals are at a size, relative to their mean.

        Examples
        --------
        >>> Runs({256: (Moved(9.0, 0.0, 0.0), Moved(11.0, 0.0, 0.0))}, 1e9).spread(256)
        0.2
        """
        totals = [each.total for each in self.processes[kib]]
        return (max(totals) - min(totals)) / mean(totals)

    def judged(self, kib: int) -> bool:
        """Whether a cache of this size is smaller than what the pass touches.

        Where all of it fits, a steady pass moves next to nothing, and what it does move is the
        process around the network.
        """
        return 1024 * kib < self.touched


@cache
def measured(side: Side) -> Mapping[Series, Runs]:
    """The runs of one side of the split that comes along."""
    return runs_of(read_table("memsim.validation", f"traffic_{side}"), side, split())


def runs_of(rows: Iterable[Mapping[str, str]], side: Side, which: Split) -> dict[Series, Runs]:
    """Sort a table of measured traffic.

    Parameters
    ----------
    rows : iterable of mapping
        Of one side; megabytes, by ``network``, ``lowering``, ``kernels``, ``input`` and
        ``cache_kib``; a row per process.
    side : str
    which : Split

    Returns
    -------
    dict of Series to Runs
        In the order of the split.

    Raises
    ------
    InputError
        For a row whose series the split does not have on this side, and a series of it that has
        no row.
    """
    found: dict[Series, dict[int, tuple[Moved, ...]]] = {
        series: {} for series in which.series(side)
    }
    cold: dict[Series, list[float]] = {}
    problems: dict[str, None] = {}
    for row in rows:
        if row["kernels"] != KERNELS:
            continue
        series = Series(row["network"], row["lowering"], side_of(row["input"]))
        if series not in found:
            problems[f"{series} is not on the side {side} of the split"] = None
            continue
        steady = [1e6 * float(row[f"{name}_mb"]) for name in COUNTS]
        kib = int(row["cache_kib"])
        found[series][kib] = (*found[series].get(kib, ()), Moved(*steady))
        first = [1e6 * float(row[f"cold_{name}_mb"]) for name in COUNTS]
        cold.setdefault(series, []).append(first[0] + first[1])
    for series in found:
        if series not in cold and not problems:
            problems[f"{series} has not been measured"] = None
    if problems:
        raise InputError(*(Problem(text) for text in problems))
    return {series: Runs(sizes, min(cold[series])) for series, sizes in found.items()}
