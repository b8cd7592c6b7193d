"""What a replacement policy is given and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

READ, WRITE, WRITE_THROUGH = 0, 1, 2
LAST = 4
"""Codes of an access: one of the first three, plus ``LAST`` where its block dies with it."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Block accesses in program order.

    Attributes
    ----------
    start : int64 array, tasks + 1
        First access of each task.
    block : int32 array, per access
    code : uint8 array, per access
        ``READ``, ``WRITE`` (the block becomes dirty) or ``WRITE_THROUGH`` (it stays clean),
        plus ``LAST``.
    size : int64 array, per block
        Bytes, at least 1.
    """

    start: Ints
    block: NDArray[np.int32]
    code: NDArray[np.uint8]
    size: Ints


@dataclass(frozen=True, slots=True)
class Events:
    """What a cache did with a trace.

    Attributes
    ----------
    missed : bool array, per access
        The accesses that had to fetch their block (reads only).
    spilled : int64 array, one entry per write-back
        The dirty, live blocks that were evicted, in order.
    spilled_at : int64 array, per write-back
        The accesses that displaced them.
    occupancy : int64 array, per task
        Bytes held after each task.
    peak : int
        Most bytes ever held.
    """

    missed: NDArray[np.bool_]
    spilled: Ints
    spilled_at: Ints
    occupancy: Ints
    peak: int


Policy = Callable[[Trace, int], Events]
"""A cache of the given capacity in bytes, run over a trace."""
