"""Channel ranges: every byte that moves, at its address, in the order of the DRAM channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.managements import MANAGEMENTS
from memsim.engines.cache.transfers import Flow
from memsim.program.memory.allocator import plan_memory
from memsim.program.memory.placement import Placement
from memsim.results.run import Result

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ChannelRanges:
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
    >>> ranges = ChannelRanges.of(result)
    >>> int(ranges.nbytes.sum()) == result.dram_bytes
    True
    """

    segment: Ints
    write: NDArray[np.bool_]
    address: Ints
    nbytes: Ints

    @classmethod
    def of(cls, result: Result) -> ChannelRanges:
        """The ranges of a run, at the addresses that the allocator of its program gives."""
        program, cache, moved = result.program, result.machine.cache, result.transfers
        # What is displaced makes room first; results follow in the order of the writes.
        kinds = ((moved.spills, True), (moved.fetches, False), (moved.results, True))
        at = np.concatenate([flow.at for flow, _ in kinds])
        order = np.lexsort((np.repeat([0, 1, 2], [len(flow.at) for flow, _ in kinds]), at))
        store = program.touch_write[at]
        segment = 2 * program.touch_task[at].astype(np.int64) + store
        # A task's loads come first in its touches, so order by touch is order by segment; but
        # the channel may serve a store before an earlier load.
        starts, _ = segment_times(result)
        order = order[np.argsort(starts[segment][order], kind="stable")]
        unit = np.concatenate([flow.unit for flow, _ in kinds])[order]
        amount = np.concatenate([flow.amount for flow, _ in kinds])[order]
        write = np.concatenate([np.full(len(flow.at), way) for flow, way in kinds])[order]
        segment = segment[order]
        if MANAGEMENTS[cache.management].addressed:  # a unit is a line
            return cls(segment, write, unit * cache.line, amount).joined()
        offset = np.concatenate(
            [_along(moved.spills), _within(moved.fetches), np.zeros(len(moved.results.at), int)]
        )
        plan = plan_memory(program, cache.allocator)
        part, address, nbytes = Placement.of(program, plan).ranges(unit, offset[order], amount)
        return cls(segment[part], write[part], address, nbytes).joined()

    def joined(self) -> ChannelRanges:
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
        return ChannelRanges(self.segment[first], self.write[first], self.address[first], nbytes)


def segment_times(result: Result) -> tuple[Ints, Ints]:
    """When each segment (see :class:`ChannelRanges`) starts and ends on the channel.

    Examples
    --------
    >>> import memsim
    >>> result = memsim.run("resnet18")
    >>> starts, ends = segment_times(result)
    >>> len(starts) == 2 * result.program.tasks, bool((starts <= ends).all())
    (True, True)
    """
    line = result.timeline
    starts = np.stack([line.load_start, line.store_start], axis=1).reshape(-1)
    ends = np.stack([line.load_end, line.store_end], axis=1).reshape(-1)
    return starts, ends


def _along(spills: Flow) -> Ints:
    """Where in its cell each write-back begins: a cell's blocks are written back in order."""
    return _sums_before(spills, np.argsort(spills.unit, kind="stable"), spills.unit)


def _within(fetches: Flow) -> Ints:
    """Where in its cell each fetch begins: what is missing of a cell is its first blocks."""
    return _sums_before(fetches, np.argsort(fetches.at, kind="stable"), fetches.at)


def _sums_before(flow: Flow, order: Ints, key: Ints) -> Ints:
    """Sums of the amounts before each, among those of the same key."""
    amount, sorted_key = flow.amount[order], key[order]
    total = np.cumsum(amount) - amount
    first = np.concatenate([[True], sorted_key[1:] != sorted_key[:-1]])[: len(order)]
    begin = np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
    sums = np.empty(len(order), np.int64)
    sums[order] = total - total[begin] if len(order) else total
    return sums
