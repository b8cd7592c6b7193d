"""What a cache that knows the future is known to reach, at every size between some that are run."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import pairwise
from math import isqrt, log
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.compiled import LOADED_AFTER, load_compiler
from memsim.results.curve import CurveResult

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

ACCESSES = 45_000_000
"""Accesses of all passes together: what decides how many sizes are run."""

FEWEST, MOST = 32, 160
"""Sizes that are run, of a long program and of a short one."""

FIRST = 9
"""Sizes that are run before it is known where traffic falls."""

NARROW = 1.001
"""Two sizes with this ratio are next to each other: a picture could not tell them apart."""


@dataclass(frozen=True, slots=True)
class Reachable:
    """Traffic that some replacement is known to reach, as a step function of the cache size.

    A cache can be run as if it were smaller. So at any size the least traffic of policy
    ``belady`` at the sizes up to it that were run can be had, and so can that of LRU at the size
    itself. The smaller of the two is told: it never rises with the size, and never lies above LRU,
    though ``belady`` alone may do both where blocks differ in size.

    Attributes
    ----------
    cache_bytes, dram_bytes : int64 arrays
        From ``cache_bytes[i]`` up to the next one ``dram_bytes[i]`` can be had.
    lru_bytes : int64 array
        What LRU moves there.
    run : tuple of int
        The sizes at which ``belady`` was run, ascending.
    """

    cache_bytes: Ints
    dram_bytes: Ints
    lru_bytes: Ints
    run: tuple[int, ...]

    @classmethod
    def of(cls, result: CurveResult, low: int, high: int) -> Reachable | None:
        """What is known of one network from a cache size to another.

        Sizes are run where most would otherwise stay unknown: again and again one halfway, by
        ratio, between the two whose traffic differs most over the widest part of a logarithmic
        axis. None where the cache knows no lifetimes.

        Parameters
        ----------
        result : CurveResult
            Exact at every size.
        low, high : int
            Bytes.

        Examples
        --------
        >>> import memsim
        >>> found = Reachable.of(memsim.curve("resnet18"), 10_000, 4_000_000)
        >>> bool((found.dram_bytes <= found.lru_bytes).all()), len(found.run) > 24
        (True, True)
        """
        accesses = max(1, sum(program.accesses for program in result.programs.values()))
        most = max(FEWEST, min(MOST, ACCESSES // accesses))
        if most * accesses > LOADED_AFTER:
            load_compiler()
        places = np.unique(np.geomspace(low, high, FIRST).astype(np.int64)).tolist()
        first = result.belady_bytes(places)
        if first is None:
            return None
        moved = {
            size: min(least, result.dram_bytes(size))
            for size, least in zip(places, first, strict=True)
        }
        _refine(result, moved, most)
        run = np.array(sorted(moved))
        least = np.minimum.accumulate([moved[size] for size in run.tolist()])
        steps = result.steps
        inside = (steps.cache_bytes > low) & (steps.cache_bytes < high)
        sizes = np.union1d(run, steps.cache_bytes[inside])
        lru = steps.dram_bytes[np.searchsorted(steps.cache_bytes, sizes, side="right") - 1]
        known = least[np.searchsorted(run, sizes, side="right") - 1]
        return cls(sizes, np.minimum(lru, known), lru, tuple(run.tolist()))


def _refine(result: CurveResult, moved: dict[int, int], most: int) -> None:
    """Run more sizes, until there are ``most`` or nothing could be between those there are."""

    def unknown(low: int, high: int) -> float:
        fall = moved[low] - moved[high]
        return fall * log(high / low) if fall > 0 and high > NARROW * low else 0.0

    gaps = [(-unknown(low, high), low, high) for low, high in pairwise(sorted(moved))]
    heapify(gaps)
    while gaps and len(moved) < most and gaps[0][0] < 0:
        _, low, high = heappop(gaps)
        middle = isqrt(low * high)
        found = result.belady_bytes([middle])
        assert found is not None
        moved[middle] = min(found[0], result.dram_bytes(middle))
        for part in ((low, middle), (middle, high)):
            heappush(gaps, (-unknown(*part), *part))
