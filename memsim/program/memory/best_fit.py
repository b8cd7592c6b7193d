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

    Freed neighbours become one gap, and a gap at the top lowers the top; among gaps of equal size
    the lowest is taken. It is an ideal heap, in which nothing lies but what is asked for here; that
    of a real process is :class:`memsim.program.memory.heaps.glibc.Glibc`.

    Parameters
    ----------
    base : int
        Address of the first byte.
    header : int
        Bytes kept before every block.

    Attributes
    ----------
    top : int
        Address behind the last byte in use.

    Examples
    --------
    >>> heap = Heap()
    >>> one, two, last = heap.allocate(64), heap.allocate(64), heap.allocate(64)
    >>> heap.free(one)
    >>> heap.free(two)
    >>> heap.allocate(128)
    0
    """

    def __init__(self, base: int = 0, *, header: int = 0) -> None:
        self.base = self.top = base
        self.header = header
        self._blocks: dict[int, int] = {}  # address -> size
        self._gaps: list[tuple[int, int]] = []  # size, address; ascending

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
        place = bisect.bisect_left(self._gaps, (size, 0))
        if place < len(self._gaps):
            gap, address = self._gaps.pop(place)
            if gap > size:
                bisect.insort(self._gaps, (gap - size, address + size))
        else:
            address = self.top
            self.top += size
        self._blocks[address] = size
        return address

    def free(self, address: int) -> None:
        """Give a block back, and merge it with the gaps beside it.

        Raises
        ------
        KeyError
            If there is none at that address.
        """
        start, end = address, address + self._blocks.pop(address)
        for gap in list(self._gaps):
            if gap[1] == end:
                end += gap[0]
            elif gap[1] + gap[0] == start:
                start = gap[1]
            else:
                continue
            self._gaps.remove(gap)
        if end == self.top:
            self.top = start
        else:
            bisect.insort(self._gaps, (end - start, start))
