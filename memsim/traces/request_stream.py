"""The request stream: the bursts of a run, one by one, in the order of the DRAM channel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.results.details.channel_ranges import ChannelRanges, segment_times
from memsim.results.run import Result

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

PIECE = 1 << 16
"""Requests at a time: what a stream holds in memory."""


@dataclass(frozen=True, slots=True)
class Requests:
    """The bursts of a run: one request each, in order.

    Attributes
    ----------
    ranges : ChannelRanges
        The bytes that they carry.
    burst : int
        Bytes of one.
    result : Result
        The run.
    total : int
        How many there are.

    Examples
    --------
    >>> import memsim
    >>> requests = Requests.of(memsim.run("resnet18"))
    >>> sum(len(address) for _, _, address in requests) == requests.total
    True
    """

    ranges: ChannelRanges
    burst: int
    result: Result
    total: int

    @classmethod
    def of(cls, result: Result) -> Requests:
        """The requests of a result."""
        ranges, burst = ChannelRanges.of(result), result.machine.dram.burst
        return cls(ranges, burst, result, int(_bursts(ranges, burst).sum()))

    def __iter__(self) -> Iterator[tuple[Ints, NDArray[np.bool_], Ints]]:
        """Pieces of the stream: time in picoseconds, whether it writes, address."""
        moved = self.ranges
        count = _bursts(moved, self.burst)
        starts, ends = segment_times(self.result)
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


def _bursts(moved: ChannelRanges, burst: int) -> Ints:
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
