"""Time networks on this CPU, one process each, into one file of runs per lowering.

    python benchmarks/cpu_runs.py zen3 --sizes 224 512 1024 -o memsim/validation/data

writes ``zen3_fused.csv`` and ``zen3_eager.csv``, which ``memsim calibrate`` reads. The machine has
to be quiet: a network whose quartiles are far apart is timed again.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import subprocess
import sys
import time
from pathlib import Path

NETWORKS = (
    "hardnet68",
    "resnet18",
    "densenet121",
    "squeezenet1_0",
    "mobilenetv2",
    "resnet50",
    "hardnet85",
    "vgg16",
    "hardnet39ds",
)

RUNS = {224: 9, 512: 5, 1024: 3}
"""Timed passes; a pass of a large image takes seconds."""

QUIET = 0.04
"""Most that the quartiles of the whole network's time may be apart, relative to its median, and
most that the kernels' sum may be off it."""

BUSY = 0.1
"""Most of a core that others may take meanwhile: they share its cache and its memory."""

TRIES = 4

Rows = list[dict[str, str]]


def busy() -> float:
    """Seconds that all cores have worked (Linux, proc(5)); 0 where that is not told."""
    try:
        user, nice, system = map(int, Path("/proc/stat").read_text().split()[1:4])
    except OSError:
        return 0.0
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def timed(network: str, size: int, lowering: str, runs: int) -> tuple[list[str], Rows, float]:
    """Facts and rows of one network, and how much of a core others took."""
    command = [sys.executable, "-m", "memsim", "measure", network, "--input", f"3x{size}x{size}",
               "--lowering", lowering, "--runs", str(runs), "--format", "csv"]  # fmt: skip
    start, before, own = time.monotonic(), busy(), os.times()
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    now, after = os.times(), busy()
    mine = now.children_user + now.children_system - own.children_user - own.children_system
    others = (after - before - mine) / (time.monotonic() - start)
    lines = text.splitlines()
    facts = [line for line in lines if line.startswith("#")]
    return facts, list(csv.DictReader(line for line in lines if not line.startswith("#"))), others


def disturbance(rows: Rows) -> float:
    """How far a measurement is from one on a quiet machine, see :data:`QUIET`."""
    whole, *kernels = rows
    median = float(whole["median_s"])
    total = sum(float(row["median_s"]) for row in kernels)
    return max(float(whole["spread_s"]) / median, abs(total / median - 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(RUNS))
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS))
    parser.add_argument("--lowerings", nargs="+", default=["fused", "eager"])
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    for lowering in options.lowerings:
        facts: list[str] = []
        every: Rows = []
        for size in options.sizes:
            for network in options.networks:
                best: tuple[float, Rows] = float("inf"), []
                for _ in range(TRIES):
                    said, rows, others = timed(network, size, lowering, RUNS.get(size, 5))
                    facts = facts or said
                    best = min(best, (max(disturbance(rows) / QUIET, others / BUSY), rows),
                               key=lambda each: each[0])  # fmt: skip
                    told = 1e3 * float(rows[0]["median_s"])
                    print(f"{lowering} {network} {size}: {told:.1f} ms, "
                          f"off {disturbance(rows):.1%}, others {others:.0%}",
                          flush=True)  # fmt: skip
                    if best[0] <= 1:
                        break
                every += best[1]
        out = io.StringIO()
        out.writelines(f"{fact}\n" for fact in facts if not fact.startswith("# method"))
        out.write("# method: python benchmarks/cpu_runs.py: medians of "
                  + ", ".join(f"{n} passes at {size}" for size, n in RUNS.items())
                  + "; a network is timed again while its quartiles or its kernels' sum are more "
                  f"than {QUIET:.0%} off or others took {BUSY:.0%} of a core, "
                  f"{TRIES} times at most\n")  # fmt: skip
        writer = csv.DictWriter(out, fieldnames=list(every[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(every)
        (options.output / f"{options.name}_{lowering}.csv").write_text(out.getvalue(), "utf-8")


if __name__ == "__main__":
    main()
