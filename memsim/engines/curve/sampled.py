"""A curve at chosen sizes: of caches of sets, for which no one pass serves every size.

Levels of cache serve many sizes in one pass. Between two of them nothing is known, and the traffic
of the smaller one is told; a fully associative cache, whose curve is exact everywhere, has no sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.cachepass import CachePass, account, by_cause
from memsim.engines.cache.leveled import level_transfers
from memsim.engines.compiled import INFINITE
from memsim.engines.curve.curve import Curve, Movement, groups
from memsim.engines.curve.tally import runs
from memsim.machine.cache import Cache
from memsim.program.kernel import Cause
from memsim.program.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

SMALLEST, LARGEST = 1 << 14, 1 << 29
"""Bytes: the powers of two that are looked at where no sizes are given, as far as they differ."""

_MOVES = (
    (Cause.COMPULSORY, Movement.FETCH),
    (Cause.RELOAD, Movement.RELOAD),
    (Cause.SPILL, Movement.SPILL),
    (Cause.COMPULSORY, Movement.RESULT),
)
"""What each part of :func:`by_cause` is."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """A curve that holds at some sizes, and the cache pass of each.

    Attributes
    ----------
    curve : Curve
    passes : dict of int to CachePass
    """

    curve: Curve
    passes: dict[int, CachePass]


def default_sizes(program: Program, cache: Cache) -> tuple[int, ...]:
    """Powers of two that make whole sets, from a small cache to one that holds everything."""
    one_set = (cache.ways or 1) * cache.line
    footprint = int(program.one_frame.cell_bytes.sum())
    powers = [1 << power for power in range(SMALLEST.bit_length() - 1, LARGEST.bit_length())]
    whole = [size for size in powers if size % one_set == 0 and size > (cache.first_level or 0)]
    enough = [size for size in whole if size >= footprint][:1]
    return tuple(size for size in whole if not enough or size <= enough[0])


def sampled(program: Program, cache: Cache, sizes: Sequence[int]) -> Sampled:
    """Find the traffic of a program at some sizes of a cache of sets, in one pass.

    Parameters
    ----------
    program : Program
    cache : Cache
        All of it but its size matters.
    sizes : sequence of int
        Bytes; at least one.

    Raises
    ------
    InputError
        For a size that is no whole number of sets, and a cache that has no levels.

    Examples
    --------
    >>> import memsim
    >>> program = memsim.build(memsim.load("resnet18"), buffer=512 * 1024)
    >>> cache = Cache(size=0, management="hardware", ways=16)
    >>> found = sampled(program, cache, [1 << 18, 1 << 20])
    >>> found.curve.dram_bytes(1 << 20) == int(found.passes[1 << 20].traffic.sum())
    True
    """
    sizes = sorted(set(sizes))
    of_group, group = groups(program)
    columns = len(of_group) * len(Movement)
    moved = np.zeros((len(sizes), columns), np.int64)
    passes = {}
    for number, found in enumerate(level_transfers(program, cache, sizes)):
        for (_, move), (_, flow, amount) in zip(_MOVES, by_cause(program, found), strict=True):
            np.add.at(moved[number], group[flow.of] + move, amount)
        passes[sizes[number]] = account(program, found, sizes[number])
    # What moves at one size and no longer at the next stops at the next; the last goes on.
    fewer = np.concatenate([moved[:-1] - moved[1:], moved[-1:]])
    row, column = np.nonzero(fewer)
    ends = np.array([*sizes[1:], INFINITE])
    curve = Curve(
        program, *runs(ends[row]), fewer[row, column], column.astype(np.int32), of_group,
        sampled=tuple(sizes),
    )  # fmt: skip
    return Sampled(curve, passes)
