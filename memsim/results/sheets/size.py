"""What is said of the smallest cache."""

from __future__ import annotations

from memsim.readable import format_bytes, format_bytes_exact
from memsim.results.size import SmallestCache
from memsim.sheets.sheet import Sheet


def size_sheet(smallest: SmallestCache, layers: int | None = None) -> Sheet:
    """Tell the smallest cache in a sentence; ``layers`` does not apply."""
    size, moved = smallest.cache_bytes, format_bytes(smallest.dram_bytes)
    if not size:
        return Sheet(f"{smallest.network}: needs no cache to stay at {moved}.")
    above = smallest.dram_bytes / smallest.compulsory_bytes - 1
    return Sheet(
        f"{smallest.network}: a cache of {format_bytes_exact(size)} ({format_bytes(size)}) moves "
        f"{moved}, {above:.1%} above compulsory; one byte less, and it is more than that."
    )
