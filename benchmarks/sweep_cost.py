"""CPU time of many points: networks x capacities x bandwidths, whole processes.

    python -m benchmarks.sweep_cost [POINTS]
    python -m benchmarks.sweep_cost dask

``10000`` points are 250 capacities and 10 bandwidths of four networks, ``1000000`` are 5,000 and
50. Each runs in a process of its own, so that imports and the loading of compiled loops count.
"""

from __future__ import annotations

import subprocess
import sys
import time

from memsim.sweeps.chunk import Chunk, Outcome
from memsim.sweeps.work import nothing

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


SWEEP = """
import resource, tempfile, time
from pathlib import Path
import memsim
from memsim.sweeps import files

step, bandwidths = (16 << 20) // {capacities}, {bandwidths}
ds = memsim.sweep({networks}, cache=f"{{step}}:{{step * {capacities}}}:{{step}}",
                  bandwidth=f"1GB/s:{{bandwidths}}GB/s:1GB/s", workers=1)
used = resource.getrusage(resource.RUSAGE_SELF)
told = [ds.time_ps.size, used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6]
with tempfile.TemporaryDirectory() as folder:
    for ending in {endings}:
        path = Path(folder) / f"x{{ending}}"
        began = time.perf_counter()
        files.write(ds, path, path.with_suffix(".half"))
        written = time.perf_counter()
        again = memsim.load_sweep(path)
        told += [written - began, time.perf_counter() - written]
        assert again.identical(ds)
print(*told)
"""

ENDINGS = (".parquet", ".zarr", ".nc")


def measure_sweep(points: int) -> None:
    """The same as a dataset of ``memsim.sweep``, which is then written and read."""
    capacities, bandwidths = SIZES[points]
    script = SWEEP.format(
        capacities=capacities, bandwidths=bandwidths, networks=NETWORKS, endings=ENDINGS
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    total, seconds, gigabytes, *times = map(float, done.stdout.split())
    print(f"{total:12,.0f} points  {seconds:6.2f} s CPU  {gigabytes:5.2f} GB at most  (sweep)")
    for number, ending in enumerate(ENDINGS):
        write, read = times[2 * number : 2 * number + 2]
        print(f"{'':>14}{ending:9} written in {write:5.2f} s, read in {read:5.2f} s")


def measure_dask(chunks: int = 100, seconds: float = 1.0) -> None:
    """What a Dask cluster of two workers takes beyond the chunks' own time."""
    from distributed import LocalCluster

    from memsim.sweeps import execute
    from memsim.sweeps.space import space

    found = space("resnet18", cache="1MB", bandwidth="1GB/s", batch=f"1:{chunks}:1")
    execute.compute = _waits
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        for _ in execute.on_scheduler(cluster.scheduler_address, list(found)[:2]):
            pass
        began = time.perf_counter()
        count = sum(1 for _ in execute.on_scheduler(cluster.scheduler_address, found))
        taken = time.perf_counter() - began
    assert count == chunks
    ideal = chunks * seconds / 2
    print(
        f"{chunks} chunks of {seconds:.0f} s on 2 workers: {taken:.1f} s, "
        f"{taken / ideal - 1:.1%} more than their own time"
    )


def _waits(chunk: Chunk) -> Outcome:
    time.sleep(1.0)
    return nothing(chunk)


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
    if sys.argv[1:] == ["dask"]:
        from benchmarks import sweep_cost  # as workers know it

        sweep_cost.measure_dask()
        sys.exit()
    for points in map(int, sys.argv[1:] or map(str, SIZES)):
        measure(points)
        measure_sweep(points)
