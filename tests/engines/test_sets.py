"""What caches of sets hold, by hand; what they move is a law in tests/laws/test_hardware.py."""

from __future__ import annotations

import numpy as np
import pytest

from memsim.engines.cache.sets import compiled_sets, sets_of
from memsim.engines.cache.trace import READ, Trace
from memsim.errors import InputError


def trace(*tasks: list[int]) -> Trace:
    block = [line for task in tasks for line in task]
    return Trace(
        np.cumsum([0, *(len(task) for task in tasks)]),
        np.array(block, np.int32),
        np.full(len(block), READ, np.uint8),
        np.full(max(block) + 1, 32, np.int64),
    )


def test_a_line_that_displaces_another_takes_no_more_room() -> None:
    events = compiled_sets(trace([0], [2], [1], [0]), 64, ways=1, line=32)
    assert events.occupancy.tolist() == [32, 32, 64, 64]
    assert events.peak == 64


def test_a_set_that_is_full_leaves_the_others_empty() -> None:
    events = compiled_sets(trace([0, 2, 4, 6], [0]), 4 * 32, ways=2, line=32)
    assert events.occupancy.tolist() == [64, 64]
    assert events.peak == 64


def test_the_peak_may_lie_below_the_capacity() -> None:
    assert compiled_sets(trace([0, 1, 2]), 8 * 32, ways=4, line=32).peak == 3 * 32


def test_sets_divide_the_capacity() -> None:
    assert sets_of(64, 1, 64) == 1
    for capacity in (0, 63, 65, -64):
        with pytest.raises(InputError, match="no whole number of sets of 1 ways x 64 B"):
            sets_of(capacity, 1, 64)
