"""The oldest heap: what was freed longest ago is used first."""

from __future__ import annotations


class Oldest:
    """First fit in a queue of gaps; freed neighbours become one, which goes to the end.

    A heap between the extremes: it gives memory back as an ideal one does, and so needs about as
    much, but a new block lies where nothing was touched for long, so a small cache does not have
    it. glibc takes blocks of one size in this order too: "ties going to the approximately least
    recently used chunk" (malloc/malloc.c).

    Parameters
    ----------
    base : int
        Address of the first byte.

    Attributes
    ----------
    top : int
        Address behind the last byte in use.

    Examples
    --------
    >>> heap = Oldest()
    >>> one, wall, two, end = (heap.allocate(64) for _ in range(4))
    >>> heap.free(two)
    >>> heap.free(one)
    >>> heap.allocate(64) == two, heap.allocate(64) == one
    (True, True)
    """

    def __init__(self, base: int = 0) -> None:
        self.top = base
        self._gaps: list[tuple[int, int]] = []  # address, bytes; in the order of freeing
        self._blocks: dict[int, int] = {}

    def allocate(self, nbytes: int) -> int:
        """Return the address of a block of ``nbytes`` bytes."""
        for place, (address, size) in enumerate(self._gaps):
            if size >= nbytes:
                rest = [(address + nbytes, size - nbytes)] if size > nbytes else []
                self._gaps[place : place + 1] = rest
                break
        else:
            address = self.top
            self.top += nbytes
        self._blocks[address] = nbytes
        return address

    def free(self, address: int) -> None:
        """Give a block back.

        Raises
        ------
        KeyError
            If there is none at that address.
        """
        end = address + self._blocks.pop(address)
        apart = []
        for gap, size in self._gaps:
            if gap + size == address:
                address = gap
            elif gap == end:
                end += size
            else:
                apart.append((gap, size))
        self._gaps = [*apart, (address, end - address)]
