"""glibc's malloc: rules by hand, and laws of its chunks. Real processes are replayed elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memsim.program.memory.heaps.bins import Bins, large_bin
from memsim.program.memory.heaps.glibc import (
    CACHED,
    HEADER,
    LEAST,
    M_MMAP_THRESHOLD,
    M_TOP_PAD,
    OWN,
    Glibc,
)

KIB = 1 << 10

sizes = st.one_of(st.integers(0, 200), st.integers(0, 3000), st.integers(0, 300_000))
moves = st.lists(
    st.tuples(
        st.sampled_from(["malloc", "calloc", "memalign", "realloc", "free", "free"]),
        sizes,
        st.integers(0, 99),
        st.sampled_from([16, 32, 64, 4096]),
    ),
    max_size=120,
)


def checked(heap: Glibc) -> None:
    """Chunks in use, free ones and the top cover the heap without a gap; no two free ones touch."""
    chunks = sorted([*heap._used.items(), *heap.bins.sizes.items()])
    at, was_free = heap.base, False
    for chunk, size in chunks:
        assert chunk == at
        assert size >= LEAST
        assert size % 16 == 0
        free = chunk in heap.bins.sizes
        assert not (free and was_free)
        at, was_free = chunk + size, free
    assert at == heap.top <= heap.end
    assert not was_free  # it would be part of the top


@given(moves, st.booleans())
@settings(max_examples=200)
def test_chunks_cover_the_heap_and_blocks_keep_their_room(
    moves: list[tuple[str, int, int, int]], keep: bool
) -> None:
    heap = Glibc(1 << 20, keep=keep)
    live: dict[int, int] = {}
    for what, nbytes, which, alignment in moves:
        if what in ("free", "realloc"):
            if not live:
                continue
            address = list(live)[which % len(live)]
            del live[address]
            if what == "free":
                heap.free(address)
                checked(heap)
                continue
            address = heap.realloc(address, nbytes)
            if not nbytes:
                assert address == 0
                continue
        elif what == "memalign":
            address = heap.memalign(alignment, nbytes)
            assert address % alignment == 0
        else:
            address = getattr(heap, what)(nbytes)
        assert address % 16 == 0
        for other, length in live.items():
            assert address + max(nbytes, 24) <= other or other + max(length, 24) <= address
        live[address] = nbytes
        checked(heap)


def test_the_first_block_is_the_threads_own_cache() -> None:
    heap = Glibc(4096)
    assert heap.malloc(24) == 4096 + OWN + 16 + HEADER
    assert heap.malloc(25) == 4096 + OWN + 16 + HEADER + 32  # 24 bytes take 32,
    assert heap.malloc(0) == 4096 + OWN + 16 + HEADER + 80  # 25 take 48
    assert heap.end == 4096 + 33 * 4096  # 128 KiB beyond what was asked for


def test_seven_of_a_size_are_cached_and_an_eighth_goes_to_the_fast_bin() -> None:
    heap = Glibc()
    blocks = [heap.malloc(100) for _ in range(CACHED + 2)]
    for block in blocks:
        heap.free(block)
    assert len(heap.bins) == 0
    taken = [heap.malloc(100) for _ in range(CACHED + 2)]
    # The cache is emptied from its top; then the fast bin, from its top, fills it up again.
    assert taken == [*blocks[CACHED - 1 :: -1], blocks[CACHED + 1], blocks[CACHED]]


def test_calloc_passes_the_cache_by() -> None:
    heap = Glibc()
    block = heap.malloc(100)
    heap.free(block)
    assert heap.calloc(100) != block
    assert heap.malloc(100) == block


def test_a_small_piece_in_a_fast_bin_keeps_neighbours_apart_until_they_are_consolidated() -> None:
    heap = Glibc()
    spare = [heap.malloc(40) for _ in range(CACHED)]
    one, pin, two, last = heap.malloc(2000), heap.malloc(40), heap.malloc(2000), heap.malloc(2000)
    for block in (*spare, one, pin, two):
        heap.free(block)
    assert sorted(heap.bins.sizes.values()) == [2016, 2016]
    assert heap.malloc(4000) == one  # a large request merges what is in the fast bins first
    assert last == two + 2016


def test_a_cached_piece_keeps_them_apart_for_good() -> None:
    heap = Glibc()
    one, pin, two, _ = heap.malloc(2000), heap.malloc(40), heap.malloc(2000), heap.malloc(2000)
    for block in (one, pin, two):
        heap.free(block)
    assert heap.malloc(4000) > two
    assert [heap.malloc(2000), heap.malloc(2000)] == [two, one]


def test_an_aligned_block_leaves_small_free_pieces_before_and_behind_it() -> None:
    heap = Glibc()
    heap.malloc(24)  # the next chunk begins at 0x2b0, and its block at 0x2c0, a multiple of 64
    assert heap.memalign(64, 1000) == 0x2C0
    # 1008 + 64 + 32 bytes were taken, 1120 with the header; of which 112 are behind the block, so
    # the next chunk begins at 0x710, and its block at 0x720, to which 32 bytes are missing.
    assert heap.memalign(64, 1000) == 0x740
    assert heap.malloc(24) == 0x710 + HEADER
    assert heap.malloc(80 - 8) == 0x740 + 1008
    assert heap.malloc(112 - 8) == 0x2C0 + 1008


def test_best_fit_among_large_chunks_and_of_equal_ones_the_second_in_its_bin() -> None:
    heap = Glibc()
    blocks = []
    for size in (5000, 4000, 4000, 4000):
        blocks.append(heap.malloc(size))
        heap.malloc(1500)
    for block in blocks:
        heap.free(block)
    heap.malloc(8000)  # fits none, so all of them are sorted
    assert heap.malloc(3900) == blocks[3]  # the newest lies behind the first
    assert heap.malloc(4000) == blocks[2]
    assert heap.malloc(4000) == blocks[1]
    assert heap.malloc(4000) == blocks[0]


def test_the_threshold_follows_freed_blocks_and_the_top_is_trimmed() -> None:
    heap = Glibc()
    mapped = heap.malloc(200 * KIB)
    assert len(heap.maps) == 1
    heap.free(mapped)
    assert heap.mmap_threshold == 204 * KIB == heap.trim_threshold // 2
    block = heap.malloc(200 * KIB)
    assert len(heap.maps) == 0
    large = [heap.malloc(200 * KIB) for _ in range(3)]
    end = heap.end
    for one in reversed(large):
        heap.free(one)
        assert heap.end - heap.top < heap.trim_threshold
    assert heap.end < end
    heap.free(block)


def test_a_threshold_that_was_set_stays() -> None:
    heap = Glibc()
    heap.mallopt(M_MMAP_THRESHOLD, 100 * KIB)
    heap.free(heap.malloc(200 * KIB))
    assert heap.mmap_threshold == 100 * KIB
    heap.mallopt(M_TOP_PAD, 0)
    heap = Glibc()
    heap.mallopt(M_TOP_PAD, 0)
    heap.malloc(24)
    assert heap.end == 4096


def test_with_high_thresholds_all_comes_from_the_heap_and_stays() -> None:
    heap = Glibc(keep=True)
    block = heap.malloc(100 << 20)
    end = heap.end
    heap.free(block)
    assert (len(heap.maps), heap.end) == (0, end)


def test_a_block_grows_into_the_free_one_behind_it_or_moves() -> None:
    heap = Glibc()
    one, two, three = heap.malloc(2000), heap.malloc(2000), heap.malloc(2000)
    heap.free(two)
    assert heap.realloc(one, 3000) == one
    assert heap.realloc(one, 5000) == three + 2016
    assert heap.realloc(0, 2000) == one
    with pytest.raises(KeyError):
        heap.realloc(two + 32, 10)


@given(st.integers(SMALL := 1024, 1 << 24))
def test_large_bins_are_in_order_of_size(size: int) -> None:
    assert 64 <= large_bin(size) <= large_bin(size + 16) <= 126


def test_a_small_bin_is_a_queue() -> None:
    bins = Bins()
    for chunk in (0, 4096, 8192):
        bins.add(chunk, 512)
        bins.sort(chunk)
    assert bins.small(512) == 0
    bins.take(0)
    assert (bins.small(512), bins.above(400), bins.small(528)) == (4096, 4096, None)
