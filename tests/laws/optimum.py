"""The best that any cache can do, by trying everything: for tiny traces."""

from __future__ import annotations

from itertools import combinations

from memsim.engines.cache.trace import DIRTIES, FETCHES, KIND, LAST, Trace

Held = frozenset[tuple[int, bool]]
"""Blocks, each with whether it is dirty."""


def optimum(trace: Trace, capacity: int, spills: bool = True) -> int:
    """The fewest bytes fetched and, unless ``spills`` is false, written back.

    After each access any of the blocks held, that of the access included, may be kept as far as
    they fit. Whatever dirty block is not is written back, unless it is dead.
    """
    size = [int(n) for n in trace.size]
    costs: dict[Held, int] = {frozenset(): 0}
    for block, code in zip(trace.block.tolist(), trace.code.tolist(), strict=True):
        kind, dies = code & KIND, bool(code & LAST)
        after: dict[Held, int] = {}
        for held, cost in costs.items():
            state = dict(held)
            moved = size[block] if FETCHES[kind] and block not in state else 0
            state[block] = state.get(block, False) or bool(DIRTIES[kind])
            if dies:
                del state[block]
            for kept in _subsets(list(state.items())):
                if sum(size[b] for b, _ in kept) > capacity:
                    continue
                lost = sum(size[b] for b, dirty in set(state.items()) - kept if dirty)
                total = cost + moved + (lost if spills else 0)
                after[kept] = min(after.get(kept, total), total)
        costs = after
    return min(costs.values())


def _subsets(items: list[tuple[int, bool]]) -> list[Held]:
    return [frozenset(chosen) for n in range(len(items) + 1) for chosen in combinations(items, n)]
