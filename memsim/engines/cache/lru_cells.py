"""Least recently used over whole cells: the default cache pass, several times faster.

The blocks of a cell are touched together and in order, so they lie side by side in the recency
stack, and an eviction takes them from the first on. What is held of a cell is therefore a
suffix of its blocks, and one number says how much. Only the least recent cell can be held in
part. The outcome is that of :func:`memsim.engines.cache.policies.lru.lru`, byte for byte.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise

import numpy as np

from memsim.engines.cache.trace import LAST, READ, WRITE
from memsim.engines.cache.transfers import Moves, Touches, Transfers


def lru_cells(touches: Touches, capacity: int) -> Transfers:
    """Run a scratchpad with least-recently-used replacement over touches.

    Parameters
    ----------
    touches : Touches
    capacity : int
        Bytes.
    """
    return _Cache(touches, capacity).run()


class _Cache:
    def __init__(self, touches: Touches, capacity: int) -> None:
        self.touches, self.capacity = touches, capacity
        self.size: list[int] = touches.cell_bytes.tolist()
        first = touches.block_bytes[touches.cell_block[:-1]]
        self.step: list[int] = np.where(touches.uniform, first, 0).tolist()
        """Bytes of a cell's blocks where all but the last are equal, else 0."""
        self.largest: list[int] = touches.largest_block.tolist()
        self.held: OrderedDict[int, int] = OrderedDict()
        """Cell -> bytes held, a suffix of its blocks; least recent first."""
        self.used = 0
        self.clean = [0] * len(self.size)
        """The first bytes of a cell that are clean; the cell's size where all are."""
        self.fetched = [0] * len(self.size)
        """The first bytes of a cell that were fetched before."""
        self.writer = touches.cell_writer.tolist()
        self.fetch_at: list[int] = []
        self.fetch_bytes: list[int] = []
        self.again_bytes: list[int] = []
        self.spill_of: list[int] = []
        self.spill_at: list[int] = []
        self.spill_bytes: list[int] = []

    def run(self) -> Transfers:
        touches, capacity, size, held = self.touches, self.capacity, self.size, self.held
        touch, clean, largest = held.move_to_end, self.clean, self.largest
        peak, occupancy = 0, []
        starts = touches.start.tolist()
        for begin, end in pairwise(starts):
            cells = touches.cell[begin:end].tolist()
            codes = touches.code[begin:end].tolist()
            for at, cell, code in zip(range(begin, end), cells, codes, strict=True):
                whole = size[cell]
                if cell in held:
                    if held[cell] < whole:
                        self._touch_part(at, cell, code)
                    elif code < LAST:
                        touch(cell)
                    else:
                        self.used -= held.pop(cell)
                    continue
                kind = code & ~LAST
                if kind == READ:
                    self._fetch(at, cell, whole)
                if code >= LAST:
                    # Each block is dropped before the next one comes.
                    need = self.used + largest[cell] - capacity
                    if need > 0:
                        self._evict(need, at)
                    if largest[cell] <= capacity:
                        peak = max(peak, self.used + largest[cell])
                    continue
                clean[cell] = 0 if kind == WRITE else whole
                need = self.used + whole - capacity
                if need > 0:
                    need = self._evict(need, at)
                kept = whole
                if need > 0:  # larger than the cache: its last blocks stay
                    lost = self._prefix(cell, 0, need)
                    self._spill(cell, 0, lost, at)
                    kept -= lost
                if kept:
                    held[cell] = kept
                    self.used += kept
                    if self.used > peak:
                        peak = self.used
            occupancy.append(self.used)
        fetched, written = np.array(self.fetch_at, np.int64), np.array(self.spill_of, np.int64)
        return Transfers(
            fetches=Moves(
                fetched,
                fetched,
                np.array(self.fetch_bytes, np.int64),
                touches.cell[fetched].astype(np.int64),
            ),
            again=np.array(self.again_bytes, np.int64),
            spills=Moves(
                written,
                np.array(self.spill_at, np.int64),
                np.array(self.spill_bytes, np.int64),
                touches.cell[written].astype(np.int64),
            ),
            results=touches.results,
            occupancy=np.array(occupancy, np.int64),
            peak=peak,
        )

    def _fetch(self, at: int, cell: int, amount: int) -> None:
        """The first ``amount`` bytes of a cell are fetched."""
        before = self.fetched[cell]
        self.fetch_at.append(at)
        self.fetch_bytes.append(amount)
        self.again_bytes.append(min(before, amount))
        if amount > before:
            self.fetched[cell] = amount

    def _spill(self, cell: int, start: int, stop: int, at: int) -> None:
        """The bytes ``[start, stop)`` of a cell are evicted: what is dirty is written back."""
        dirty = max(start, self.clean[cell])
        if stop > dirty:
            self.spill_of.append(self.writer[cell])
            self.spill_at.append(at)
            self.spill_bytes.append(stop - dirty)
            self.clean[cell] = stop

    def _prefix(self, cell: int, start: int, need: int) -> int:
        """The bytes of the fewest blocks from offset ``start`` on that are at least ``need``."""
        step, rest = self.step[cell], self.size[cell] - start
        if step:
            return min(rest, -(-need // step) * step)
        for edge in self._edges(cell):
            if edge - start >= need:
                return edge - start
        return rest

    def _edges(self, cell: int) -> list[int]:
        """Where the blocks of a cell end, in bytes from its start."""
        first, after = self.touches.cell_block[cell : cell + 2]
        edges: list[int] = np.cumsum(self.touches.block_bytes[first:after]).tolist()
        return edges

    def _evict(self, need: int, at: int) -> int:
        """Evict at least ``need`` bytes, the least recent first; return what is still missing."""
        held, size = self.held, self.size
        while need > 0 and held:
            victim, have = held.popitem(last=False)
            gone = size[victim] - have
            lost = have
            if have > need:
                lost = self._prefix(victim, gone, need)
                if lost < have:
                    held[victim] = have - lost
                    held.move_to_end(victim, last=False)
            if self.clean[victim] < size[victim]:
                self._spill(victim, gone, gone + lost, at)
            self.used -= lost
            need -= lost
        return need

    def _touch_part(self, at: int, cell: int, code: int) -> None:
        """Touch a cell of which only the last blocks are held, block by block.

        It is the least recent cell, so fetching its first blocks may evict its own later ones
        before their turn comes. It is being read: a cell is written once, as it is born.
        """
        edges = self._edges(cell)
        starts = [0, *edges[:-1]]
        present = self.size[cell] - self.held.pop(cell)  # offset of the first held block
        moved = 0  # offset of the first of its blocks held at the top of the stack
        missed = 0
        for start, stop in zip(starts, edges, strict=True):
            if start >= present:  # a hit: it moves to the top, or dies
                present = stop
                if code >= LAST:
                    self.used -= stop - start
                continue
            missed = stop
            need = self.used + stop - start - self.capacity
            while need > 0 and present < self.size[cell]:
                after = next(edge for edge in edges if edge > present)
                self._spill(cell, present, after, at)
                self.used -= after - present
                need -= after - present
                present = after
            if need > 0:
                need = self._evict(need, at)
            if code >= LAST:
                continue
            self.used += stop - start
            if need > 0:  # the cell alone is larger than the cache
                after = next(edge for edge in edges if edge - moved >= need)
                self._spill(cell, moved, after, at)
                self.used -= after - moved
                moved = after
        self._fetch(at, cell, missed)
        if code < LAST and moved < self.size[cell]:
            self.held[cell] = self.size[cell] - moved
