"""The C library's heap: glibc's malloc, chunk by chunk.

This follows the algorithm of glibc 2.36 (malloc/malloc.c) for one thread on a 64-bit processor,
and gives every block the address, relative to the start of the heap, that the library gives it;
recordings of real processes are replayed to check it (:mod:`memsim.measurement.placement`).

References
----------
The GNU C Library Manual, "The GNU Allocator" and "Malloc Tunable Parameters"; the glibc wiki,
"Overview of Malloc" (MallocInternals); the comments in malloc/malloc.c.
"""

from __future__ import annotations

from memsim.program.memory.heaps.bins import SMALL, UNIT, Bins
from memsim.program.memory.heaps.maps import PAGE, Maps

HEADER = 16
"""Bytes from the start of a chunk to that of its block. The last 8 bytes of a block are those in
which the next chunk would keep the size of this one if this one were free."""

LEAST = 32
"""Bytes of the smallest chunk."""

FAST = 128
"""Bytes of the largest chunk that is kept in a fast bin, unmerged (``global_max_fast``)."""

CACHED, CACHED_SIZES = 7, 64
"""Chunks of one size that a thread keeps for itself, and how many sizes: up to 1040 bytes."""

CONSOLIDATION = 1 << 16
"""Bytes: as large a free chunk makes malloc merge what lies in the fast bins."""

THRESHOLD = 1 << 17
"""Bytes of the thresholds for ``mmap`` and for trimming the top, as they are set at first."""

LARGEST_THRESHOLD = 32 << 20
"""Bytes up to which the threshold for ``mmap`` follows the blocks that are freed."""

PAD = 1 << 17
"""Bytes by which the heap grows beyond what is needed (``M_TOP_PAD``)."""

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
"""Parameters of ``mallopt`` (malloc.h)."""

LOOKS = 10_000
"""Chunks of the unsorted bin that one request sorts at most (``MAX_ITERS``)."""

OWN = 0x280
"""Bytes of the thread's cache itself, which is the first block."""


