"""Heaps: no two live blocks share a byte, whoever hands them out; the ends of the band by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsim.errors import InputError
from memsim.program.memory.heaps.coldest import Coldest
from memsim.program.memory.heaps.cuda import (
    LARGE_SEGMENT,
    OWN_SEGMENT,
    SMALL,
    SMALL_SEGMENT,
    CudaCaching,
)
from memsim.program.memory.heaps.heap import HEAPS
from memsim.program.memory.heaps.hottest import Hottest

MIB = 1 << 20

sizes = st.one_of(st.integers(0, 2000), st.integers(0, 1 << 16), st.integers(0, 30 * MIB))
moves = st.lists(
    st.tuples(st.booleans(), sizes, st.sampled_from([16, 64]), st.integers(0, 99)), max_size=60
)


@pytest.mark.parametrize("name", HEAPS)
@given(moves, st.sampled_from([0, 1 << 30]))
def test_live_blocks_lie_apart_aligned_and_where_they_lay_before(
    name: str, moves: list[tuple[bool, int, int, int]], base: int
) -> None:
    heaps = [HEAPS[name](base), HEAPS[name](base)]
    live: dict[int, int] = {}
    for give_back, nbytes, alignment, which in moves:
        if give_back and live:
            address = list(live)[which % len(live)]
            del live[address]
            for heap in heaps:
                heap.free(address)
            continue
        address, again = (heap.allocate(nbytes, alignment=alignment) for heap in heaps)
        assert address == again >= base
        assert address % alignment == 0
        for other, length in live.items():
            assert address + max(nbytes, 1) <= other or other + max(length, 1) <= address
        live[address] = nbytes


@pytest.mark.parametrize("name", HEAPS)
def test_only_what_is_there_can_be_given_back(name: str) -> None:
    heap = HEAPS[name](0)
    block = heap.allocate(2000)
    with pytest.raises(KeyError):
        heap.free(block + 512)
    heap.free(block)
    with pytest.raises(KeyError):
        heap.free(block)


def test_an_unknown_heap_is_an_error_with_the_names() -> None:
    with pytest.raises(InputError, match=r"unknown heap 'hotest' \(did you mean 'hottest'\?\)"):
        HEAPS["hotest"]


class TestTheHottest:
    def test_takes_what_was_freed_last(self) -> None:
        heap = Hottest()
        one, _, two, _ = (heap.allocate(128) for _ in range(4))
        heap.free(two)
        heap.free(one)
        assert heap.allocate(64) == one
        assert heap.allocate(64) == one + 64
        assert heap.allocate(64) == two

    def test_prefers_the_hot_end_of_a_gap(self) -> None:
        heap = Hottest()
        blocks = [heap.allocate(64) for _ in range(5)]
        for number in (0, 1, 2, 3):
            heap.free(blocks[number])
        assert heap.allocate(128) == blocks[2]
        assert heap.allocate(64) == blocks[1]

    def test_grows_by_what_is_missing(self) -> None:
        heap = Hottest()
        one, two = heap.allocate(64), heap.allocate(64)
        heap.free(two)
        assert heap.allocate(192) == two
        assert heap.top == 256
        heap.free(one)
        assert heap.allocate(128) == 256

    def test_a_wide_alignment_leaves_a_gap_that_is_used(self) -> None:
        heap = Hottest()
        heap.allocate(64)
        assert heap.allocate(64, alignment=256) == 256
        assert heap.allocate(192) == 64


def test_the_coldest_never_comes_back() -> None:
    heap = Coldest(64)
    for expected in (64, 192, 320):
        block = heap.allocate(100)
        assert block == expected
        heap.free(block)


class TestCuda:
    """By hand, from the rules in PyTorch's documentation."""

    def test_small_and_large_blocks_come_from_pools_of_their_own(self) -> None:
        heap = CudaCaching()
        small, large = heap.allocate(MIB), heap.allocate(MIB + 1)
        assert (small, large) == (0, SMALL_SEGMENT)
        assert heap.top == SMALL_SEGMENT + LARGE_SEGMENT
        assert heap.allocate(MIB) == MIB  # the other half of the first segment

    def test_ten_mebibytes_get_a_segment_of_their_own_in_steps_of_two(self) -> None:
        heap = CudaCaching()
        assert heap.allocate(10 * MIB - 512) == 0
        assert heap.top == 20 * MIB
        assert heap.allocate(11 * MIB) == 20 * MIB
        assert heap.top == 32 * MIB
        assert heap.allocate(10 * MIB) == 10 * MIB - 512  # what is left of the first one

    def test_a_large_block_is_cut_only_where_more_than_a_mebibyte_is_left(self) -> None:
        heap = CudaCaching()
        first = heap.allocate(12 * MIB)
        heap.free(first)
        assert heap.allocate(11 * MIB) == first  # the whole of it
        assert heap.allocate(2 * MIB) == 12 * MIB  # so this needs another segment
        heap = CudaCaching()
        heap.free(heap.allocate(12 * MIB))
        heap.allocate(11 * MIB - 512)
        assert heap.allocate(MIB + 512) == 11 * MIB - 512

    def test_of_free_blocks_the_smallest_that_fits_is_taken_then_the_lowest(self) -> None:
        heap = CudaCaching()
        blocks = [heap.allocate(size) for size in (2048, 512, 1024, 512, 1024, 512)]
        for number in (0, 2, 4):
            heap.free(blocks[number])
        assert heap.allocate(1000) == blocks[2]
        assert heap.allocate(600) == blocks[4]
        assert heap.allocate(600) == blocks[0]

    def test_freed_neighbours_merge_within_a_segment_only(self) -> None:
        heap = CudaCaching()
        one, two = heap.allocate(MIB), heap.allocate(MIB)
        three = heap.allocate(MIB)
        assert three == SMALL_SEGMENT
        for block in (one, three, two):
            heap.free(block)
        blocks = [heap.allocate(SMALL) for _ in range(4)]
        assert blocks == [0, MIB, 2 * MIB, 3 * MIB]
        assert heap.top == 2 * SMALL_SEGMENT

    def test_a_wider_alignment_than_blocks_have_is_refused(self) -> None:
        with pytest.raises(ValueError, match="multiples of 512 bytes, not of 1024"):
            CudaCaching().allocate(1, alignment=1024)

    @given(st.lists(st.tuples(st.booleans(), sizes, st.integers(0, 99)), max_size=50))
    def test_once_all_is_given_back_each_segment_is_one_block_again(
        self, moves: list[tuple[bool, int, int]]
    ) -> None:
        heap, live = CudaCaching(), []
        for give_back, nbytes, which in moves:
            if give_back and live:
                heap.free(live.pop(which % len(live)))
            else:
                live.append(heap.allocate(nbytes))
        for address in live:
            heap.free(address)
        at = 0
        for address, size in sorted(
            (at, size) for pool in heap._free.values() for size, at in pool
        ):
            assert address == at
            assert size == SMALL_SEGMENT or size >= OWN_SEGMENT
            at += size
        assert at == heap.top
