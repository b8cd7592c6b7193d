"""Searches over sets of steps: the best first, which is exact, and a beam."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class State:
    """Some steps have run.

    Attributes
    ----------
    done, ready : int
        The steps that have run, and those that can run next, as bits.
    cost : int
        What every order that begins like this costs at least; all it costs where every step has
        run. It never falls from a state to a longer one.
    tie : int
        Of equal costs the lesser is looked at first.
    key : hashable
        States with equal keys can be continued alike, for the same cost.
    depth : int
        How many steps have run.
    before : State or None
    step : int
        The last of them.
    more : object
        What else is known of it.
    """

    done: int
    ready: int
    cost: int
    tie: int
    key: Hashable
    depth: int = 0
    before: State | None = None
    step: int = -1
    more: Any = None

    @property
    def order(self) -> tuple[int, ...]:
        """The steps in the order in which they ran."""
        found: list[int] = []
        state: State | None = self
        while state is not None and state.before is not None:
            found.append(state.step)
            state = state.before
        return tuple(found[::-1])


Expand = Callable[[State], Iterable[State]]
"""The states that are one step longer."""


def best_first(
    start: State, expand: Expand, below: int, spent: Callable[[], bool]
) -> tuple[State | None, bool]:
    """Find the cheapest order, always continuing what costs least so far.

    The first order that is complete when it is looked at is cheapest, since all others cost at
    least as much already.

    Parameters
    ----------
    start : State
    expand : callable
    below : int
        Only orders that cost less are looked for.
    spent : callable
        Whether the search is to be given up.

    Returns
    -------
    found : State or None
        None where no order costs less than ``below``, or the search was given up.
    finished : bool
        Whether it was not.
    """
    heap = [(start.cost, 0, start.tie, 0, start)]
    cheapest = {start.key: start.cost}
    count = 0
    while heap:
        *_, state = heapq.heappop(heap)
        if not state.ready:
            return state, True
        if state.cost > cheapest[state.key]:
            continue
        if spent():
            return None, False
        for longer in expand(state):
            if longer.cost < min(below, cheapest.get(longer.key, below)):
                cheapest[longer.key] = longer.cost
                count += 1
                entry = (longer.cost, -longer.depth, longer.tie, count, longer)
                heapq.heappush(heap, entry)
    return None, True


def beam(
    start: State,
    expand: Expand,
    below: int,
    width: int,
    spent: Callable[[], bool] = lambda: False,
) -> State | None:
    """Go step by step, each time with the states that cost least so far.

    Parameters
    ----------
    start, expand, below, spent
        As for :func:`best_first`.
    width : int
        How many states there are after each step, at most.

    Returns
    -------
    State or None
        None where all that was looked at costs ``below`` or more, or the search was given up.
    """
    level = [start]
    while level and level[0].ready:
        if spent():
            return None
        longer: dict[Hashable, State] = {}
        for state in level:
            for each in expand(state):
                other = longer.get(each.key)
                if each.cost < below and (other is None or each.cost < other.cost):
                    longer[each.key] = each
        level = heapq.nsmallest(width, longer.values(), key=lambda each: (each.cost, each.tie))
    return level[0] if level else None
