"""What is said of a run under simulated caches."""

from __future__ import annotations

from memsim.measurement.counters.valgrind import SimulatedCache
from memsim.readable import format_bytes, format_bytes_exact
from memsim.sheets.sheet import Grid, Sheet

LONGEST = 160
"""Characters of a list that is shown whole."""


def simulated_cache_sheet(facts: SimulatedCache, layers: int | None = None) -> Sheet:
    """Lay out a run's DRAM traffic per cache; ``layers`` does not apply, all sizes are shown."""
    shape = "x".join(map(str, (facts.batch, *facts.input_shape)))
    rows = [
        (
            format_bytes_exact(each.cache_bytes),
            *(format_bytes(count) for count in (
                each.read_bytes, each.write_allocate_bytes, each.writeback_bytes,
                each.read_bytes + each.write_allocate_bytes + each.writeback_bytes,
            )),
            *((f"{format_bytes(each.least_bytes)} to {format_bytes(each.most_bytes)}",)
              if facts.processes > 1 else ()),
            "-" if (cold := each.cold_bytes) is None else format_bytes(cold),
        )
        for each in facts.counts
    ]  # fmt: skip
    columns = ("cache", "read", "fetched", "written", "total",
               *(("of a process",) if facts.processes > 1 else ()), "first pass")  # fmt: skip
    return Sheet(
        title=f"{facts.network} ({shape}, {facts.dtype}) {facts.lowering}, under simulated caches",
        facts=tuple((label, _short(text)) for label, text in facts.facts.items()),
        grids=(Grid("DRAM traffic of one inference", columns, tuple(rows)),),
        notes=(
            "fetched: lines that are stored to; written: dirty lines that leave the cache; first "
            "pass: its total, from empty caches, the others are of one in steady state.",
        ),
    )


def _short(text: str) -> str:
    """A list of kernels may be long; files have all of it."""
    words = text.split()
    if len(text) <= LONGEST or text.count(",") > len(words) // 20:
        return text
    return f"{' '.join(words[:4])} and {len(words) - 4} others"
