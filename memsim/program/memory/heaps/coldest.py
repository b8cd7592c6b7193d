"""The coldest heap: what is freed is never used again."""

from __future__ import annotations


class Coldest:
    """Every block in memory that was never used before.

    The worst that a heap can do to a cache: no line of a new block is in it.

    Parameters
    ----------
    base : int
        Address of the first byte.

    Examples
    --------
    >>> heap = Coldest()
    >>> one = heap.allocate(100)
    >>> heap.free(one)
    >>> one, heap.allocate(100)
    (0, 128)
    """

    def __init__(self, base: int = 0) -> None:
        self.top = base
        self._live: set[int] = set()

    def allocate(self, nbytes: int, *, alignment: int = 64) -> int:
        """The address of a block of ``nbytes`` bytes at a multiple of a power of two."""
        address = -(-self.top // alignment) * alignment
        self.top = address + max(nbytes, 1)
        self._live.add(address)
        return address

    def free(self, address: int) -> None:
        """Give a block back.

        Raises
        ------
        KeyError
            If there is none at that address.
        """
        self._live.remove(address)
