"""The heap: where the runtime's tensors and scratch memory lie while a network runs."""

from __future__ import annotations

import bisect

ALIGNMENT = 64
"""Bytes: PyTorch's CPU allocator asks for cache lines (c10/core/alignment.h, gAlignment)."""

HEADER = 16
"""Bytes that the C library keeps before every chunk (glibc, malloc/malloc.c)."""


class Heap:
    """Best fit among freed memory; the top grows where nothing fits.

    This is what the C library does with large sizes once its threshold for ``mmap`` has grown
    past them, which it does when the first such block is freed (glibc, malloc/malloc.c,
    M_MMAP_THRESHOLD): from the second pass on, every pass gets the same addresses.

    Freed neighbours do not become one block, though, unless they were cut from one: between two
    large blocks there lie the small objects that the interpreter and the libraries allocate in
    between (tensor headers, shapes, descriptors), and those outlive them.

    Parameters
    ----------
    base : int
        Address of the first byte.

    Examples
    --------
    >>> heap = Heap(0)
    >>> one, two = heap.allocate(64), heap.allocate(64)
    >>> heap.free(one), heap.free(two)
    (None, None)
    >>> heap.allocate(32) == one, heap.allocate(128) > two  # too large for either
    (True, True)
    """

    def __init__(self, base: int) -> None:
        self.base = self.top = base
        self._region: dict[int, tuple[int, int]] = {}  # address -> size, region
        self._gaps: list[tuple[int, int, int]] = []  # size, address, region; ascending

    def allocate(self, nbytes: int) -> int:
        """Address of ``nbytes`` bytes."""
        size = -(-(nbytes + HEADER) // ALIGNMENT) * ALIGNMENT
        place = bisect.bisect_left(self._gaps, (size, 0, 0))
        if place < len(self._gaps):
            gap, at, region = self._gaps.pop(place)
            if gap > size:
                bisect.insort(self._gaps, (gap - size, at + size, region))
        else:
            at = region = self.top
            self.top += size
        self._region[at] = (size, region)
        return at

    def free(self, address: int) -> None:
        """Give memory back.

        Raises
        ------
        KeyError
            If there is none at that address.
        """
        size, region = self._region.pop(address)
        start, end = address, address + size
        for gap in [gap for gap in self._gaps if gap[2] == region]:
            if gap[1] == end:
                end += gap[0]
            elif gap[1] + gap[0] == start:
                start = gap[1]
            else:
                continue
            self._gaps.remove(gap)
        bisect.insort(self._gaps, (end - start, start, region))
