"""The loops behind the curve: byte-weighted stack distances with blocks that die.

The recency stack is an array of slots, the newest last. A block that is accessed moves to a new
slot. What it leaves, and what a block leaves that dies, is a hole of its size. Each access
pushes down what lies below it by its bytes; it fills the topmost holes first, and what lies below
a hole is not pushed by the bytes that fill it. So live bytes plus hole bytes from the top down to
a block are the largest depth that the block has had since its last access.

That sum is never formed by adding sizes. Bytes inserted above a slot are the difference of two
values of one running counter; the bytes of holes that were filled above or at a slot are sums
over a tree of nodes eight wide, each child holding what was filled at it or after it in its node.
A look-up reads one number per level, a filled hole changes one node per level.

A block may have parts, which are cached one by one but accessed together, in order. They need no
slots of their own. Let a block lie at depth D, its parts before number k have P bytes, and holes
above it have room for F of the bytes that its access inserts. Part k comes up from D - P, and the
parts before it, which came up first, have pushed it down by P less what went into those holes: it
was at D - min(F, P). Where the block dies each part leaves a hole at the top before the next one
comes, which takes that first; so all parts together insert no more than the largest of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.compiled import INFINITE, compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

DIRTIES, DIES = 1, 2
"""What an access does: make its block dirty; be its last."""

SLOT, SIZE, EPOCH = 0, 1, 2
"""What is known of a live block: its slot, its bytes, and whether it is dirty."""

LEVELS, NEXT, INSERTED, HIGHEST, HEAPED, STACKED, SPARE, CLOSED, TOLD = 0, 1, 2, 3, 4, 5, 6, 7, 8
"""Registers that outlive a call: levels of the tree, the next free slot, bytes inserted, the
topmost hole or -1, holes in the heap and on the stack, spare rows, rows of ``epochs`` and of
``rows`` written."""

REGISTERS = 9

_ADVANCE = (
    "int64(Array(int32, 1, 'C', True), Array(uint8, 1, 'C', True), Array(int64, 1, 'C', True), "
    "Array(int64, 1, 'C', True), Array(int64, 1, 'C', True), "
    "int64, int64, int32[::1], int64[:,::1], int64[::1], int64[::1], int64[:,::1], int64[::1], "
    "int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[:,::1], "
    "int64[:,::1])"
)


@compiled(_ADVANCE)
def advance(
    block: NDArray[np.int32],
    does: NDArray[np.uint8],
    size: Ints,
    parts: Ints,
    part: Ints,
    at: int,
    base: int,
    row_of: NDArray[np.int32],
    state: Ints,
    began: Ints,
    spare: Ints,
    tree: Ints,
    first: Ints,
    owner: Ints,
    hole: Ints,
    heap: Ints,
    stack: Ints,
    register: Ints,
    deepest: Ints,
    rows: Ints,
    epochs: Ints,
) -> int:
    """Serve accesses from ``at`` on until they end or the slots do; return where it stopped.

    Parameters
    ----------
    block, does : arrays, per access
        Its block; its bits ``DIRTIES``, ``DIES``.
    size, row_of : per block
        Bytes; the block's row while it is live, else -1. A dead block's row is used again.
    parts, part : per block and one more, per part
        The first part of each block; bytes.
    at, base : int
        First access to serve; what to add to an access's index to name it in what is written.
    state, began : per row
        ``SLOT``, ``SIZE``, ``EPOCH``; the access that began the epoch.
    spare : stack of rows that are not in use
    tree : nodes x 8
        Level 0 holds, per slot, bytes inserted before it plus bytes filled at or after it in its
        node; the levels above hold, per child, bytes filled in later children of its node.
    first : per level
        Its first node.
    owner, hole : per slot
        The row that was put there; bytes of the hole there that are not filled.
    heap, stack : per slot
        Slots with holes: a max-heap, and an ascending stack for those that were the topmost hole
        when they came up (dead blocks are). The topmost hole is the larger of the two tops.
    register : see ``LEVELS`` and its neighbours
    deepest : per part
        The largest depth of its dirty epoch so far.
    rows : rows of three, written here
        An access; a capacity, and the bytes of the parts that miss iff the cache is smaller.
    epochs : rows of three, written here
        The access that made a block dirty; a capacity, and the bytes of the parts that were
        written back iff the cache is smaller.
    """
    levels = register[LEVELS]
    slot = register[NEXT]
    inserted = register[INSERTED]
    highest = register[HIGHEST]
    heaped = register[HEAPED]
    stacked = register[STACKED]
    spares = register[SPARE]
    closed = register[CLOSED]
    told = register[TOLD]
    stop = min(len(block), at + len(owner) - slot)
    while at < stop:
        b = block[at]
        bits = does[at]
        row = row_of[b]
        begin = parts[b]
        end = parts[b + 1]
        bytes_ = size[b]
        pushes = bytes_
        if bits & DIES:
            pushes = 0
            for k in range(begin, end):
                pushes = max(pushes, part[k])
        unfilled = pushes
        old = -1
        above = 0  # bytes that go into holes above the block
        right_above = 0  # bytes of such a hole that shares the block's slot
        if row < 0:
            spares -= 1
            row = spare[spares]
            row_of[b] = row
            state[row, SIZE] = bytes_
            state[row, EPOCH] = 0
            depth = INFINITE
        else:
            old = state[row, SLOT]
            depth = inserted
            x = old
            for level in range(levels):
                depth -= tree[first[level] + (x >> 3), x & 7]
                x >>= 3
            if old > highest and unfilled == bytes_:
                # The hole it leaves is the topmost, and its own bytes fill it.
                x = old
                until = 1 + (x & 7)
                for level in range(levels):
                    x >>= 3
                    node = first[level] + x
                    for j in range(8):  # no branch: a mispredicted one costs more than 8 sums
                        tree[node, j] += unfilled if j < until else 0
                    until = x & 7
                unfilled = 0
            else:
                if hole[old] == 0:
                    child = heaped
                    heaped += 1
                    while child > 0 and heap[(child - 1) >> 1] < old:
                        heap[child] = heap[(child - 1) >> 1]
                        child = (child - 1) >> 1
                    heap[child] = old
                right_above = hole[old]
                hole[old] += bytes_
                highest = max(highest, old)
        tree[slot >> 3, slot & 7] = inserted
        inserted += pushes
        while unfilled > 0 and highest >= 0:
            filled = min(unfilled, hole[highest])
            unfilled -= filled
            if highest >= old:
                above += filled if highest > old else min(filled, right_above)
            hole[highest] -= filled
            x = highest
            until = 1 + (x & 7)
            if x >> 3 == slot >> 3:
                # Near the top it is cheaper to lift the few above than to lower all below.
                inserted -= filled
                for j in range(8):
                    tree[x >> 3, j] -= filled if j >= until else 0
            else:
                for level in range(levels):
                    x >>= 3
                    node = first[level] + x
                    for j in range(8):
                        tree[node, j] += filled if j < until else 0
                    until = x & 7
            if hole[highest] == 0:
                if stacked > 0 and stack[stacked - 1] == highest:
                    stacked -= 1
                else:
                    heaped -= 1
                    moved = heap[heaped]
                    parent = 0
                    child = 1
                    while child < heaped:
                        if child + 1 < heaped and heap[child + 1] > heap[child]:
                            child += 1
                        if heap[child] <= moved:
                            break
                        heap[parent] = heap[child]
                        parent = child
                        child = 2 * parent + 1
                    heap[parent] = moved
                highest = -1
                if stacked > 0:
                    highest = stack[stacked - 1]
                if heaped > 0 and heap[0] > highest:
                    highest = heap[0]
        owner[slot] = row
        epoch = state[row, EPOCH]
        closes = epoch > 0 and bits & (DIRTIES | DIES) > 0
        if depth == INFINITE:
            above = 0
        first_row = told
        first_epoch = closed
        at_depth = depth
        for k in range(begin, end):
            bytes_of = part[k]
            if told > first_row and rows[told - 1, 1] == at_depth:
                rows[told - 1, 2] += bytes_of
            else:
                rows[told, 0] = base + at
                rows[told, 1] = at_depth
                rows[told, 2] = bytes_of
                told += 1
            if epoch > 0:
                most = max(deepest[k], at_depth)
                deepest[k] = most
                if closes:
                    if closed > first_epoch and epochs[closed - 1, 1] == most:
                        epochs[closed - 1, 2] += bytes_of
                    else:
                        epochs[closed, 0] = began[row]
                        epochs[closed, 1] = most
                        epochs[closed, 2] = bytes_of
                        closed += 1
            if above > 0:
                went = min(above, bytes_of)
                at_depth -= went
                if bits & DIES:  # and its own hole is there for the next one
                    above += bytes_of - went
                else:
                    above -= went
            elif bits & DIES and depth < INFINITE:
                above = bytes_of
        if closes:
            state[row, EPOCH] = 0
        if bits & DIES:
            row_of[b] = -1
            state[row, SLOT] = -1
            spare[spares] = row
            spares += 1
            hole[slot] = pushes
            stack[stacked] = slot
            stacked += 1
            highest = slot
        else:
            state[row, SLOT] = slot
            if bits & DIRTIES:
                state[row, EPOCH] = 1
                began[row] = base + at
                for k in range(begin, end):
                    deepest[k] = 0
        slot += 1
        at += 1
    register[NEXT] = slot
    register[INSERTED] = inserted
    register[HIGHEST] = highest
    register[HEAPED] = heaped
    register[STACKED] = stacked
    register[SPARE] = spares
    register[CLOSED] = closed
    register[TOLD] = told
    return at


@compiled("int64(int64[:,::1], int64[:,::1], int64[::1], int64[::1], int64[::1], int64[::1])")
def compact(state: Ints, tree: Ints, owner: Ints, hole: Ints, stack: Ints, register: Ints) -> int:
    """Move live blocks to the lowest slots, each with the holes above it; return their number.

    Holes between two live blocks are one hole; those below all of them push nobody and go.
    """
    live = 0
    for slot in range(register[NEXT]):
        row = owner[slot]
        bytes_ = hole[slot]
        hole[slot] = 0
        if state[row, SLOT] == slot:
            state[row, SLOT] = live
            owner[live] = row
            hole[live] = bytes_
            live += 1
        elif bytes_ > 0 and live > 0:
            hole[live - 1] += bytes_
    tree[:] = 0
    inserted = 0
    stacked = 0
    for slot in range(live):
        tree[slot >> 3, slot & 7] = inserted
        inserted += state[owner[slot], SIZE] + hole[slot]
        if hole[slot] > 0:
            stack[stacked] = slot
            stacked += 1
    register[NEXT] = live
    register[INSERTED] = inserted
    register[HIGHEST] = stack[stacked - 1] if stacked > 0 else -1
    register[HEAPED] = 0
    register[STACKED] = stacked
    return live
