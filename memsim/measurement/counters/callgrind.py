"""Runs under Callgrind, which comes with Valgrind: one process for each size of the last level.

Its instruction cache is given 64 MiB, so that the last level, which serves instructions, too, has
data almost alone. It does not count a first pass apart, and computes the fused multiply-adds of
AVX2 in software, one by one.

References
----------
Valgrind User Manual, "Callgrind: a call-graph generating cache and branch prediction profiler".
"""

from __future__ import annotations

from collections.abc import Sequence

from memsim.measurement.counters.caches import FIRST, FIRST_WAYS, LINE, WAYS, CacheCounts, Lines
from memsim.measurement.counters.child_run import Child
from memsim.measurement.counters.simulated_run import BEGIN, END, FILL, NATIVE

CODE = 64 << 20
"""Bytes of the cache of instructions."""

READS, FETCHES, BACK = ("DLmr",), ("DLmw",), ("ILdmr", "DLdmr", "DLdmw")
"""Callgrind's events that are counted together: misses of the last level by loads and by stores,
and misses of any kind that evict a dirty line."""

EVERY = 1 + FILL
"""Simulated passes before the counted one."""


class Callgrind:
    """Counts by Callgrind."""

    def __init__(self, child: Child) -> None:
        self._child = child

    def runs(self, sizes: Sequence[int]) -> list[list[int]]:
        """The sizes that each process counts: one."""
        return [[size] for size in sizes]

    def count(self, sizes: Sequence[int], seed: int) -> list[CacheCounts]:
        """Run the network; the counts of a pass in steady state."""
        (size,) = sizes
        folder = self._child.folder
        for old in folder.glob("out*"):
            old.unlink()
        prefix = f"--vgdb-prefix={folder / 'vgdb'}"  # pipes of no other process
        options = [
            "--tool=callgrind", "--cache-sim=yes", "--simulate-wb=yes",
            f"--I1={CODE},{WAYS},{LINE}", f"--D1={FIRST},{FIRST_WAYS},{LINE}",
            f"--LL={size},{WAYS},{LINE}",
            "--instr-atstart=no", f"--zero-before={BEGIN}", f"--dump-before={END}",
            "--vgdb=yes", prefix, f"--callgrind-out-file={folder / 'out'}",
        ]  # fmt: skip
        done = self._child.run(options, seed, {}, vgdb=[self._child.vgdb, prefix])
        dumps = [path for path in folder.glob("out*") if f"before={END}" in path.read_text()]
        if len(dumps) != 1:
            raise self._child.failure(done, f"Callgrind has seen no call of {BEGIN} and {END}")
        return [CacheCounts.of(size, [counted(dumps[0].read_text())], None)]

    def facts(self) -> dict[str, str]:
        """About the simulator and the method."""
        return {
            "simulator": f"{self._child.version()}, callgrind --cache-sim=yes --simulate-wb=yes",
            "caches": f"first level {FIRST:,} B with {FIRST_WAYS} ways; last level with {WAYS} "
            f"ways; lines of {LINE} B; LRU, write-back, write-allocate; instructions have "
            f"{CODE:,} B of their own before the last level",
            "events": f"misses x {LINE} B: read {'+'.join(READS)}, write_allocate "
            f"{'+'.join(FETCHES)}, writeback {'+'.join(BACK)}",
            "method": f"one process per size; one forward pass, steady state: after {NATIVE} that "
            f"are not simulated and {EVERY} that fill the cache; no first pass: memsim's own tool, "
            "which counts it, needs gcc and Valgrind's headers on x86-64",
        }


def counted(text: str) -> Lines:
    """The counts of one dump. ``summary`` is what happened since the counters were zeroed;
    ``totals`` also has what functions that had been entered before were charged with."""
    lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    values = dict(zip(lines["events"].split(), map(int, lines["summary"].split()), strict=False))
    read, fetch, back = (
        sum(values.get(event, 0) for event in events) for events in (READS, FETCHES, BACK)
    )
    return read, fetch, back
