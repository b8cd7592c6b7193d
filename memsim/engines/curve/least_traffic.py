"""Layer order ``min_traffic``: the least DRAM traffic in a cache."""

from __future__ import annotations

from itertools import islice

from memsim.engines.cache.managements import MANAGEMENTS
from memsim.engines.cache.managements.scratchpad import Scratchpad
from memsim.engines.curve.lru_steps import LruSteps
from memsim.machine.cache import Cache
from memsim.program.ordering.depth import depth_first_order
from memsim.program.ordering.peak import least_peak_order
from memsim.program.ordering.search import beam, best_first
from memsim.program.ordering.steps import Found, Steps

MOST_WORK = 800_000
"""What the exact search does at most: accesses to blocks that it simulates, and blocks of which it
notes that they are held; some 0.3 s."""

BEAM_WORK = 2_500_000
"""The same for the beam; where that is too little for one state at a time, none is found."""

PEAK_SETS = 100_000
"""Sets of steps made for the order of the least peak, which is one of those to beat."""

WIDEST = 32
"""States that the beam goes on with, at most."""

MOST_ORDERS = 50
"""Orders that are all tried where the cache is none that the exact search knows."""

MOST_PASSES = 3
"""Of the orders that a beam finds for LRU, so many are tried in another cache."""


def least_traffic_order(steps: Steps, cache: Cache) -> Found:
    """Find the order of steps that moves least in a cache.

    In a scratchpad with LRU replacement what has run decides what it has cost, so orders are
    extended step by step, the cheapest first, until the cheapest is complete. Where that takes
    more than :data:`MOST_WORK`, a beam looks for one that costs less than the file's. Of other
    caches all orders are tried where they are few, and else what the beam finds for LRU.

    Returns
    -------
    Found
        Orders of which one, or the file's, moves least; each is yet to be run through the cache.
    """
    if steps.forced:
        return Found((), "exact")
    known = LruSteps(steps, cache.size)
    if not (isinstance(MANAGEMENTS[cache.management], Scratchpad) and cache.policy == "lru"):
        orders = tuple(islice(steps.all_orders(), MOST_ORDERS + 1))
        if len(orders) <= MOST_ORDERS:
            return Found(orders[1:], "exact")
        costs = _by_beam(known, known.cost(range(len(steps))))
        return Found(tuple(sorted(costs, key=costs.__getitem__)[:MOST_PASSES]), "beam")
    file = known.cost(range(len(steps)))
    if file == steps.program.compulsory_bytes:
        return Found((), "exact")
    found, finished = None, False
    if steps.program.accesses <= MOST_WORK:
        found, finished = best_first(known.start(), known.expand, file, known.spent(MOST_WORK))
    if finished:
        return Found(() if found is None else (found.order,), "exact")
    costs = _by_beam(known, file)
    best = min(costs, key=costs.__getitem__)
    return Found((best,) if costs[best] < file else (), "beam")


def _by_beam(known: LruSteps, file: int) -> dict[tuple[int, ...], int]:
    """What a beam finds, and the orders that need no cache, each with its traffic under LRU."""
    steps = known.steps
    orders = [*depth_first_order(steps).orders, *least_peak_order(steps, PEAK_SETS).orders]
    costs = {order: known.cost(order) for order in orders}
    below = min(file, *costs.values())
    spent, begun, width, last = known.spent(BEAM_WORK), known.work, 1, 2 * steps.program.accesses
    while width <= WIDEST and known.work - begun + 2 * last <= BEAM_WORK:
        before = known.work
        better = beam(known.start(), known.expand, below, width, spent)
        if better is not None:
            below = costs[better.order] = better.cost
        last, width = known.work - before, 2 * width
    return costs
