"""CPU time of many points: networks x capacities x bandwidths, whole processes.

    python -m benchmarks.sweep_cost [POINTS]

``10000`` points are 250 capacities and 10 bandwidths of four networks, ``1000000`` are 5,000 and
50. Each runs in a process of its own, so that imports and the loading of compiled loops count.
"""

from __future__ import annotations

import subprocess
import sys

SIZES = {10_000: (250, 10), 1_000_000: (5_000, 50)}
NETWORKS = ("hardnet68", "densenet121", "resnet50", "mobilenetv2")

SCRIPT = """
import resource
from fractions import Fraction
import memsim
from memsim.results.grid import Grid

capacities, bandwidths = {capacities}, {bandwidths}
sizes = [(16 << 20) * (i + 1) // capacities for i in range(capacities)]
rates = [Fraction(10**9 * (j + 1)) for j in range(bandwidths)]
total = 0
for name in {networks}:
    facts = Grid.of(memsim.curve(name)).facts(sizes, rates)
    total += facts["time_ps"].size
used = resource.getrusage(resource.RUSAGE_SELF)
print(total, used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6)
"""


def measure(points: int) -> None:
    """Print one line of figures."""
    capacities, bandwidths = SIZES[points]
    script = SCRIPT.format(capacities=capacities, bandwidths=bandwidths, networks=NETWORKS)
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    total, seconds, gigabytes = map(float, told.stdout.split())
    print(f"{total:12,.0f} points  {seconds:6.2f} s CPU  {gigabytes:5.2f} GB at most")


if __name__ == "__main__":
    for points in map(int, sys.argv[1:] or map(str, SIZES)):
        measure(points)
