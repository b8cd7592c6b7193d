"""The hottest heap: what was freed last is used first."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from memsim.program.memory.best_fit import ALIGNMENT


class Hottest:
    """Every block in the memory that was freed most recently.

    About the best that a heap can do to a cache. All free neighbours are merged; of all places in
    which a block fits, those are looked at that begin or end where a freed block did, and that one
    is taken whose bytes were freed most recently on average. The heap grows only where nothing
    fits, and then by what is missing.

    Parameters
    ----------
    base : int
        Address of the first byte; a multiple of 64.

    Examples
    --------
    >>> heap = Hottest()
    >>> one, two, three = heap.allocate(64), heap.allocate(128), heap.allocate(64)
    >>> for block in (one, three, two):
    ...     heap.free(block)
    >>> heap.allocate(64), heap.allocate(64)
    (64, 128)
    >>> heap.allocate(64) == three
    True
    """

    def __init__(self, base: int = 0) -> None:
        self.top = base
        self._live: dict[int, int] = {}  # address -> bytes
        self._starts: list[int] = []  # free pieces, by address
        self._pieces: list[tuple[int, int]] = []  # bytes, and when they were freed
        self._frees = 0

    def allocate(self, nbytes: int, *, alignment: int = ALIGNMENT) -> int:
        """The address of a block of ``nbytes`` bytes at a multiple of a power of two."""
        size = -(-max(nbytes, 1) // ALIGNMENT) * ALIGNMENT
        best = max(self._places(size, alignment), default=None)
        if best is not None:
            address = -best[1]
        else:
            last = len(self._starts) - 1
            address = self._run_start(last) if self._reaches_top(last) else self.top
            address = -(-address // alignment) * alignment
            self._add_piece(self.top, max(address + size - self.top, 0), 0)
            self.top = max(self.top, address + size)
        self._take(address, size)
        self._live[address] = size
        return address

    def free(self, address: int) -> None:
        """Give a block back.

        Raises
        ------
        KeyError
            If there is none at that address.
        """
        self._frees += 1
        self._add_piece(address, self._live.pop(address), self._frees)

    def _add_piece(self, start: int, size: int, when: int) -> None:
        if size:
            place = bisect_left(self._starts, start)
            self._starts.insert(place, start)
            self._pieces.insert(place, (size, when))

    def _reaches_top(self, last: int) -> bool:
        return last >= 0 and self._starts[last] + self._pieces[last][0] == self.top

    def _run_start(self, number: int) -> int:
        """Where the free memory begins that a piece ends."""
        while (
            number
            and self._starts[number - 1] + self._pieces[number - 1][0] == (self._starts[number])
        ):
            number -= 1
        return self._starts[number]

    def _runs(self) -> Iterator[list[int]]:
        """Numbers of pieces that follow each other without a gap."""
        run: list[int] = []
        for number, start in enumerate(self._starts):
            if run and self._starts[run[-1]] + self._pieces[run[-1]][0] != start:
                yield run
                run = []
            run.append(number)
        if run:
            yield run

    def _places(self, size: int, alignment: int) -> Iterator[tuple[float, int]]:
        """How recently a place's bytes were freed on average, and its address, negated."""
        for run in self._runs():
            edges = [self._starts[number] for number in run]
            end = edges[-1] + self._pieces[run[-1]][0]
            if end - edges[0] < size:
                continue
            sums = [0]
            for number in run:
                length, when = self._pieces[number]
                sums.append(sums[-1] + length * when)

            def until(
                address: int, run: list[int] = run, edges: list[int] = edges, sums: list[int] = sums
            ) -> int:
                at = max(bisect_left(edges, address) - 1, 0)
                return sums[at] + (address - edges[at]) * self._pieces[run[at]][1]

            begins = {-(-edge // alignment) * alignment for edge in edges}
            begins |= {(edge - size) // alignment * alignment for edge in (*edges[1:], end)}
            for begin in begins:
                if edges[0] <= begin and begin + size <= end:
                    yield (until(begin + size) - until(begin)) / size, -begin

    def _take(self, address: int, size: int) -> None:
        """Cut a place out of the pieces that it lies in."""
        end = address + size
        first = max(bisect_left(self._starts, address + 1) - 1, 0)
        kept: list[tuple[int, int, int]] = []
        last = first
        while last < len(self._starts) and self._starts[last] < end:
            start, (length, when) = self._starts[last], self._pieces[last]
            if start < address:
                kept.append((start, min(address, start + length) - start, when))
            if start + length > end:
                kept.append((end, start + length - end, when))
            last += 1
        self._starts[first:last] = [start for start, _, _ in kept]
        self._pieces[first:last] = [(length, when) for _, length, when in kept]
