"""The oldest heap: what was freed longest ago is used first."""

from __future__ import annotations


class Oldest:
    """First fit in a queue of gaps, which are never merged.

    A heap between the extremes, for processes of which nothing else is known: memory is used again,
    but a new block lies where nothing was touched for long, so a small cache does not have it.
    Nothing is merged since in a process small objects, which outlive a layer, lie between the large
    blocks. (A heap of the C library merges what it can, :class:`.Glibc`; how much that is depends
    on all that the process did before.)

    Parameters
    ----------
    base : int
        Address of the first byte.

    Attributes
    ----------
    top : int
        Address behind the last byte that was ever in use.

    Examples
    --------
    >>> heap = Oldest()
    >>> one, two, end = (heap.allocate(64) for _ in range(3))
    >>> heap.free(two)
    >>> heap.free(one)
    >>> heap.allocate(128) > end, heap.allocate(64) == two, heap.allocate(64) == one
    (True, True, True)
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
        self._gaps.append((address, self._blocks.pop(address)))
