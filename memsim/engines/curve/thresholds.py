"""Thresholds: the capacity below which each access misses and each dirty block is written back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.trace import DIRTIES, FETCHES, KIND, LAST, NEW, PartTrace, Trace
from memsim.engines.compiled import in_python, plain_will_do
from memsim.engines.curve import kernel as kernel
from memsim.progress import stage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

CHUNK = 1 << 16
"""Parts of blocks accessed at a time: the working memory does not grow with the trace."""

FEWEST_SLOTS = 1 << 12

SHORT = 5_000
"""Accesses that plain Python serves before the compiled loop is loaded, some 0.3 s."""

MANY = 8 * SHORT
"""Accesses after which a process has plainly spent as long as loading takes: it goes on and on."""


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
    begin, end : int
        The first access, and that behind the last.
    at : int64 array, one entry per access, or several where its parts differ
        The access.
    fetches : bool array, per entry
        Whether it fetches its block where it misses.
    threshold, missed : int64 arrays, per entry
        It misses iff the capacity is smaller; ``INFINITE`` for a block's first access. A block
        that is accessed after its death is a new one. Bytes of the block, or of its parts.
    dirtied_at, spilled_below, spilled : int64 arrays, one or several per dirty epoch that ended
        The access that made a block dirty; the block was written back before it was
        overwritten, or died, iff the capacity is smaller than this. Bytes of it.
    """

    begin: int
    end: int
    at: Ints
    fetches: NDArray[np.bool_]
    threshold: Ints
    missed: Ints
    dirtied_at: Ints
    spilled_below: Ints
    spilled: Ints


def thresholds(trace: Trace) -> Iterator[Thresholds]:
    """Yield a trace's thresholds in runs of some ``CHUNK`` accesses to parts of blocks.

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
    if isinstance(trace, PartTrace):
        parts, part = trace.parts, np.ascontiguousarray(trace.part, np.int64)
        served = np.cumsum(np.diff(parts)[trace.block])
    else:
        parts, part = np.arange(len(size) + 1), size
        served = np.arange(1, len(trace.block) + 1)
    stack = _Stack(size, parts, part, plain=_is_short(served))
    begin, count = 0, len(trace.block)
    with stage("accesses, at every cache size", count) as now:
        while begin < count:
            before = int(served[begin - 1]) if begin else 0
            end = max(int(np.searchsorted(served, before + CHUNK, side="right")), begin + 1)
            block = np.ascontiguousarray(trace.block[begin:end], np.int32)
            yield stack.serve(block, trace.code[begin:end], begin)
            now.tell(end)
            begin = end
        yield stack.open_epochs(count)


class _Plainly:
    """What plain Python has served in this process; both loops give the same."""

    served = 0


def _is_short(served: Ints) -> bool:
    """Whether plain Python is done before the compiler would be loaded."""
    if not plain_will_do(len(served), SHORT):
        return False
    _Plainly.served += len(served)
    return _Plainly.served <= MANY


class _Stack:
    """The recency stack of :mod:`memsim.engines.curve.kernel`, and its memory."""

    def __init__(self, size: Ints, parts: Ints, part: Ints, *, plain: bool) -> None:
        self.size, self.parts, self.part = size, parts, part
        self._advance, self._compact = kernel.advance, kernel.compact
        if plain:
            self._advance, self._compact = in_python(kernel.advance), in_python(kernel.compact)
        self.row_of = np.full(len(size), -1, np.int32)
        self.register = np.zeros(kernel.REGISTERS, np.int64)
        self.state = np.zeros((0, 3), np.int64)
        self.owner = self.hole = self.began = self.spare = np.zeros(0, np.int64)
        self.deepest = np.zeros(len(part), np.int64)
        most = CHUNK + int(np.diff(parts).max(initial=1))
        self.rows, self.epochs = np.empty((most, 3), np.int64), np.empty((most, 3), np.int64)
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
        live: int = self._compact(
            self.state, self.tree, self.owner, self.hole, self.stack, self.register
        )
        return live

    def serve(self, block: NDArray[np.int32], code: NDArray[np.uint8], begin: int) -> Thresholds:
        """Advance over some accesses, the first of which is number ``begin``."""
        does = _DOES[code]
        self.register[[kernel.CLOSED, kernel.TOLD]] = 0
        served = 0
        while True:
            served = self._advance(
                block, does, self.size, self.parts, self.part, served, begin, self.row_of,
                self.state, self.began, self.spare, self.tree, self.first, self.owner, self.hole,
                self.heap, self.stack, self.register, self.deepest, self.rows, self.epochs,
            )  # fmt: skip
            if served == len(block):
                break
            live = self.compact()
            if 2 * live > len(self.owner):
                self.grow(live)
        rows = self.rows[: self.register[kernel.TOLD]]
        ended = self.epochs[: self.register[kernel.CLOSED]]
        at = rows[:, 0]
        fetches = FETCHES[code[at - begin] & KIND]
        return Thresholds(begin, begin + served, at, fetches, *rows.T[1:], *ended.T)

    def open_epochs(self, end: int) -> Thresholds:
        """The epochs that are open after the last access."""
        live = np.flatnonzero(self.row_of >= 0)
        block = live[self.state[self.row_of[live], kernel.EPOCH] > 0]
        row = self.row_of[block]
        depth = np.full(len(row), self.register[kernel.INSERTED])
        slot = self.state[row, kernel.SLOT]
        for first in self.first[: self.register[kernel.LEVELS]]:
            depth -= self.tree[first + (slot >> 3), slot & 7]
            slot = slot >> 3
        count = self.parts[block + 1] - self.parts[block]
        ends = np.cumsum(count)
        dirty = np.repeat(self.parts[block] - (ends - count), count) + np.arange(count.sum())
        size = self.part[dirty]
        # A block's first part is its oldest and lies below the others.
        before = np.cumsum(size) - size
        before -= np.repeat(before[ends - count], count)
        below = np.maximum(self.deepest[dirty], np.repeat(depth, count) - before)
        none = np.zeros(0, np.int64)
        return Thresholds(
            end, end, none, none.astype(np.bool_), none, none,
            np.repeat(self.began[row], count), below, size,
        )  # fmt: skip
