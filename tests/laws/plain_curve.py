"""The curve written for reading, not for speed: a recency stack of blocks and their depths."""

from __future__ import annotations

from math import inf

from memsim.engines.cache.trace import LAST, WRITE, Trace


def plain_curve(trace: Trace) -> tuple[list[float], list[tuple[int, int]]]:
    """Return the threshold of each access, and the dirty epochs.

    An epoch is (the access that made a block dirty, the largest depth the block reached before it
    was overwritten or died). ``deepest`` holds the largest depth since the last access.
    """
    size = [int(n) for n in trace.size]
    stack: list[int] = []  # live blocks, the most recent first
    deepest: dict[int, int] = {}
    dirty: dict[int, tuple[int, int]] = {}  # block -> the epoch so far
    accesses: list[float] = []
    epochs: list[tuple[int, int]] = []
    for at, (block, code) in enumerate(zip(trace.block.tolist(), trace.code.tolist(), strict=True)):
        dies, kind = bool(code & LAST), code & ~LAST
        accesses.append(deepest.get(block, inf))
        if block in dirty:
            began, depth = dirty[block]
            dirty[block] = (began, max(depth, deepest[block]))
            if dies or kind == WRITE:
                epochs.append(dirty.pop(block))
        if block in stack:
            stack.remove(block)
        stack.insert(0, block)
        deepest[block] = 0
        depth = 0
        for other in stack:  # the access of a block that dies counts for the others
            depth += size[other]
            deepest[other] = max(deepest[other], depth)
        if dies:
            stack.remove(block)
            del deepest[block]  # whoever accesses it now accesses a new block
        elif kind == WRITE:
            dirty[block] = (at, 0)
    for block, (began, depth) in dirty.items():
        epochs.append((began, max(depth, deepest[block])))
    return accesses, epochs
