"""Maps: blocks that get pages of their own from the system."""

from __future__ import annotations

PAGE = 4096
"""Bytes of a page."""

ROOM = 1 << 39
"""Bytes between the heap and the pages, far more than both together."""


class Maps:
    """Areas of whole pages, handed out downwards from an address high above the heap.

    The system takes the highest gap that an area fits into (Linux, mm/mmap.c,
    ``arch_get_unmapped_area_topdown``).

    Parameters
    ----------
    base : int
        Where the heap begins.

    Examples
    --------
    >>> maps = Maps(0)
    >>> one, two = maps.map(4096), maps.map(100)
    >>> ROOM - one, one - two  # 8 bytes of a header make it two pages
    (8192, 4096)
    >>> maps.unmap(one)
    8192
    >>> maps.map(4000) > two
    True
    """

    def __init__(self, base: int) -> None:
        self._high = base + ROOM
        self._areas: dict[int, tuple[int, int]] = {}  # chunk -> start and size of its area

    def __contains__(self, chunk: int) -> bool:
        return chunk in self._areas

    def __len__(self) -> int:
        return len(self._areas)

    def map(self, size: int) -> int:
        """The chunk of a new area."""
        size = _pages(size)
        end = self._high
        for start, length in sorted(self._areas.values(), reverse=True):
            if end - (start + length) >= size:
                break
            end = start
        self._areas[end - size] = (end - size, size)
        return end - size

    def cut(self, chunk: int, aligned: int) -> None:
        """Let a chunk begin later in its area."""
        self._areas[aligned] = self._areas.pop(chunk)

    def resize(self, chunk: int, size: int) -> int:
        """Change the size of a chunk's area (``mremap``); it may move."""
        start, have = self._areas[chunk]
        offset = chunk - start
        if _pages(size + offset) <= have:
            self._areas[chunk] = (start, _pages(size + offset))
            return chunk
        del self._areas[chunk]
        moved = self.map(size + offset)
        self.cut(moved, moved + offset)
        return moved + offset

    def unmap(self, chunk: int) -> int:
        """Give an area back; return the chunk's size."""
        start, size = self._areas.pop(chunk)
        return size - (chunk - start)


def _pages(size: int) -> int:
    return -(-(size + 8) // PAGE) * PAGE
