"""Thresholds: the capacity below which each access misses and each dirty block is written back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.trace import DIRTIES, FETCHES, KIND, LAST, NEW, Trace
from memsim.engines.curve import kernel as kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

CHUNK = 1 << 16
"""Accesses served at a time: the working memory does not grow with the trace."""

FEWEST_SLOTS = 1 << 12


def _does() -> NDArray[np.uint8]:
    """The kernel's bits for every code of a trace."""
    code = np.arange(2 * NEW)
    kind = code & KIND
    bits = kernel.DIRTIES * DIRTIES[kind] + kernel.DIES * ((code & LAST) > 0)
    packed: NDArray[np.uint8] = bits.astype(np.uint8)
    return packed


_DOES = _does()


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What happens at which capacity, for a run of accesses.

    Attributes
    ----------
    begin : int
        The first access; the next columns go on from there.
    fetches : bool array, per access
        Whether it fetches its block where it misses.
    threshold : int64 array, per access
        It misses iff the capacity is smaller; ``INFINITE`` for a block's first access. A block
        that is accessed after its death is a new one.
    dirtied_at, spilled_below : int64 arrays, one entry per dirty epoch that ended
        The access that made a block dirty; the block was written back before it was
        overwritten, or died, iff the capacity is smaller than this.
    """

    begin: int
    fetches: NDArray[np.bool_]
    threshold: Ints
    dirtied_at: Ints
    spilled_below: Ints


def thresholds(trace: Trace) -> Iterator[Thresholds]:
    """Yield a trace's thresholds in runs of at most ``CHUNK`` accesses.

    The last run has no accesses but the epochs that are open at the end: dirty blocks that were
    neither overwritten nor died. Each run's arrays are overwritten by the next.

    Examples
    --------
    Blocks of 8 and 4 bytes; the 8 bytes are needed again and are then dead.

    >>> from memsim.engines.cache.trace import READ, WRITE
    >>> trace = Trace(start=np.array([0, 3]), block=np.array([0, 1, 0], np.int32),
    ...               code=np.array([WRITE, READ, READ | LAST], np.uint8), size=np.array([8, 4]))
    >>> run, end = thresholds(trace)
    >>> run.threshold[-1], run.dirtied_at, run.spilled_below
    (np.int64(12), array([0]), array([12]))
    """
    size = np.ascontiguousarray(trace.size, np.int64)
    stack = _Stack(size)
    for begin in range(0, len(trace.block), CHUNK):
        block = np.ascontiguousarray(trace.block[begin : begin + CHUNK], np.int32)
        yield stack.serve(block, trace.code[begin : begin + CHUNK], begin)
    yield stack.open_epochs(len(trace.block))


class _Stack:
    """The recency stack of :mod:`memsim.engines.curve.kernel`, and its memory."""

    def __init__(self, size: Ints) -> None:
        self.size = size
        self.row_of = np.full(len(size), -1, np.int32)
        self.register = np.zeros(8, np.int64)
        self.state = np.zeros((0, 3), np.int64)
        self.owner = self.hole = self.began = self.spare = np.zeros(0, np.int64)
        self.threshold = np.empty(CHUNK, np.int64)
        self.epochs = np.empty((CHUNK, 2), np.int64)
        self.grow(0)

    def grow(self, live: int) -> None:
        """Make room for twice the live blocks at least; none is compacted too often then."""
        slots = FEWEST_SLOTS
        while slots < 2 * live:
            slots *= 2
        old = len(self.owner)
        self.owner, self.hole, self.began = (
            np.concatenate([column, np.zeros(slots - old, np.int64)])
            for column in (self.owner, self.hole, self.began)
        )
        # A live block has a slot: rows are never more than slots.
        self.state = np.concatenate([self.state, np.zeros((slots - old, 3), np.int64)])
        self.state[old:, kernel.SLOT] = -1
        spares = self.register[kernel.SPARE]
        self.spare = np.concatenate(
            [np.arange(old, slots), self.spare[:spares], np.zeros(old, np.int64)]
        )
        self.register[kernel.SPARE] = spares + slots - old
        self.heap, self.stack = np.empty(slots, np.int64), np.empty(slots, np.int64)
        nodes, width = [0], slots
        while width > 1:
            width = -(-width // 8)
            nodes.append(nodes[-1] + width)
        self.first = np.array(nodes, np.int64)
        self.tree = np.zeros((nodes[-1], 8), np.int64)
        self.register[kernel.LEVELS] = len(nodes) - 1
        self.compact()

    def compact(self) -> int:
        """Renumber the slots; return how many blocks are live."""
        live: int = kernel.compact(
            self.state, self.tree, self.owner, self.hole, self.stack, self.register
        )
        return live

    def serve(self, block: NDArray[np.int32], code: NDArray[np.uint8], begin: int) -> Thresholds:
        """Advance over some accesses, the first of which is number ``begin``."""
        does = _DOES[code]
        self.register[kernel.CLOSED] = 0
        served = 0
        while True:
            served = kernel.advance(
                block, does, self.size, served, begin, self.row_of, self.state, self.began,
                self.spare, self.tree, self.first, self.owner, self.hole, self.heap, self.stack,
                self.register, self.threshold, self.epochs,
            )  # fmt: skip
            if served == len(block):
                break
            live = self.compact()
            if 2 * live > len(self.owner):
                self.grow(live)
        ended = self.epochs[: self.register[kernel.CLOSED]]
        return Thresholds(
            begin,
            FETCHES[code & KIND],
            self.threshold[:served],
            ended[:, 0],
            ended[:, 1],
        )

    def open_epochs(self, end: int) -> Thresholds:
        """The epochs that are open after the last access."""
        rows = np.flatnonzero(self.state[:, kernel.EPOCH])
        depth = np.full(len(rows), self.register[kernel.INSERTED])
        slot = self.state[rows, kernel.SLOT]
        for first in self.first[: self.register[kernel.LEVELS]]:
            depth -= self.tree[first + (slot >> 3), slot & 7]
            slot = slot >> 3
        none = np.zeros(0, np.int64)
        return Thresholds(
            end,
            none.astype(np.bool_),
            none,
            self.began[rows],
            np.maximum(self.state[rows, kernel.EPOCH], depth),
        )
