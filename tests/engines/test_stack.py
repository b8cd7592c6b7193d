"""The recency stack behind the curve, at its edges."""

from __future__ import annotations

import numpy as np

from memsim.engines.curve import kernel


def test_a_hole_above_live_blocks_stays_right_above_the_newest_of_them() -> None:
    """Slots from the oldest: a block, a hole of 5, a block that has a hole of 7, one of 9."""
    sizes = [10, 20]
    state = np.array([[0, sizes[0], 0, 0], [2, sizes[1], 0, 0], [-1, 0, 0, 0]], np.int64)
    tree = np.zeros((1, 8), np.int64)
    owner = np.array([0, 2, 1, 2, 0, 0, 0, 0], np.int64)
    hole = np.array([0, 5, 7, 9, 0, 0, 0, 0], np.int64)
    stack, register = np.zeros(8, np.int64), np.zeros(8, np.int64)
    register[kernel.NEXT] = 4
    assert kernel.compact(state, tree, owner, hole, stack, register) == 2
    assert state[:, kernel.SLOT].tolist() == [0, 1, -1]
    assert hole[:4].tolist() == [5, 7 + 9, 0, 0]
    assert tree[0, :2].tolist() == [0, 10 + 5]  # bytes below each block, holes included
    assert register[[kernel.NEXT, kernel.INSERTED, kernel.HIGHEST]].tolist() == [2, 15 + 36, 1]
    assert stack[: register[kernel.STACKED]].tolist() == [0, 1]


def test_a_hole_below_all_live_blocks_is_gone() -> None:
    state = np.array([[1, 10, 0, 0], [-1, 0, 0, 0]], np.int64)
    tree = np.zeros((1, 8), np.int64)
    owner = np.array([1, 0, 0, 0, 0, 0, 0, 0], np.int64)
    hole = np.array([5, 0, 0, 0, 0, 0, 0, 0], np.int64)
    stack, register = np.zeros(8, np.int64), np.zeros(8, np.int64)
    register[kernel.NEXT] = 2
    assert kernel.compact(state, tree, owner, hole, stack, register) == 1
    assert hole.tolist() == [0] * 8
    assert register[[kernel.INSERTED, kernel.HIGHEST]].tolist() == [10, -1]
