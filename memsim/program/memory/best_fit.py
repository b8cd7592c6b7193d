"""Best fit: memory from one heap, each block in the smallest gap that holds it."""

from __future__ import annotations

import bisect

ALIGNMENT = 64
"""Bytes: tensors begin on a cache line, as PyTorch's CPU allocator (c10/core/alignment.h,
gAlignment) and inference runtimes do it."""


def aligned(size: int) -> int:
    """Bytes rounded up to :data:`ALIGNMENT`.

    Examples
    --------
    >>> aligned(1), aligned(64)
    (64, 64)
    """
    return -(-size // ALIGNMENT) * ALIGNMENT


class Heap:
    """Best fit among freed memory; the top grows where nothing fits.

    This is what the C library does with sizes beyond its small bins (glibc, malloc/malloc.c).
    Among gaps of equal size the lowest is taken. What becomes of freed neighbours is the one thing
    in which an ideal heap and that of a running process differ:

    - Usually they become one gap, and a gap at the top lowers the top.
    - In a process they lie ``apart`` unless they were cut from one block: between two large blocks
      there are the small objects that the interpreter and the libraries allocate in between (tensor
      headers, shapes, descriptors), and those outlive them.

    Parameters
    ----------
    base : int
        Address of the first byte.
    header : int
        Bytes kept before every block.
    apart : bool
        Whether only gaps that were cut from one block are merged.

    Attributes
    ----------
    top : int
        Address behind the last byte in use.

    Examples
    --------
    >>> together, apart = Heap(), Heap(apart=True)
    >>> for heap in (together, apart):
    ...     one, two, last = heap.allocate(64), heap.allocate(64), heap.allocate(64)
    ...     heap.free(one)
    ...     heap.free(two)
    >>> together.allocate(128), apart.allocate(128)
    (0, 192)
    """

    def __init__(self, base: int = 0, *, header: int = 0, apart: bool = False) -> None:
        self.base = self.top = base
        self.header, self.apart = header, apart
        self._blocks: dict[int, tuple[int, int]] = {}  # address -> size, region
        self._gaps: list[tuple[int, int, int]] = []  # size, address, region; ascending

    def allocate(self, nbytes: int, *, alignment: int = ALIGNMENT) -> int:
        """Return the address of a block of at least ``nbytes`` bytes.

        Raises
        ------
        ValueError
            For an alignment beyond :data:`ALIGNMENT`, which every block has.
        """
        if alignment > ALIGNMENT:
            raise ValueError(f"blocks lie at multiples of {ALIGNMENT} bytes, not of {alignment}")
        size = aligned(max(nbytes, 1) + self.header)
        place = bisect.bisect_left(self._gaps, (size, 0, 0))
        if place < len(self._gaps):
            gap, address, region = self._gaps.pop(place)
            if gap > size:
                bisect.insort(self._gaps, (gap - size, address + size, region))
        else:
            address = self.top
            region = address if self.apart else self.base
            self.top += size
        self._blocks[address] = (size, region)
        return address

    def free(self, address: int) -> None:
        """Give a block back, and merge it with the gaps beside it.

        Raises
        ------
        KeyError
            If there is none at that address.
        """
        size, region = self._blocks.pop(address)
        start, end = address, address + size
        for gap in [gap for gap in self._gaps if gap[2] == region]:
            if gap[1] == end:
                end += gap[0]
            elif gap[1] + gap[0] == start:
                start = gap[1]
            else:
                continue
            self._gaps.remove(gap)
        if end == self.top and not self.apart:
            self.top = start
        else:
            bisect.insort(self._gaps, (end - start, start, region))
