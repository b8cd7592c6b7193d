"""pycachesim, a cache simulator: the very trace of line accesses that memsim's caches see.

``run TRACE CACHE WAYS`` reads ``TRACE.addresses`` (int64) and ``TRACE.runs`` (int64 pairs: whether
the run writes, how many accesses it has), and prints what moved as JSON. Runs in an
environment of its own, see requirements-pycachesim.txt; that package is under the AGPL, so
nothing of memsim imports it.

Its LRU order does not change when a store hits (``Cache__store`` in its ``backend.c``), unlike that
of a cache where every access makes a line the most recent. A write is therefore fed as
a load and a store of the same line: the load fetches what is missing and renews what is there, the
store marks it dirty. ``stores=alone`` feeds the store only, to show the difference.
"""

from __future__ import annotations

import json
import sys
from array import array
from pathlib import Path

LINE = 64


def numbers(path: Path) -> array[int]:
    """A file of 64-bit integers."""
    found = array("q")
    found.frombytes(path.read_bytes())
    return found


def run(trace: str, cache: int, ways: int, stores_alone: bool) -> dict[str, int]:
    """Run the trace through a write-back, write-allocate LRU cache, then write back what is dirty.

    Returns
    -------
    dict
        ``fetched`` and ``written_back`` lines during the trace, ``flushed`` lines after it.
    """
    from cachesim import Cache, CacheSimulator, MainMemory

    level = Cache("cache", cache // (ways * LINE), ways, LINE, "LRU")
    memory = MainMemory()
    memory.load_to(level)
    memory.store_from(level)
    simulator = CacheSimulator(level, memory)
    addresses, runs = numbers(Path(f"{trace}.addresses")), numbers(Path(f"{trace}.runs"))
    begin = 0
    for writes, count in zip(runs[::2], runs[1::2], strict=True):
        part = addresses[begin : begin + count]
        begin += count
        if not writes:
            simulator.load(part)
        elif stores_alone:
            simulator.store(part)
        else:
            simulator.loadstore([((at,), (at,)) for at in part])
    fetched, written_back = level.MISS_count, level.EVICT_count
    simulator.force_write_back()
    return {
        "fetched": fetched,
        "written_back": written_back,
        "flushed": level.EVICT_count - written_back,
    }


if __name__ == "__main__":
    _, given, size, associativity, *mode = sys.argv[1:]
    print(json.dumps(run(given, int(size), int(associativity), mode == ["stores=alone"])))
