"""The plan: which accesses leave their block on chip, and how good that is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.bounds.intervals import Intervals
from memsim.engines.cache.trace import DIRTIES, FETCHES, KIND, LAST, Events, Trace
from memsim.engines.residency.packing import Packing
from memsim.engines.residency.prices import rising_prices
from memsim.engines.residency.search import greedy, improved, worths
from memsim.progress import stage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is kept on chip, decided before the run.

    Attributes
    ----------
    keeps : bool array, per access
        Whether its block stays until the next access to it.
    at_least : int
        Bytes that no cache of this capacity fetches and writes back fewer of, certified.
    """

    keeps: Flags
    at_least: int


def plan(trace: Trace, capacity: int, known: Iterable[Events] = ()) -> Plan:
    """Plan what to keep on chip: never more bytes than anything known moves.

    Parameters
    ----------
    trace : Trace
    capacity : int
        Bytes.
    known : iterable of Events
        What caches of this capacity did with the trace: packings to begin with.

    Examples
    --------
    Room for one of two blocks in turn: one of them stays, and no cache does better.

    >>> trace = Trace(start=np.array([0, 4]), block=np.array([0, 1, 0, 1], np.int32),
    ...               code=np.zeros(4, np.uint8), size=np.array([8, 8]))
    >>> found = plan(trace, 8)
    >>> found.keeps.tolist(), found.at_least
    ([True, False, False, False], 24)
    """
    intervals = Intervals.of(trace, capacity)
    keeps = np.zeros(len(trace.block), np.bool_)
    keeps[intervals.free] = True
    if not len(intervals):
        return Plan(keeps, intervals.fixed)
    packing = Packing.of(intervals)
    starts = [packing.counted(kept_by(trace, events)[intervals.access]) for events in known]
    starts.append(greedy(packing, worths(packing, np.zeros(intervals.moments))))
    kept = min(starts, key=packing.moved)
    with stage("what stays on chip"):
        price = rising_prices(packing, packing.moved(kept))
        at_least = intervals.bound(price)
        worth = worths(packing, price)
        found = [greedy(packing, worth), greedy(packing, worth, kept)]
        kept = min(found, key=packing.moved)
        kept = improved(packing, kept, worth, at_least)
    keeps[intervals.access[packing.chosen(kept)]] = True
    return Plan(keeps, at_least)


def kept_by(trace: Trace, events: Events) -> Flags:
    """The accesses after which a cache kept the block in a way that saved something.

    Until the next access, which did not fetch it; or dirty until it was overwritten, or to the
    end of the trace.
    """
    order, follows = _follows(trace)
    kind, place = trace.code[order] & KIND, np.arange(len(order))
    fetches = np.zeros(len(order), np.bool_)
    fetches[:-1] = FETCHES[kind[1:]] & follows[:-1]
    hits = np.zeros(len(order), np.bool_)
    hits[:-1] = ~events.missed[order[1:]] & follows[:-1]
    # An access tells not whether it found its block dirty: that was written back since tells that.
    count = len(order) + 1
    keys = trace.block[order].astype(np.int64) * count + order
    lost = np.zeros(len(order), np.bool_)
    lost[np.searchsorted(keys, events.spilled * count + events.spilled_at, "right") - 1] = True
    written = np.maximum.accumulate(np.where(DIRTIES[kind], place, -1))
    dirty = written > np.maximum.accumulate(np.where(lost, place, -1))
    kept = np.zeros(len(order), np.bool_)
    kept[order] = np.where(fetches, hits, dirty)
    return kept


def follow(trace: Trace, keeps: Flags, at_least: int = 0) -> Events:
    """Run a trace as planned: what a plan does not keep streams past the cache.

    Parameters
    ----------
    trace : Trace
    keeps : bool array, per access
        Whether its block stays until the next access to it.
    at_least : int
        See :class:`~memsim.engines.cache.trace.Events`.
    """
    kind, dies = trace.code & KIND, (trace.code & LAST) > 0
    accesses = len(kind)
    order, follows = _follows(trace)
    stays = keeps & ~dies
    held = np.zeros(accesses, np.bool_)  # when the access comes
    held[order[1:]] = stays[order[:-1]] & follows[:-1]
    missed = FETCHES[kind] & ~held
    # A block is dirty from a write on, until it dies or is written back, which is once it leaves.
    writes, leaves = DIRTIES[kind][order], ~stays[order]
    place = np.arange(accesses)
    new = np.ones(accesses, np.bool_)
    new[1:] = ~follows[:-1]
    written = np.maximum.accumulate(np.where(writes, place, -1))
    cleaned = np.maximum.accumulate(np.where(leaves, place, -1))
    before = np.concatenate([[-1], cleaned[:-1]])
    born = np.maximum.accumulate(np.where(new, place, 0))
    spills = leaves & ~dies[order] & (written >= born) & (written > before)
    spilled_at = np.sort(order[spills])
    change = np.zeros(accesses + 1, np.int64)
    size = trace.size[trace.block]
    change[:-1] += np.where(stays, size, 0)
    change[:-1] -= np.where(held, size, 0)
    used = np.cumsum(change)
    return Events(
        missed,
        trace.block[spilled_at].astype(np.int64),
        spilled_at.astype(np.int64),
        used[np.maximum(trace.start[1:] - 1, -1)],
        int(used.max(initial=0)),
        at_least,
    )


def _follows(trace: Trace) -> tuple[Ints, Flags]:
    """Accesses by block and time; whether the next one is to the same block."""
    order = np.argsort(trace.block, kind="stable")
    follows = np.zeros(len(order), np.bool_)
    follows[:-1] = trace.block[order[1:]] == trace.block[order[:-1]]
    return order, follows
