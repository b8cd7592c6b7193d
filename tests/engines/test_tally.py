"""The tally loses nothing and holds no more than the distinct pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsim.engines.compiled import INFINITE
from memsim.engines.curve import tally as module
from memsim.engines.curve.tally import Tally
from memsim.errors import SimulationError

entries = st.lists(
    st.tuples(st.integers(0, 4), st.integers(1, 30) | st.just(INFINITE), st.integers(0, 2))
)


@given(st.lists(entries), st.sampled_from([1, 7, 1 << 20]))
def test_sums_are_those_of_a_dictionary(parts: list[list[tuple[int, int, int]]], few: int) -> None:
    amounts = np.array([3, 64, 16384])
    tally = Tally(columns=5, largest=30)
    expected: dict[tuple[int, int], int] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PENDING", few)
        for part in parts:
            column, threshold, amount = np.array(part, np.int64).reshape(-1, 3).T
            tally.add(column, threshold, amounts[amount])
            for column, threshold, amount in part:
                place = threshold, column
                expected[place] = expected.get(place, 0) + int(amounts[amount])
            assert len(tally.keys) <= len(expected)
            waiting = sum(len(key) for key, _ in tally.pending)
            assert tally.waiting == waiting <= few
    step, first, column, nbytes = (each.tolist() for each in tally.rows())
    threshold = np.repeat(step, np.diff(first)).tolist()
    assert step == [0, *sorted({each for each, _ in expected})]
    assert list(zip(threshold, column, strict=True)) == sorted(expected)
    assert nbytes == [expected[place] for place in sorted(expected)]


def test_sums_take_more_bits_when_they_need_them() -> None:
    """A sum of two batches beyond 32 bits, after one that is not."""
    half = 1 << 30
    tally = Tally(columns=2, largest=9)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PENDING", 0)
        for amount, width in ((half, 32), (half, 64), (5, 64)):
            tally.add(np.array([1, 0]), np.array([7, 9]), np.array([amount, 3]))
            assert tally.sums.dtype == f"int{width}"
    assert [each.tolist() for each in tally.rows()[2:]] == [[1, 0], [2 * half + 5, 9]]


def test_amounts_that_do_not_fit_beside_the_rest_are_sorted_apart() -> None:
    tally = Tally(columns=2**20, largest=2**42)
    tally.add(np.array([1, 0, 1]), np.array([10, INFINITE, 10]), np.array([5, 6, 1 << 40]))
    assert [each.tolist() for each in tally.rows()] == [
        [0, 10, INFINITE], [0, 0, 1, 2], [1, 0], [5 + (1 << 40), 6],
    ]  # fmt: skip


def test_what_does_not_fit_into_an_integer_is_refused() -> None:
    Tally(columns=2**20, largest=2**42)
    with pytest.raises(SimulationError, match="too large for a curve"):
        Tally(columns=2**20, largest=2**43)
