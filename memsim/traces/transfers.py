"""Transfers of a run in the order in which the DRAM channel serves them, with addresses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.cachepass import transfers
from memsim.engines.cache.managements import MANAGEMENTS
from memsim.engines.cache.transfers import Flow
from memsim.program.memory.allocator import plan_memory
from memsim.program.placement import Placement
from memsim.results.run import Result

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

PIECE = 1 << 16
"""Requests at a time: what a stream holds in memory."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Ranges of bytes in the order in which they cross the DRAM interface.

    Attributes
    ----------
    segment : int64 array, per range
        What it is part of: the load of task ``i`` is ``2 i``, its store ``2 i + 1``.
    write : bool array, per range
        To DRAM; a load has writes too, of what its fetches displace.
    address, nbytes : int64 arrays, per range

    Examples
    --------
    >>> import memsim
    >>> result = memsim.run("resnet18")
    >>> moved = Moved.of(result)
    >>> int(moved.nbytes.sum()) == result.dram_bytes
    True
    """

    segment: Ints
    write: NDArray[np.bool_]
    address: Ints
    nbytes: Ints

    @classmethod
    def of(cls, result: Result) -> Moved:
        """The ranges of a result, at the addresses that the allocator of its program gives."""
        program, machine = result.program, result.machine
        found = transfers(program, machine.cache)
        # What is displaced makes room first; results follow in the order of the writes.
        kinds = ((found.spills, True), (found.fetches, False), (found.results, True))
        at = np.concatenate([moves.at for moves, _ in kinds])
        order = np.lexsort((np.repeat([0, 1, 2], [len(moves.at) for moves, _ in kinds]), at))
        store = program.touch_write[at]
        segment = 2 * program.touch_task[at].astype(np.int64) + store
        # A task's loads come first in its touches, so order by touch is order by segment; but
        # the channel may serve a store before an earlier load.
        starts = _starts(result)[segment]
        order = order[np.argsort(starts[order], kind="stable")]
        unit = np.concatenate([moves.unit for moves, _ in kinds])[order]
        amount = np.concatenate([moves.amount for moves, _ in kinds])[order]
        write = np.concatenate([np.full(len(moves.at), way) for moves, way in kinds])[order]
        segment = segment[order]
        if MANAGEMENTS[machine.cache.management].addressed:  # a unit is a line
            return cls(segment, write, unit * machine.cache.line, amount).joined()
        offset = np.concatenate(
            [_along(found.spills), _within(found.fetches), np.zeros(len(found.results.at), int)]
        )
        plan = plan_memory(program, machine.cache.allocator)
        part, address, nbytes = Placement.of(program, plan).ranges(unit, offset[order], amount)
        return cls(segment[part], write[part], address, nbytes).joined()

    def joined(self) -> Moved:
        """Ranges that continue one another within a segment as one."""
        if not len(self.segment):
            return self
        new = np.ones(len(self.segment), np.bool_)
        new[1:] = (
            (self.segment[1:] != self.segment[:-1])
            | (self.write[1:] != self.write[:-1])
            | (self.address[1:] != self.address[:-1] + self.nbytes[:-1])
        )
        first = np.flatnonzero(new)
        nbytes = np.add.reduceat(self.nbytes, first)
        return Moved(self.segment[first], self.write[first], self.address[first], nbytes)


def _along(spills: Flow) -> Ints:
    """Where in its cell each write-back begins: a cell's blocks are written back in order."""
    return _running(spills, np.argsort(spills.unit, kind="stable"), spills.unit)


def _within(fetches: Flow) -> Ints:
    """Where in its cell each fetch begins: what is missing of a cell is its first blocks."""
    return _running(fetches, np.argsort(fetches.at, kind="stable"), fetches.at)


def _running(moves: Flow, order: Ints, key: Ints) -> Ints:
    """Sums of the amounts before each, among those of the same key."""
    amount, sorted_key = moves.amount[order], key[order]
    total = np.cumsum(amount) - amount
    first = np.concatenate([[True], sorted_key[1:] != sorted_key[:-1]])[: len(order)]
    begin = np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
    found = np.empty(len(order), np.int64)
    found[order] = total - total[begin] if len(order) else total
    return found


def _starts(result: Result) -> Ints:
    """When each segment starts on the channel."""
    line = result.timeline
    return np.stack([line.load_start, line.store_start], axis=1).reshape(-1)


@dataclass(frozen=True, slots=True)
class Requests:
    """The bursts of a run: one request each, in order.

    Attributes
    ----------
    moved : Moved
    burst : int
        Bytes of one.
    total : int
        How many there are.

    Examples
    --------
    >>> import memsim
    >>> requests = Requests.of(memsim.run("resnet18"))
    >>> sum(len(address) for _, _, address in requests) == requests.total
    True
    """

    moved: Moved
    burst: int
    result: Result
    total: int

    @classmethod
    def of(cls, result: Result) -> Requests:
        """The requests of a result."""
        moved, burst = Moved.of(result), result.machine.dram.burst
        return cls(moved, burst, result, int(_bursts(moved, burst).sum()))

    def __iter__(self) -> Iterator[tuple[Ints, NDArray[np.bool_], Ints]]:
        """Pieces of the stream: time in picoseconds, whether it writes, address."""
        moved, line = self.moved, self.result.timeline
        count = _bursts(moved, self.burst)
        starts = _starts(self.result)
        ends = np.stack([line.load_end, line.store_end], axis=1).reshape(-1)
        in_segment = np.zeros(len(starts), np.int64)
        np.add.at(in_segment, moved.segment, count)
        before = np.cumsum(count) - count  # requests before each range, of all and of its segment
        new = np.concatenate([[True], moved.segment[1:] != moved.segment[:-1]])[: len(count)]
        base = before[np.maximum.accumulate(np.where(new, np.arange(len(count)), 0))]
        for low, high in _pieces(count):
            ranges = np.arange(low, high)
            owner = np.repeat(ranges, count[low:high])
            number = np.arange(len(owner)) + before[low] - before[owner]
            address = (moved.address[owner] // self.burst + number) * self.burst
            segment = moved.segment[owner]
            rank = before[owner] - base[owner] + number
            length = ends[segment] - starts[segment]
            # Bursts share the segment's time evenly; whole and remainder keep it in 64 bits.
            whole, rest = np.divmod(length, in_segment[segment])
            time = starts[segment] + rank * whole + rank * rest // in_segment[segment]
            yield time, moved.write[owner], address


def _bursts(moved: Moved, burst: int) -> Ints:
    """Bursts that each range touches."""
    last = (moved.address + moved.nbytes - 1) // burst
    return last - moved.address // burst + 1


def _pieces(count: Ints) -> Iterator[tuple[int, int]]:
    """Runs of ranges with about :data:`PIECE` requests each."""
    piece = np.cumsum(count) // PIECE
    edges = np.concatenate([np.flatnonzero(np.diff(piece, prepend=-1)), [len(count)]])
    for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if high > low:
            yield low, high
