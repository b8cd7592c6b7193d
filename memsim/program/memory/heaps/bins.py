"""Bins: where glibc's malloc keeps chunks that are free, and which one it finds first."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict

SMALL = 1024
"""Bytes from which on a chunk is large: its bin holds chunks of several sizes."""

UNIT = 16
"""Bytes: every chunk's size is a multiple, and so is its address (MALLOC_ALIGNMENT)."""

_SPACING = ((6, 48, 48), (9, 20, 91), (12, 10, 110), (15, 4, 119), (18, 2, 124))
"""Large bins: shift, the last quotient that counts, and what is added (``largebin_index_64``)."""


def large_bin(size: int) -> int:
    """The number of the large bin that a chunk's size belongs to.

    The first ones are 64 bytes apart, then 512, 4096, 32 KiB and 256 KiB; the last has the rest.

    Examples
    --------
    >>> large_bin(1024), large_bin(1087), large_bin(1088), large_bin(1 << 30)
    (64, 64, 65, 126)
    """
    for shift, last, offset in _SPACING:
        if size >> shift <= last:
            return offset + (size >> shift)
    return 126


class Bins:
    """Chunks that lie between those in use, neighbours merged.

    A chunk that becomes free waits in the unsorted bin until a request has looked at it, and is
    then sorted: a small one into the bin of its size, of which the oldest is taken first, a large
    one into a bin that is sorted by size, of which the smallest that fits is taken. Among large
    chunks of one size the first one stays in front and a newer one goes behind it (``fd_nextsize``
    need not be changed then); the second one is what is taken.

    Attributes
    ----------
    sizes : dict of int to int
        Address of every free chunk -> its bytes.
    unsorted : OrderedDict
        Addresses that no request has looked at, the oldest first.

    Examples
    --------
    >>> bins = Bins()
    >>> for chunk, size in ((0, 4096), (8192, 2048), (16384, 32)):
    ...     bins.add(chunk, size)
    >>> while bins.unsorted:
    ...     bins.sort(next(iter(bins.unsorted)))
    >>> bins.above(1500), bins.above(32), bins.above(4097)
    (8192, 8192, None)
    >>> bins.take(8192), bins.above(1500)
    (2048, 0)
    """

    def __init__(self) -> None:
        self.sizes: dict[int, int] = {}
        self.unsorted: OrderedDict[int, None] = OrderedDict()
        self._ends: dict[int, int] = {}
        self._small: list[OrderedDict[int, None]] = [OrderedDict() for _ in range(SMALL // UNIT)]
        self._filled = 0  # one bit for each small bin that holds something
        self._large: dict[int, list[int]] = {}  # size -> chunks, the one in front first
        self._large_sizes: list[int] = []

    def __len__(self) -> int:
        return len(self.sizes)

    def add(self, chunk: int, size: int) -> None:
        """Put a chunk that has become free into the unsorted bin."""
        self.sizes[chunk] = size
        self._ends[chunk + size] = chunk
        self.unsorted[chunk] = None

    def ending_at(self, address: int) -> int | None:
        """The free chunk that ends there, if there is one."""
        return self._ends.get(address)

    def sort(self, chunk: int) -> None:
        """Put a chunk of the unsorted bin where chunks of its size are kept."""
        del self.unsorted[chunk]
        size = self.sizes[chunk]
        if size < SMALL:
            self._small[size // UNIT][chunk] = None
            self._filled |= 1 << size // UNIT
        elif size in self._large:
            self._large[size].insert(1, chunk)
        else:
            self._large[size] = [chunk]
            insort(self._large_sizes, size)

    def take(self, chunk: int) -> int:
        """Remove a chunk from wherever it is kept; return its size."""
        size = self.sizes.pop(chunk)
        del self._ends[chunk + size]
        if chunk in self.unsorted:
            del self.unsorted[chunk]
        elif size < SMALL:
            kept = self._small[size // UNIT]
            del kept[chunk]
            if not kept:
                self._filled &= ~(1 << size // UNIT)
        else:
            same = self._large[size]
            same.remove(chunk)
            if not same:
                del self._large[size]
                del self._large_sizes[bisect_left(self._large_sizes, size)]
        return size

    def small(self, size: int) -> int | None:
        """The oldest chunk in the small bin of exactly that size."""
        return next(iter(self._small[size // UNIT]), None)

    def above(self, size: int) -> int | None:
        """The sorted chunk that a request takes whose own small bin is empty: the best fit."""
        if size < SMALL:
            larger = self._filled >> (size // UNIT + 1)
            if larger:
                lowest = (larger & -larger).bit_length() - 1
                return next(iter(self._small[size // UNIT + 1 + lowest]))
        place = bisect_left(self._large_sizes, size)
        if place == len(self._large_sizes):
            return None
        found = self._large_sizes[place]
        same = self._large[found]
        if size >= SMALL and large_bin(found) == large_bin(size):
            return same[1] if len(same) > 1 else same[0]
        return same[-1]  # from a bin of larger ones, whatever is last in it
