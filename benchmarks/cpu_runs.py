"""Time networks on this CPU, one process each, into one file of runs per lowering.

    python benchmarks/cpu_runs.py zen3 --sizes 224 512 1024 -o memsim/fidelity/data

writes ``zen3_fused.csv`` and ``zen3_eager.csv``, which ``memsim calibrate`` reads. The machine has
to be quiet: a network whose quartiles are far apart is timed again.
"""

from __future__ import annotations

import argparse
import csv
import io
import subprocess
import sys
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

TRIES = 4

Rows = list[dict[str, str]]


def timed(network: str, size: int, lowering: str, runs: int) -> tuple[list[str], Rows]:
    """Facts and rows of one network."""
    command = [sys.executable, "-m", "memsim", "measure", network, "--input", f"3x{size}x{size}",
               "--lowering", lowering, "--runs", str(runs), "--format", "csv"]  # fmt: skip
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    lines = text.splitlines()
    facts = [line for line in lines if line.startswith("#")]
    return facts, list(csv.DictReader(line for line in lines if not line.startswith("#")))


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
                best: Rows = []
                for _ in range(TRIES):
                    told, rows = timed(network, size, lowering, RUNS.get(size, 5))
                    facts = facts or told
                    if not best or disturbance(rows) < disturbance(best):
                        best = rows
                    if disturbance(best) <= QUIET:
                        break
                every += best
                print(f"{lowering} {network} {size}: {1e3 * float(best[0]['median_s']):.1f} ms, "
                      f"disturbance {disturbance(best):.1%}", flush=True)  # fmt: skip
        out = io.StringIO()
        out.writelines(f"{fact}\n" for fact in facts if not fact.startswith("# method"))
        out.write("# method: python benchmarks/cpu_runs.py: medians of "
                  + ", ".join(f"{n} passes at {size}" for size, n in RUNS.items())
                  + "; a network is timed again while its quartiles or its kernels' sum are more "
                  f"than {QUIET:.0%} off, {TRIES} times at most\n")  # fmt: skip
        writer = csv.DictWriter(out, fieldnames=list(every[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(every)
        (options.output / f"{options.name}_{lowering}.csv").write_text(out.getvalue(), "utf-8")


if __name__ == "__main__":
    main()