class Glibc:
    """glibc's malloc in one thread.

    Parameters
    ----------
    base : int
        Address at which the heap begins; a multiple of 16.
    keep : bool
        Whether both thresholds are set so high that all blocks come from the heap and nothing is
        given back, as ``memsim measure`` does it.

    Attributes
    ----------
    top : int
        Address of the chunk at the end that no block has been cut from.
    end : int
        Address behind the heap (``sbrk(0)``).
    bins : Bins
        Free chunks below the top, but for those in the fast bins and in the thread's cache.
    maps : Maps
        Blocks in memory of their own.

    Examples
    --------
    Chunks of up to 1040 bytes are kept as they are when they are freed, the latest on top; larger
    ones are merged with free neighbours.

    >>> heap = Glibc()
    >>> blocks = [heap.malloc(100) for _ in range(3)]
    >>> [after - before for before, after in zip(blocks, blocks[1:])]
    [112, 112]
    >>> heap.free(blocks[0])
    >>> heap.free(blocks[1])
    >>> heap.malloc(100) == blocks[1]
    True
    >>> one, two, last = heap.malloc(2000), heap.malloc(2000), heap.malloc(2000)
    >>> heap.free(one)
    >>> heap.free(two)
    >>> heap.malloc(4000) == one
    True
    """

    def __init__(self, base: int = 0, *, keep: bool = False) -> None:
        self.base = self.top = self.end = base
        self.bins, self.maps = Bins(), Maps(base)
        self.mmap_threshold = self.trim_threshold = THRESHOLD
        self.pad = PAD
        self._dynamic = True
        self._started = False
        self._used: dict[int, int] = {}  # chunk -> bytes, those in fast bins and cache, too
        self._cache: list[list[int]] = [[] for _ in range(CACHED_SIZES)]
        self._fast: list[list[int]] = [[] for _ in range(FAST // UNIT - 1)]
        self._any_fast = False
        self._remainder = -1  # what was left when a small request cut a larger chunk
        if keep:
            for parameter in (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD):
                self.mallopt(parameter, (1 << 31) - 1)

    def allocate(self, nbytes: int, *, alignment: int = 64) -> int:
        """The address of a block of ``nbytes`` bytes at a multiple of a power of two."""
        return self.memalign(alignment, nbytes)

    # ---- the library's functions

    def malloc(self, nbytes: int) -> int:
        """Return the address of a block of ``nbytes`` bytes."""
        self._start()
        number = (_chunk_size(nbytes) - LEAST) // UNIT
        if number < CACHED_SIZES and self._cache[number]:
            return self._cache[number].pop() + HEADER
        return self._allocate(nbytes) + HEADER

    def calloc(self, nbytes: int) -> int:
        """The same, zeroed; it does not look into the thread's cache."""
        self._start()
        return self._allocate(nbytes) + HEADER

    def memalign(self, alignment: int, nbytes: int) -> int:
        """``posix_memalign`` and ``aligned_alloc``.

        A larger chunk is taken, and what lies before the aligned address and behind the block is
        freed: the small pieces before aligned blocks are what keeps such blocks from merging when
        they are free.
        """
        if alignment <= UNIT:
            return self.malloc(nbytes)
        alignment, size = max(alignment, LEAST), _chunk_size(nbytes)
        chunk = self._allocate(size + alignment + LEAST)
        aligned = _aligned_chunk(chunk, alignment)
        if chunk in self.maps:
            self.maps.cut(chunk, aligned)
            return aligned + HEADER
        if aligned != chunk:
            self._cut(chunk, aligned - chunk)
            self._free(chunk)
        if self._used[aligned] > size + LEAST:
            self._free(self._cut(aligned, size))
        return aligned + HEADER

    def realloc(self, address: int, nbytes: int) -> int:
        """Change a block's size, where it lies if that is possible; 0 is no block."""
        if not address:
            return self.malloc(nbytes)
        if not nbytes:
            self.free(address)
            return 0
        chunk, size = address - HEADER, _chunk_size(nbytes)
        if chunk in self.maps:
            return self.maps.resize(chunk, size) + HEADER
        if self._used[chunk] < size:
            moved = self._grow(chunk, size)
            if moved is not None:
                return moved + HEADER
        if self._used[chunk] - size >= LEAST:
            self._free(self._cut(chunk, size))
        return address

    def free(self, address: int) -> None:
        """Give a block back.

        Raises
        ------
        KeyError
            If there is none at that address.
        """
        self._start()
        chunk = address - HEADER
        if chunk not in self.maps:
            self._free(chunk)
            return
        size = self.maps.unmap(chunk)
        if self._dynamic and self.mmap_threshold < size <= LARGEST_THRESHOLD:
            self.mmap_threshold, self.trim_threshold = size, 2 * size

    def mallopt(self, parameter: int, value: int) -> None:
        """Set one of the parameters that are modelled; the thresholds no longer change then."""
        if parameter == M_MMAP_THRESHOLD:
            self.mmap_threshold = value
        elif parameter == M_TRIM_THRESHOLD:
            self.trim_threshold = value
        elif parameter == M_TOP_PAD:
            self.pad = value
        else:
            return
        self._dynamic = False

    # ---- chunks

    def _start(self) -> None:
        if not self._started:
            self._started = True
            self._allocate(OWN)

    def _allocate(self, nbytes: int) -> int:
        """Return a chunk for ``nbytes`` bytes that is not in the thread's cache."""
        size = _chunk_size(nbytes)
        number = (size - LEAST) // UNIT
        cache = self._cache[number] if number < CACHED_SIZES else None
        if size <= FAST and (fast := self._fast[size // UNIT - 2]):
            chunk = fast.pop()
            while cache is not None and fast and len(cache) < CACHED:
                cache.append(fast.pop())
            return chunk
        if size < SMALL:
            found = self.bins.small(size)
            if found is not None:
                self._use(found)
                while cache is not None and len(cache) < CACHED:
                    other = self.bins.small(size)
                    if other is None:
                        break
                    self._use(other)
                    cache.append(other)
                return found
        elif self._any_fast:
            self._consolidate()
        while True:
            found = self._look_through(size, cache)
            if found is None:
                found = self.bins.above(size)
                if found is not None:
                    self._use(found)
                    if self._used[found] - size >= LEAST:
                        self._leave(found, size)
            if found is None and self.end - self.top >= size + LEAST:
                found = self._from_top(size)
            if found is not None:
                return found
            if not self._any_fast:
                return self._from_system(size)
            self._consolidate()

    def _look_through(self, size: int, cache: list[int] | None) -> int | None:
        """Sort the unsorted bin until a chunk of the right size is found."""
        bins, cached = self.bins, False
        for _ in range(LOOKS):
            chunk = next(iter(bins.unsorted), None)
            if chunk is None:
                break
            have = bins.sizes[chunk]
            alone = len(bins.unsorted) == 1 and chunk == self._remainder
            if size < SMALL and alone and have > size + LEAST:
                self._use(chunk)
                self._leave(chunk, size)
                return chunk
            if have != size:
                bins.sort(chunk)
                continue
            self._use(chunk)
            if cache is None or len(cache) >= CACHED:
                return chunk
            cache.append(chunk)
            cached = True
        return cache.pop() if cached and cache is not None else None

    def _use(self, chunk: int) -> None:
        self._used[chunk] = self.bins.take(chunk)

    def _cut(self, chunk: int, size: int) -> int:
        """Make two used chunks of one; return the second."""
        self._used[chunk + size] = self._used[chunk] - size
        self._used[chunk] = size
        return chunk + size

    def _leave(self, chunk: int, size: int) -> None:
        """Use the front of a chunk; the rest becomes free."""
        rest = self._cut(chunk, size)
        self.bins.add(rest, self._used.pop(rest))
        if size < SMALL:
            self._remainder = rest

    def _from_top(self, size: int) -> int:
        chunk = self.top
        self.top += size
        self._used[chunk] = size
        return chunk

    def _from_system(self, size: int) -> int:
        if size >= self.mmap_threshold:
            return self.maps.map(size)
        missing = size + self.pad + LEAST - (self.end - self.top)
        self.end += -(-missing // PAGE) * PAGE
        return self._from_top(size)

    def _free(self, chunk: int) -> None:
        size = self._used[chunk]
        number = (size - LEAST) // UNIT
        if number < CACHED_SIZES and len(self._cache[number]) < CACHED:
            self._cache[number].append(chunk)
        elif size <= FAST:
            self._fast[size // UNIT - 2].append(chunk)
            self._any_fast = True
        elif self._merge(chunk) >= CONSOLIDATION:
            if self._any_fast:
                self._consolidate()
            self._trim()

    def _merge(self, chunk: int) -> int:
        """Make a used chunk free, and one with its free neighbours; return its size then."""
        size = self._used.pop(chunk)
        before = self.bins.ending_at(chunk)
        if before is not None:
            size += self.bins.take(before)
            chunk = before
        if chunk + size == self.top:
            self.top = chunk
            return self.end - chunk
        if chunk + size in self.bins.sizes:
            size += self.bins.take(chunk + size)
        self.bins.add(chunk, size)
        return size

    def _consolidate(self) -> None:
        """Merge what lies in the fast bins."""
        self._any_fast = False
        for fast in self._fast:
            while fast:
                self._merge(fast.pop())

    def _trim(self) -> None:
        """Give the top back to the system but for a pad, if it has become too large."""
        room = self.end - self.top - LEAST - 1
        if self.end - self.top >= self.trim_threshold and room > self.pad:
            self.end -= (room - self.pad) // PAGE * PAGE

    def _grow(self, chunk: int, size: int) -> int | None:
        """Give a chunk at least ``size`` bytes; return where it went, None if nowhere."""
        have = self._used[chunk]
        behind = chunk + have
        if behind == self.top and have + self.end - self.top >= size + LEAST:
            self.top = chunk + size
            self._used[chunk] = size
            return None
        if behind != self.top and have + self.bins.sizes.get(behind, 0) >= size:
            self._used[chunk] += self.bins.take(behind)
            return None
        other = self._allocate(size - UNIT + 1)
        if other == behind:
            self._used[chunk] += self._used.pop(other)
            return None
        self._free(chunk)
        return other


def _chunk_size(nbytes: int) -> int:
    """Bytes of the chunk for a block."""
    return max(LEAST, (nbytes + 8 + UNIT - 1) // UNIT * UNIT)


def _aligned_chunk(chunk: int, alignment: int) -> int:
    """Where in a chunk the one begins whose block is aligned, room for a chunk before it."""
    aligned = -(-(chunk + HEADER) // alignment) * alignment - HEADER
    if aligned != chunk and aligned - chunk < LEAST:
        aligned += alignment
    return aligned
