"""Set-associative caches, compiled: lines find their set, and each set is least recently used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.trace import DIRTIES, KIND, READ, WRITE, WRITE_ALLOCATE, Events, Trace
from memsim.engines.compiled import compiled
from memsim.errors import InputError, Problem
from memsim.readable import format_size
from memsim.units import LIMIT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

GOLDEN = 0x9E3779B97F4A7C15
"""2**64 over the golden ratio: Fibonacci hashing (Knuth, TAOCP 3, 6.4)."""


def sets_of(capacity: int, ways: int, line: int, path: str = "cache") -> int:
    """Number of sets.

    Parameters
    ----------
    capacity, ways, line : int
    path : str
        What the capacity is of, for the message.

    Raises
    ------
    InputError
        If the capacity is no whole number of sets, with the nearest ones that are.

    Examples
    --------
    >>> sets_of(1 << 20, 16, 64)
    1024
    >>> sets_of(1_000_000, 16, 64)
    Traceback (most recent call last):
    memsim.errors.InputError: cache: 1,000,000 B are no whole number of sets of 16 ways x 64 B \
(the nearest that are: 976KiB and 977KiB)
    """
    one = ways * line
    if capacity <= 0 or capacity % one:
        message = f"{capacity:,} B are no whole number of sets of {ways} ways x {line} B"
        near = [size for size in nearest(capacity, one) if 0 < size <= LIMIT]
        sizes = " and ".join(map(format_size, near))
        hint = f"the nearest that {'are' if len(near) > 1 else 'is'}: {sizes}"
        raise InputError(Problem(message, path=path, hint=hint))
    return capacity // one


def nearest(capacity: int, one: int) -> tuple[int, int]:
    """The multiples of a size below and above a capacity.

    Examples
    --------
    >>> nearest(1000, 512), nearest(1, 512)
    ((512, 1024), (0, 512))
    """
    below = max(capacity, 0) // one * one
    return below, below + one


def compiled_sets(
    trace: Trace, capacity: int, *, ways: int, line: int = 64, index: str = "plain"
) -> Events:
    """Run an N-way set-associative cache with LRU sets.

    Parameters
    ----------
    trace : Trace
        Of lines: blocks of ``line`` bytes.
    capacity : int
        Bytes: sets x ways x line.
    ways, line : int
    index : str
        ``plain``: line number modulo sets; ``hashed``: Fibonacci hash of it modulo sets, which
        spreads strides as real last-level caches do.

    Examples
    --------
    Lines 0 and 2 share a set of the two, line 1 has the other.

    >>> trace = Trace(start=np.array([0, 4]), block=np.array([0, 2, 1, 0], np.int32),
    ...               code=np.zeros(4, np.uint8), size=np.full(3, 64))
    >>> compiled_sets(trace, 128, ways=1).missed.tolist()
    [True, True, True, True]
    >>> compiled_sets(trace, 256, ways=2).missed.tolist()
    [True, True, True, False]
    """
    sets = sets_of(capacity, ways, line)
    numbers = np.arange(len(trace.size), dtype=np.uint64)
    if index == "hashed":
        numbers = (numbers * np.uint64(GOLDEN)) >> np.uint64(32)
    home = (numbers % np.uint64(sets)).astype(np.int64)
    missed = np.zeros(len(trace.block), np.bool_)
    occupancy = np.zeros(len(trace.start) - 1, np.int64)
    spills = np.empty((int(np.count_nonzero(DIRTIES[trace.code & KIND])), 2), np.int64)
    tags = np.full((sets, ways), -1, np.int64)
    dirty = np.zeros(len(trace.size), np.bool_)
    count, held = serve_sets(
        trace.start, trace.block, trace.code, home, tags, dirty, missed, spills, occupancy
    )
    return Events(
        missed, spills[:count, 0].copy(), spills[:count, 1].copy(), occupancy * line, held * line
    )


@compiled(
    "UniTuple(int64, 2)(Array(int64, 1, 'C', True), Array(int32, 1, 'C', True), "
    "Array(uint8, 1, 'C', True), int64[::1], int64[:,::1], boolean[::1], boolean[::1], "
    "int64[:,::1], int64[::1])"
)
def serve_sets(
    start: Ints,
    block: NDArray[np.int32],
    code: NDArray[np.uint8],
    home: Ints,
    tags: Ints,
    dirty: NDArray[np.bool_],
    missed: NDArray[np.bool_],
    spills: Ints,
    occupancy: Ints,
) -> tuple[int, int]:
    """Run the trace; return the number of write-backs and the lines held at the end.

    ``tags`` holds the lines of each set, the most recent first, -1 where a way is empty.
    """
    ways = tags.shape[1]
    held = 0
    spilled = 0
    for task in range(len(start) - 1):
        for at in range(start[task], start[task + 1]):
            b = block[at]
            kind = code[at] & KIND
            s = home[b]
            way = 0
            while way < ways and tags[s, way] != b and tags[s, way] >= 0:
                way += 1
            if way == ways or tags[s, way] != b:
                missed[at] = kind in (READ, WRITE_ALLOCATE)
                if way == ways:
                    way -= 1
                    victim = tags[s, way]
                    if dirty[victim]:
                        dirty[victim] = False
                        spills[spilled, 0] = victim
                        spills[spilled, 1] = at
                        spilled += 1
                else:
                    held += 1
            while way > 0:
                tags[s, way] = tags[s, way - 1]
                way -= 1
            tags[s, 0] = b
            if kind in (WRITE, WRITE_ALLOCATE):
                dirty[b] = True
        occupancy[task] = held
    return spilled, held
