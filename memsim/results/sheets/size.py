"""What is said of the smallest cache."""

from __future__ import annotations

from memsim.readable import format_bytes, format_bytes_exact
from memsim.results.size import SmallestCache
from memsim.sheets.sheet import Sheet


def size_sheet(smallest: SmallestCache, layers: int | None = None) -> Sheet:
    """Tell the smallest cache in a sentence; ``layers`` does not apply."""
    size, moved = smallest.cache_bytes, format_bytes(smallest.dram_bytes)
    if not size:
        return Sheet(f"{smallest.network}: needs no cache to stay at {moved}{_of(smallest)}.")
    least = smallest.compulsory_bytes
    above = f", {smallest.dram_bytes / least - 1:.1%} above compulsory" if least else ""
    tight = "one byte less, and it is more than that"
    if smallest.sampled:
        tight = f"it is the smallest of the {len(smallest.sampled)} sizes looked at that does"
    return Sheet(
        f"{smallest.network}: a cache of {format_bytes_exact(size)} ({format_bytes(size)}) moves "
        f"{moved}{_of(smallest)}{above}; {tight}."
    )


def _of(smallest: SmallestCache) -> str:
    """What the bytes are: one part, or how they are shared."""
    if smallest.only is not None:
        return f" of {smallest.only.words}"
    weights = smallest.dram_weight_bytes
    maps = smallest.dram_bytes - weights
    return f" ({format_bytes(weights)} of weights, {format_bytes(maps)} of feature maps)"
