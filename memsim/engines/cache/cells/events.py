"""What a cache did with cells, blocks that are accessed together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CellEvents:
    """What a cache did with a trace of cells.

    Attributes
    ----------
    fetched, again : int64 arrays, per access
        Bytes that it fetched; those of them that were fetched before.
    written_by, spilled_at, spilled : int64 arrays, one entry per write-back
        The access that wrote the bytes; that which displaced them; how many.
    occupancy : int64 array, per task
        Bytes held after each task.
    peak : int
        Most bytes ever held.
    """

    fetched: Ints
    again: Ints
    written_by: Ints
    spilled_at: Ints
    spilled: Ints
    occupancy: Ints
    peak: int


def write_back(spills: Ints, count: int, by: int, at: int, amount: int) -> int:
    """Note a write-back, for the loops; return how many entries there are.

    Parameters
    ----------
    spills : int64 array, 3 numbers per entry
        One entry after the other, see :attr:`CellEvents.written_by`. What was written and is
        displaced by the same two accesses as the last entry is added to it.
    count : int
        How many there are before.
    by, at, amount : int
        The access that wrote the bytes; that which displaces them; how many.

    Examples
    --------
    >>> spills = [0] * 6
    >>> count = write_back(spills, 0, 3, 7, 64)
    >>> count = write_back(spills, count, 3, 7, 32)
    >>> write_back(spills, count, 5, 7, 8), spills
    (2, [3, 7, 96, 5, 7, 8])
    """
    last = 3 * count - 3
    if count > 0 and spills[last] == by and spills[last + 1] == at:
        spills[last + 2] += amount
        return count
    spills[last + 3] = by
    spills[last + 4] = at
    spills[last + 5] = amount
    return count + 1
