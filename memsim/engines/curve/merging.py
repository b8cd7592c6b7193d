"""Merging sorted sums into others in their place, compiled: what a long curve's tally does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsim.engines.compiled import compiled, in_python

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Sums = NDArray[np.int32] | NDArray[np.int64]


@compiled("int64(int64[::1], int64[::1], int64, int64[::1], int64[::1])")
def add_known(keys: Ints, sums: Sums, count: int, key: Ints, added: Ints) -> int:
    """Add what has a key that is there to its sum; leave the rest in front, and return how many.

    Parameters
    ----------
    keys, sums : arrays
        The first ``count`` are there, ascending.
    key, added : int64 arrays
        What comes, ascending; of the rest the first entries are written over.
    """
    at = 0
    rest = 0
    for number in range(len(key)):
        wanted = key[number]
        while at < count and keys[at] < wanted:
            at += 1
        if at < count and keys[at] == wanted:
            sums[at] += added[number]
        else:
            key[rest] = wanted
            added[rest] = added[number]
            rest += 1
    return rest


@compiled("void(int64[::1], int64[::1], int64, int64[::1], int64[::1], int64)")
def insert(keys: Ints, sums: Sums, count: int, key: Ints, added: Ints, rest: int) -> None:
    """Put the first ``rest`` of what comes in their places between those that are there.

    ``keys`` and ``sums`` have room for both. The largest goes first, to the end, so that nothing
    is written over that has not been moved.
    """
    at = count - 1
    for number in range(rest - 1, -1, -1):
        wanted = key[number]
        while at >= 0 and keys[at] > wanted:
            keys[at + number + 1] = keys[at]
            sums[at + number + 1] = sums[at]
            at -= 1
        keys[at + number + 1] = wanted
        sums[at + number + 1] = added[number]


add_known_narrow = compiled("int64(int64[::1], int32[::1], int64, int64[::1], int64[::1])")(
    in_python(add_known)
)
"""The same for sums of 32 bits."""

insert_narrow = compiled("void(int64[::1], int32[::1], int64, int64[::1], int64[::1], int64)")(
    in_python(insert)
)
"""The same for sums of 32 bits."""
