"""A probed machine that is always the same."""

from __future__ import annotations

from memsim.measurement.probe.bandwidth import LOOPS, Bandwidth, footprints
from memsim.measurement.probe.peak import CallOverhead, Peak
from memsim.measurement.probe.probe import Probe

KIB, MIB = 1024, 1024**2

CACHES = {"L1": 32 * KIB, "L2": 512 * KIB, "L3": 8 * MIB}

RATES = {"L1": 200e9, "L2": 100e9, "L3": 50e9, "DRAM": 20e9}


def rate(footprint: int) -> float:
    """The rate of the level that holds a footprint."""
    return RATES[next((name for name, size in CACHES.items() if footprint <= size), "DRAM")]


def made_up(largest: int = 64 * MIB) -> Probe:
    """Levels with sharp edges; copies are a tenth slower than reads, triads a tenth faster."""
    loops = dict(zip(LOOPS, (0.9, 1.0, 1.1), strict=True))
    return Probe(
        bandwidths=tuple(
            Bandwidth(loop, size, each := share * rate(size), each / 2, 1.01 * each, 9)
            for size in footprints(16 * KIB, largest, 4)
            for loop, share in loops.items()
        ),
        peaks=(
            Peak("numpy, openblas 1.0", 512, 40e9, 20e9, 44.4441e9, 9),
            Peak("numpy, openblas 1.0", 1024, 41e9, 25e9, 43e9, 9),
        ),
        call=CallOverhead("numpy.maximum of one number", 1.25e-6, 1e-6, 3e-6, 9),
        caches=CACHES,
        threads=1,
        facts={"cpu": "Made Up 3000", "threads": "1", "date": "2026-01-01 00:00 UTC"},
    )
