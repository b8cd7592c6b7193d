"""What a replacement policy is given and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

READ, WRITE, WRITE_THROUGH, WRITE_ALLOCATE = 0, 1, 2, 3
"""Kinds of access: ``code & KIND``. A write makes its block dirty without fetching it, one
through leaves it clean, and one that allocates fetches it on a miss and makes it dirty."""

KIND = 3

LAST = 4
"""Flag: the block dies with this access."""

NEW = 8
"""Flag: what lies in the block's place from this access on is something else than before."""

CODES = 16
"""How many codes there are: four kinds with two flags."""

FETCHES = np.array([True, False, False, True])
"""Per kind: whether a miss fetches the block."""

DIRTIES = np.array([False, True, False, True])
"""Per kind: whether the block is dirty afterwards."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Block accesses in program order.

    Attributes
    ----------
    start : int64 array, tasks + 1
        First access of each task.
    block : int32 array, per access
    code : uint8 array, per access
        A kind (``READ``, ``WRITE``, ``WRITE_THROUGH``, ``WRITE_ALLOCATE``) plus flags (``LAST``,
        ``NEW``).
    size : int64 array, per block
        Bytes, at least 1.
    touch : int32 array, per access
        The program's touch that an access is part of; may be empty where nobody is charged.
    writer : int32 array, per access
        The touch that is charged with what it makes dirty, where that is not the same: a line that
        leaves a first level was written before. Else empty.
    """

    start: Ints
    block: NDArray[np.int32]
    code: NDArray[np.uint8]
    size: Ints
    touch: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    writer: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))

    @property
    def writer_or_touch(self) -> NDArray[np.int32]:
        """The touch that is charged with what an access makes dirty."""
        return self.writer if len(self.writer) else self.touch

    def select(self, kept: NDArray[np.bool_]) -> Trace:
        """Some of the accesses, in the same tasks."""
        start = np.concatenate([[0], np.cumsum(kept)])[self.start]
        touch = self.touch[kept] if len(self.touch) else self.touch
        writer = self.writer[kept] if len(self.writer) else self.writer
        return Trace(start, self.block[kept], self.code[kept], self.size, touch, writer)


@dataclass(frozen=True, slots=True)
class PartTrace(Trace):
    """Accesses to blocks that consist of parts, one after the other, which are cached one by one.

    An access touches all parts of its block in order, and if it is the last each part dies before
    the next one is touched. It says the same as a trace of the parts, and is several times shorter.

    Attributes
    ----------
    parts : int64 array, blocks + 1
        First part of each block.
    part : int64 array, per part
        Bytes, at least 1.
    """

    parts: Ints = field(default_factory=lambda: np.zeros(1, np.int64))
    part: Ints = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def whole(self) -> Trace:
        """The trace of the parts."""
        count = np.diff(self.parts)[self.block]
        access = np.repeat(np.arange(len(self.block)), count)
        ends = np.cumsum(count)
        first = self.parts[self.block] - (ends - count)
        part = (np.repeat(first, count) + np.arange(len(access))).astype(np.int32)
        start = np.concatenate([[0], ends])[self.start]
        return Trace(start, part, self.code[access], self.part, self.touch[access])


@dataclass(frozen=True, slots=True)
class Events:
    """What a cache did with a trace.

    Attributes
    ----------
    missed : bool array, per access
        The accesses that had to fetch their block.
    spilled : int64 array, one entry per write-back
        The dirty blocks that were evicted (and not dead), in order.
    spilled_at : int64 array, per write-back
        The accesses that displaced them.
    occupancy : int64 array, per task
        Bytes held after each task.
    peak : int
        Most bytes ever held.
    at_least : int
        Bytes that no cache of this capacity fetches and writes back fewer of, where the policy
        knows a bound; else 0.
    """

    missed: NDArray[np.bool_]
    spilled: Ints
    spilled_at: Ints
    occupancy: Ints
    peak: int
    at_least: int = 0


Policy = Callable[[Trace, int], Events]
"""A cache of the given capacity in bytes, run over a trace."""

SetPolicy = Callable[[Trace, int, int, int, str], Events]
"""A cache of sets: (trace, capacity, ways, bytes of a line, index) -> what it did."""
