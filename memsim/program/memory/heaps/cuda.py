"""PyTorch's caching allocator for CUDA: segments of the device's memory, cut into blocks.

References
----------
PyTorch, c10/cuda/CUDACachingAllocator.cpp, and "CUDA semantics: Memory management" of its
documentation; the constants are those of c10/core/AllocatorConfig.h.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass

SMALLEST = 512
"""Bytes: every block's size is a multiple (``kMinBlockSize``)."""

SMALL = 1 << 20
"""Bytes of the largest block of the small pool (``kSmallSize``)."""

SMALL_SEGMENT = 2 << 20
"""Bytes of a segment of the small pool (``kSmallBuffer``)."""

LARGE_SEGMENT = 20 << 20
"""Bytes of a segment for blocks of the large pool (``kLargeBuffer``)..."""

OWN_SEGMENT = 10 << 20
"""...below this size; from it on each gets a segment of its own (``kMinLargeAlloc``)..."""

ROUND = 2 << 20
"""...of a multiple of these bytes (``kRoundLarge``)."""


@dataclass(slots=True)
class _Block:
    """A piece of a segment.

    Attributes
    ----------
    address, size : int
    small : bool
        Of the small pool.
    before, behind : int or None
        Addresses of the neighbours in the segment.
    free : bool
    """

    address: int
    size: int
    small: bool
    before: int | None = None
    behind: int | None = None
    free: bool = False


class CudaCaching:
    """PyTorch's memory on a GPU, on one stream.

    Sizes are rounded up to 512 bytes. Blocks of up to 1 MiB come from segments of 2 MiB, larger
    ones from segments of 20 MiB, those of 10 MiB and more from segments of their own in multiples
    of 2 MiB. Among the free blocks of a pool the smallest that fits is taken, of equal ones that
    at the lowest address; what is left of it becomes a block if it has at least 512 bytes, in the
    large pool more than 1 MiB. A freed block is merged with free neighbours of its segment.
    Segments stay: :func:`torch.cuda.empty_cache` is not called, and memory is never short.

    Parameters
    ----------
    base : int
        Address of the first segment; a multiple of 512.

    Attributes
    ----------
    top : int
        Address behind the last segment. The driver gives the first one the lowest address here,
        and each further one that behind it.

    Examples
    --------
    >>> heap = CudaCaching()
    >>> heap.allocate(1), heap.allocate(513), heap.top
    (0, 512, 2097152)
    >>> heap.allocate(3 << 20) == 2 << 20, heap.top == 22 << 20
    (True, True)
    >>> heap.free(0)
    >>> heap.allocate(512)
    0
    """

    def __init__(self, base: int = 0) -> None:
        self.top = base
        self._blocks: dict[int, _Block] = {}
        self._free: dict[bool, list[tuple[int, int]]] = {True: [], False: []}  # size, address

    def allocate(self, nbytes: int, *, alignment: int = 64) -> int:
        """The address of a block of ``nbytes`` bytes.

        Parameters
        ----------
        nbytes : int
        alignment : int
            Up to 512, which every block has.

        Raises
        ------
        ValueError
            For a larger alignment.
        """
        if alignment > SMALLEST:
            raise ValueError(f"blocks lie at multiples of {SMALLEST} bytes, not of {alignment}")
        size = max(-(-nbytes // SMALLEST), 1) * SMALLEST
        pool = self._free[size <= SMALL]
        place = bisect_left(pool, (size, 0))
        if place < len(pool):
            block = self._blocks[pool.pop(place)[1]]
            block.free = False
        else:
            block = self._segment(size)
        rest = block.size - size
        if (rest >= SMALLEST) if block.small else (rest > SMALL):
            self._split(block, size)
        return block.address

    def free(self, address: int) -> None:
        """Give a block back, and merge it with free neighbours.

        Raises
        ------
        KeyError
            If there is none at that address.
        """
        block = self._blocks[address]
        if block.free:
            raise KeyError(address)
        if block.before is not None and self._blocks[block.before].free:
            before = self._blocks[block.before]
            self._unlist(before)
            block = self._join(before, block)
        if block.behind is not None and self._blocks[block.behind].free:
            behind = self._blocks[block.behind]
            self._unlist(behind)
            block = self._join(block, behind)
        block.free = True
        insort(self._free[block.small], (block.size, block.address))

    def _segment(self, size: int) -> _Block:
        """A new segment, as one block."""
        small = size <= SMALL
        if small:
            length = SMALL_SEGMENT
        elif size < OWN_SEGMENT:
            length = LARGE_SEGMENT
        else:
            length = -(-size // ROUND) * ROUND
        block = _Block(self.top, length, small)
        self._blocks[block.address] = block
        self.top += length
        return block

    def _split(self, block: _Block, size: int) -> None:
        rest = _Block(
            block.address + size, block.size - size, block.small, block.address, block.behind, True
        )
        if rest.behind is not None:
            self._blocks[rest.behind].before = rest.address
        block.size, block.behind = size, rest.address
        self._blocks[rest.address] = rest
        insort(self._free[rest.small], (rest.size, rest.address))

    def _join(self, left: _Block, right: _Block) -> _Block:
        del self._blocks[right.address]
        left.size += right.size
        left.behind = right.behind
        if left.behind is not None:
            self._blocks[left.behind].before = left.address
        return left

    def _unlist(self, block: _Block) -> None:
        pool = self._free[block.small]
        del pool[bisect_left(pool, (block.size, block.address))]
