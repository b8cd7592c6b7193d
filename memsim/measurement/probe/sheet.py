"""What is said of a probed machine."""

from __future__ import annotations

from memsim.measurement.probe.bandwidth import LOOPS, Bandwidth
from memsim.measurement.probe.peak import Peak
from memsim.measurement.probe.probe import FAR, NEAR, ROOM, Plateau, Probe
from memsim.readable import format_bytes_exact, format_rate, format_time
from memsim.sheets.sheet import Grid, Sheet
from memsim.units import PICOSECONDS


def probe_sheet(facts: Probe, layers: int | None = None) -> Sheet:
    """Lay out a probe, with a footprint per octave; ``layers`` does not apply."""
    grids = [_footprints(facts), _products(facts)]
    if facts.plateaus():
        grids.insert(0, _plateaus(facts))
    call = facts.call
    return Sheet(
        title=f"{facts.facts.get('cpu', 'This machine')}, probed",
        facts=(
            *((label, text) for label, text in facts.facts.items() if label != "cpu"),
            ("overhead", f"{_time(call.median_s)} for {call.what}, {_time(call.low_s)} to "
                         f"{_time(call.high_s)}"),
        ),
        grids=tuple(grids),
        notes=(
            f"levels: medians over footprints from {NEAR} x the level before to {ROOM:.0%} of its "
            f"own size, DRAM's from {FAR} x the last level on. min, max: of all loops, the slowest "
            "block over its median and the fastest. Files have every footprint.",
        ),
    )  # fmt: skip


def _plateaus(facts: Probe) -> Grid:
    rows = [
        (
            each.level,
            "" if each.cache_bytes is None else format_bytes_exact(each.cache_bytes),
            *(_loop_rate(each, loop) for loop in LOOPS),
            str(len(each.footprints)),
        )
        for each in facts.plateaus()
    ]
    return Grid("bandwidth by level", ("level", "size", *LOOPS, "footprints"), tuple(rows))


def _loop_rate(plateau: Plateau, loop: str) -> str:
    return format_rate(round(plateau.rates[loop])) if loop in plateau.rates else "-"


def _footprints(facts: Probe) -> Grid:
    sizes: dict[int, list[Bandwidth]] = {}
    for each in facts.bandwidths:
        sizes.setdefault(each.footprint_bytes, []).append(each)
    rows, above = [], 0.0
    for size, loops in sizes.items():
        if size < above:
            continue
        above = 1.9 * size  # the next octave, whose footprint may be rounded down
        rows.append(
            (
                format_bytes_exact(size),
                *(format_rate(round(each.median)) for each in loops),
                f"{min(each.low / each.median for each in loops):.0%}",
                f"{max(each.high / each.median for each in loops):.0%}",
            )
        )
    columns = ("footprint", *LOOPS, "min", "max")
    return Grid("bandwidth by footprint, an octave apart", columns, tuple(rows))


def _products(facts: Probe) -> Grid:
    rows = [
        (each.library, f"{each.size}", *(_macs(each, which) for which in ("median", "low", "high")))
        for each in facts.peaks
    ]
    return Grid("products of square fp32 matrices", ("library", "rows", "median", "min", "max"),
                tuple(rows))  # fmt: skip


def _macs(peak: Peak, which: str) -> str:
    return format_rate(round(getattr(peak, which)), "MAC")


def _time(seconds: float) -> str:
    return format_time(round(seconds * PICOSECONDS)) if seconds else "0"
