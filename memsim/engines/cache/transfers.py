"""What a cache moves: fetches, write-backs and network outputs, each charged to a touch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.trace import (
    DIRTIES,
    KIND,
    NEW,
    Events,
    Trace,
)
from memsim.program.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Flow:
    """Transfers of one kind, one entry each: int64 arrays.

    Attributes
    ----------
    of : per transfer
        The touch it is charged to: the reader of a fetch, the writer of what is written.
    at : per transfer
        The touch at which it happens.
    amount : per transfer
        Bytes.
    unit : per transfer
        What is moved: a cell, or a line of memory. Equal numbers are the same data.
    """

    of: Ints
    at: Ints
    amount: Ints
    unit: Ints

    @property
    def runs(self) -> Ints:
        """The first of each run of transfers of one unit at one touch, charged to one."""
        new = np.ones(len(self.at), np.bool_)
        new[1:] = (np.diff(self.at) != 0) | (np.diff(self.of) != 0) | (np.diff(self.unit) != 0)
        return np.flatnonzero(new)

    def summed(self, first: Ints) -> Flow:
        """Each run as one transfer; ``first`` is where the runs begin."""
        amount = _sums(self.amount, first)
        return Flow(self.of[first], self.at[first], amount, self.unit[first])

    def select(self, chosen: NDArray[np.bool_]) -> Flow:
        """Some of them."""
        return Flow(self.of[chosen], self.at[chosen], self.amount[chosen], self.unit[chosen])

    def join(self, other: Flow) -> Flow:
        """These and others."""
        columns = zip(
            (self.of, self.at, self.amount, self.unit),
            (other.of, other.at, other.amount, other.unit),
            strict=True,
        )
        return Flow(*(np.concatenate(pair) for pair in columns))


@dataclass(frozen=True, slots=True)
class Transfers:
    """What crosses the DRAM interface.

    Attributes
    ----------
    fetches : Flow
    again : int64 array, per fetch
        Those of its bytes that were fetched before.
    spills, results : Flow
        Write-backs; network outputs, of each unit the last.
    occupancy : int64 array, per task
        Bytes held after each task.
    peak : int
        Most bytes ever held.
    at_least : int
        Bytes that no cache of the same size moves fewer of, where the policy knows; else 0.
    """

    fetches: Flow
    again: Ints
    spills: Flow
    results: Flow
    occupancy: Ints
    peak: int
    at_least: int = 0

    @classmethod
    def of(
        cls, program: Program, trace: Trace, events: Events, results: Flow | None = None
    ) -> Transfers:
        """The transfers behind a policy's events.

        A fetch is the first of its block, or, where memory is reused, of what has lain there
        since the last access marked ``NEW``. A write-back is charged to the last writer.

        Parameters
        ----------
        program : Program
        trace : Trace
            What the cache was asked for.
        events : Events
            What it did.
        results : Flow, optional
            Network outputs where they are written through, as a scratchpad does; units are cells
            then. Left out, outputs are dirty like all else, units are the trace's blocks, and
            the last write-back of an output is its result: when it is evicted, or else in the
            end of its frame.
        """
        at = np.flatnonzero(events.missed)
        touch, block = trace.touch[at].astype(np.int64), trace.block[at].astype(np.int64)
        size = trace.size[block]
        again = np.where(_first_fetches(trace, at), 0, size)
        spills = _written_back(trace, events)
        at_least = 0
        if results is None:
            fetches = Flow(touch, touch, size, block)
            output = program.cell_is_output[program.touch_cell]
            left = _left_dirty(trace, events)
            left = left.select(output[left.of])
            final = output[spills.of] & _last_of_unit(spills) & ~np.isin(spills.unit, left.unit)
            results, spills = spills.select(final).join(left), spills.select(~final)
            # What a frame gives is handed over when it ends; its lines stay, clean.
            frame = program.task_frame[program.touch_task[results.of]]
            handed_over = np.minimum(results.at, program.frame_end[frame])
            results = replace(results, at=handed_over)
        else:
            cell = program.touch_cell.astype(np.int64)
            fetches = Flow(touch, touch, size, cell[touch])
            spills = replace(spills, unit=cell[spills.of])
            first = fetches.runs
            fetches, again = fetches.summed(first), _sums(again, first)
            spills = spills.summed(spills.runs)
            if events.at_least:
                at_least = events.at_least + int(results.amount.sum())
        return cls(fetches, again, spills, results, events.occupancy, events.peak, at_least)


def _last_of_unit(flow: Flow) -> NDArray[np.bool_]:
    """Whether each transfer is the last of its unit; transfers are in the order of time."""
    last = np.full(int(flow.unit.max(initial=0)) + 1, -1, np.int64)
    last[flow.unit] = np.arange(len(flow.unit))
    is_last: NDArray[np.bool_] = last[flow.unit] == np.arange(len(flow.unit))
    return is_last


def _sums(amounts: Ints, first: Ints) -> Ints:
    """The sum of each run of amounts."""
    return np.add.reduceat(amounts, first) if len(first) else amounts


def _first_fetches(trace: Trace, at: Ints) -> NDArray[np.bool_]:
    """Whether each fetch (an access) is the first of what lies in its block."""
    if (trace.code & NEW).any():
        order = np.argsort(trace.block, kind="stable")
        what = np.empty(len(order), np.int64)
        what[order] = np.cumsum((trace.code[order] & NEW) > 0)
    else:
        what = trace.block.astype(np.int64)
    fetched = what[at]
    first = np.full(int(fetched.max(initial=0)) + 1, -1, np.int64)
    first[fetched[::-1]] = at[::-1]
    is_first: NDArray[np.bool_] = first[fetched] == at
    return is_first


def _writes(trace: Trace) -> tuple[Ints, Ints]:
    """Accesses that make a block dirty, sorted by block and time, and their sort keys."""
    writes = np.flatnonzero(DIRTIES[trace.code & KIND])
    keys = trace.block[writes].astype(np.int64) * (len(trace.block) + 1) + writes
    order = np.argsort(keys, kind="stable")
    return writes[order], keys[order]


def _written_back(trace: Trace, events: Events) -> Flow:
    """Each write-back, charged to the last write to its block."""
    writes, keys = _writes(trace)
    at = events.spilled * (len(trace.block) + 1) + events.spilled_at
    by = writes[np.searchsorted(keys, at, side="right") - 1]
    return Flow(
        trace.writer_or_touch[by].astype(np.int64),
        trace.touch[events.spilled_at].astype(np.int64),
        trace.size[events.spilled],
        events.spilled,
    )


def _left_dirty(trace: Trace, events: Events) -> Flow:
    """The blocks that are dirty after the last access, as if written back then."""
    writes, _ = _writes(trace)
    block = trace.block[writes].astype(np.int64)
    last = np.flatnonzero(np.diff(block, append=-1))  # the last write to each block
    writes, block = writes[last], block[last]
    spilled_at = np.full(len(trace.size), -1, np.int64)
    np.maximum.at(spilled_at, events.spilled, events.spilled_at)
    dirty = spilled_at[block] < writes
    writes, block = writes[dirty], block[dirty]
    end = np.full(len(writes), int(trace.touch[-1]) if len(trace.touch) else 0, np.int64)
    return Flow(trace.writer_or_touch[writes].astype(np.int64), end, trace.size[block], block)
