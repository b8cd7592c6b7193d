"""Counts of one simulated cache, over the passes and the processes that were counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LINE, WAYS = 64, 16
"""Bytes of a line; lines of a set of the last level."""

FIRST, FIRST_WAYS = 32768, 8
"""Bytes of the first level, lines of a set."""

Lines = tuple[int, int, int]
"""Load misses, store misses and dirty evictions of the last level, in lines."""


@dataclass(frozen=True, slots=True)
class CacheCounts:
    """DRAM bytes of one forward pass under one cache.

    Attributes
    ----------
    cache_bytes : int
        Size of the last level.
    read_bytes : int
        Load misses, steady state: the mean over the counted passes of all processes.
    write_allocate_bytes : int
        Store misses: lines that are fetched before they are written.
    writeback_bytes : int
        Dirty lines that are evicted.
    least_bytes, most_bytes : int
        The sum of the three in the process that moved least and in the one that moved most.
    cold_read_bytes, cold_write_allocate_bytes, cold_writeback_bytes : int or None
        The same of the first pass, from an empty cache; None where it was not counted.
    """

    cache_bytes: int
    read_bytes: int
    write_allocate_bytes: int
    writeback_bytes: int
    least_bytes: int
    most_bytes: int
    cold_read_bytes: int | None = None
    cold_write_allocate_bytes: int | None = None
    cold_writeback_bytes: int | None = None

    @classmethod
    def of(cls, cache_bytes: int, steady: Sequence[Lines], cold: Lines | None) -> CacheCounts:
        """The counts of one process.

        Parameters
        ----------
        cache_bytes : int
        steady : sequence of Lines
            Of the counted passes.
        cold : Lines or None
            Of the first pass.

        Examples
        --------
        >>> CacheCounts.of(1024, [(10, 2, 1), (11, 2, 3)], None).read_bytes  # 10.5 lines
        672
        """
        read, fetch, back = (
            round(LINE * sum(column) / len(steady)) for column in zip(*steady, strict=True)
        )
        total = read + fetch + back
        if cold is None:
            return cls(cache_bytes, read, fetch, back, total, total)
        return cls(cache_bytes, read, fetch, back, total, total, *(LINE * each for each in cold))

    @classmethod
    def over(cls, processes: Sequence[CacheCounts]) -> CacheCounts:
        """The counts over several processes of one cache.

        Examples
        --------
        >>> one, other = (CacheCounts.of(1024, [(n, 2, 1)], None) for n in (10, 20))
        >>> both = CacheCounts.over([one, other])
        >>> both.read_bytes, both.least_bytes, both.most_bytes
        (960, 832, 1472)
        """

        def mean(name: str) -> int | None:
            values = [getattr(each, name) for each in processes]
            return None if None in values else round(sum(values) / len(values))

        means = {name: mean(name) for name in cls.__slots__}
        means["least_bytes"] = min(each.least_bytes for each in processes)
        means["most_bytes"] = max(each.most_bytes for each in processes)
        return cls(**means)  # type: ignore[arg-type]

    @property
    def cold_bytes(self) -> int | None:
        """The sum of the three of the first pass."""
        if self.cold_read_bytes is None:
            return None
        rest = (self.cold_write_allocate_bytes or 0) + (self.cold_writeback_bytes or 0)
        return self.cold_read_bytes + rest

    def to_dict(self) -> dict[str, int | None]:
        """By the names of the columns."""
        return {name: getattr(self, name) for name in self.__slots__}
