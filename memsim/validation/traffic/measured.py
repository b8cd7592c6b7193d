"""The measured DRAM traffic of the series of the split, and which of its rows judge anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

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
    steady : dict of int to Moved
        By KiB of the last level: bytes of a pass like all later ones, the mean of the processes
        that ran the series; ``low`` and ``high`` are of those that moved least and most. Where
        memory lies differs between processes, and what moves with it.
    touched : float
        Bytes of lines that a pass touches, at most: the fewest that a cold pass fetched at any
        size. Each line that a cold pass touches is fetched once or more, so it is no less than
        what it touches, and no more where all of it fits.
    processes : int
    """

    steady: Mapping[int, Moved]
    touched: float
    processes: int = 1

    def spread(self, kib: int) -> float:
        """How far apart the processes' totals are at a size, relative to their mean.

        Examples
        --------
        >>> Runs({256: Moved(8.0, 1.0, 1.0, 9.0, 11.0)}, 1e9).spread(256)
        0.2
        """
        moved = self.steady[kib]
        return ((moved.high or 0.0) - (moved.low or 0.0)) / moved.total

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
        Of one side; bytes, by ``network``, ``lowering``, ``kernels``, ``input``, ``processes`` and
        ``cache_kib``.
    side : str
    which : Split

    Returns
    -------
    dict of Series to Runs
        In the order of the split; what has not been measured is not there.

    Raises
    ------
    InputError
        For a row whose series the split does not have on this side.
    """
    steady: dict[Series, dict[int, Moved]] = {series: {} for series in which.series(side)}
    cold: dict[Series, list[float]] = {}
    processes: dict[Series, int] = {}
    problems: dict[str, None] = {}
    for row in rows:
        if row["kernels"] != KERNELS:
            continue
        series = Series(row["network"], row["lowering"], side_of(row["input"]))
        if series not in steady:
            problems[f"{series} is not on the side {side} of the split"] = None
            continue
        steady[series][int(row["cache_kib"])] = Moved(
            *(float(row[f"{name}_bytes"]) for name in (*COUNTS, "least", "most"))
        )
        first = sum(float(row[f"cold_{name}_bytes"]) for name in ("read", "write_allocate"))
        cold.setdefault(series, []).append(first)
        processes[series] = int(row["processes"])
    if problems:
        raise InputError(*(Problem(text) for text in problems))
    return {
        series: Runs(sizes, min(cold[series]), processes[series])
        for series, sizes in steady.items()
        if sizes
    }
