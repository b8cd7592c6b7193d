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
