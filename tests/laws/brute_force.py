"""A cache written for reading, not for speed: the oracle of the cache pass."""

from __future__ import annotations

from memsim.engines.cache.trace import LAST, READ, WRITE, Trace


def brute_force(trace: Trace, capacity: int) -> tuple[list[int], list[tuple[int, int]]]:
    """Return the accesses that fetch, and the write-backs as (block, access that displaced it).

    The recency stack is a list, the least recent first; bytes are summed anew every time.
    """
    size = [int(n) for n in trace.size]
    stack: list[int] = []
    dirty: set[int] = set()
    fetches: list[int] = []
    spills: list[tuple[int, int]] = []
    for at, (block, code) in enumerate(zip(trace.block.tolist(), trace.code.tolist(), strict=True)):
        dies = bool(code & LAST)
        kind = code & ~LAST
        if block in stack:
            stack.remove(block)
        elif kind == READ:
            fetches.append(at)
        stack.append(block)
        if kind == WRITE:
            dirty.add(block)
        if dies:
            dirty.discard(block)  # nobody will read it again: never written back
        while sum(size[b] for b in stack) > capacity:
            victim = stack.pop(0)
            if victim in dirty:
                dirty.remove(victim)
                spills.append((victim, at))
        if dies and block in stack:
            stack.remove(block)
    return fetches, spills
