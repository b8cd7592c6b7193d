"""Best fit, against a heap that knows the owner of every 64 bytes."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsim.program.memory.best_fit import ALIGNMENT, Heap, aligned


class PlainHeap:
    """The same, unit by unit: whether each is in use."""

    def __init__(self, header: int) -> None:
        self.header = header
        self.used: list[bool] = []
        self.sizes: dict[int, int] = {}

    def gaps(self) -> list[tuple[int, int]]:
        free = []
        for used, run in groupby(zip(self.used, range(len(self.used)), strict=True), itemgetter(0)):
            listed = list(run)
            if not used:
                free.append((len(listed), listed[0][1]))
        return sorted(free)

    def allocate(self, nbytes: int) -> int:
        size = aligned(nbytes + self.header) // ALIGNMENT
        fitting = [(length, at) for length, at in self.gaps() if length >= size]
        if fitting:
            _, at = fitting[0]
        else:
            at = len(self.used)
            self.used += [False] * size
        self.used[at : at + size] = [True] * size
        self.sizes[at] = size
        return at * ALIGNMENT

    def free(self, address: int) -> None:
        at = address // ALIGNMENT
        size = self.sizes.pop(at)
        self.used[at : at + size] = [False] * size
        while self.used and not self.used[-1]:
            self.used.pop()


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 500), st.integers(0, 99)), max_size=40),
    st.sampled_from([0, 16]),
    st.sampled_from([0, 1 << 20]),
)
def test_every_block_lies_where_the_plain_heap_puts_it(
    moves: list[tuple[bool, int, int]], header: int, base: int
) -> None:
    heap, plain = Heap(base, header=header), PlainHeap(header)
    live: list[int] = []
    for give_back, nbytes, which in moves:
        if give_back and live:
            address = live.pop(which % len(live))
            heap.free(base + address)
            plain.free(address)
        else:
            address = plain.allocate(nbytes + 1)
            assert heap.allocate(nbytes + 1) == base + address
            live.append(address)
        assert heap.top == base + len(plain.used) * ALIGNMENT


def test_the_smallest_gap_that_fits_is_taken_and_of_equal_ones_the_lowest() -> None:
    heap = Heap()
    blocks = [heap.allocate(size) for size in (192, 64, 128, 64, 128, 64)]
    for at in (0, 2, 4):
        heap.free(blocks[at])
    assert heap.allocate(128) == blocks[2]
    assert heap.allocate(65) == blocks[4]
    assert heap.allocate(64) == blocks[0]


def test_a_block_as_large_as_a_gap_fills_it_and_one_byte_more_does_not_fit() -> None:
    heap = Heap()
    hole, last = heap.allocate(128), heap.allocate(64)
    heap.free(hole)
    assert heap.allocate(129) == last + 64
    assert heap.allocate(128) == hole


def test_a_header_takes_room_in_front_of_the_next_block() -> None:
    heap = Heap(header=16)
    assert [heap.allocate(48), heap.allocate(49), heap.allocate(1)] == [0, 64, 192]


def test_only_what_is_there_can_be_given_back() -> None:
    heap = Heap()
    with pytest.raises(KeyError):
        heap.free(heap.allocate(64) + 64)
