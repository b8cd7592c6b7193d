"""Count the runs of ``memsim/validation/data/split.csv`` under simulated caches.

    python benchmarks/cache_truth.py dev runs_dev --processes 3
    python benchmarks/cache_truth.py dev runs_dev --csv memsim/validation/data/traffic_dev.csv

Each network is alone in a process under memsim's Valgrind tool (see ``memsim measure
--cachegrind``), which is forked when PyTorch is loaded and nothing else. What a process counted
becomes a file in the folder; a run that has its file is not made again, so several such programs
may share a folder (``--part 0/2``, ``--part 1/2``). Beside a development run a CSV file has the
counts of each kernel in one pass more. No prediction is made here.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from memsim.files import read_table
from memsim.formats import load
from memsim.measurement.counters.caches import LINE, Lines
from memsim.measurement.counters.child_run import Child
from memsim.measurement.counters.data_cache import DataCache, read_marks
from memsim.measurement.counters.valgrind import _programs

KIB = (256, 512, 1024, 2048, 4096, 8192, 16384, 32768)
COLUMNS = (
    "network", "input", "lowering", "kernels", "processes", "cache_kib",
    "read_bytes", "write_allocate_bytes", "writeback_bytes", "least_bytes", "most_bytes",
    "cold_read_bytes", "cold_write_allocate_bytes", "cold_writeback_bytes",
)  # fmt: skip


def series(split: str) -> list[dict[str, str]]:
    return [row for row in read_table("memsim.validation", "split") if row["split"] == split]


def name_of(row: dict[str, str]) -> str:
    return f"{row['network']}-{row['input']}-{row['lowering']}"


def forked(paths: list[str]) -> None:
    """Run in this process, which Valgrind executes: a child for each job, one after the other.

    Nothing but Python and its modules has been loaded before they are forked.
    """
    from memsim.formats import load  # noqa: F401
    from memsim.formats.module.module import import_torch
    from memsim.measurement.counters.simulated_run import main
    from memsim.measurement.run.runnable import prepare  # noqa: F401

    import_torch()
    for path in map(Path, paths):
        child = os.fork()
        if not child:
            said = os.open(path.with_name("said"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(said, 1)
            main(str(path))
        os.waitpid(child, 0)
        path.with_name("done").touch()
    os._exit(0)


def run(rows: list[dict[str, str]], process: int, target: Path) -> None:
    """Run networks one after the other; each result is written as soon as it is there."""
    sizes = [1024 * kib for kib in KIB]
    with tempfile.TemporaryDirectory() as scratch:
        waiting = {}
        for row in rows:
            folder = Path(scratch) / name_of(row)
            folder.mkdir()
            shape = tuple(int(each) for each in row["input"].split("x"))
            network = load(row["network"]).with_options(input_shape=shape)
            child = Child(folder, _programs(), network, row["lowering"], fast=False)
            tool = DataCache.find(child)
            if tool is None:
                sys.exit("this needs gcc and Valgrind's headers on x86-64")
            kernels = row["split"] == "dev" and process == 0
            job = child.write(layers=kernels)
            waiting[job] = row, child, tool, kernels
        *_, (_, child, tool, _) = waiting.values()
        with subprocess.Popen(
            [child.valgrind, *tool.options(sizes, Path(scratch) / "marks-%p"),
             f"--log-file={scratch}/log-%p", sys.executable,
             os.path.abspath(__file__), *sys.argv[1:3], "--forked", *map(str, waiting)],
            env=child.environment(process, tool.environment()),
        ) as running:  # fmt: skip
            while waiting:
                over = running.poll() is not None
                for job in [job for job in waiting if over or job.with_name("done").exists()]:
                    row, child, tool, kernels = waiting.pop(job)
                    said = job.with_name("said")
                    if not child.take(said.read_text() if said.exists() else ""):
                        print(name_of(row), process, "has failed", flush=True)
                        continue
                    marks = Path(scratch) / f"marks-{child.report['process']}"
                    write(row, process, target, child, tool, marks, kernels)
                time.sleep(1)


def write(
    row: dict[str, str], process: int, target: Path, child: Child, tool: DataCache, marks: Path,
    kernels: bool,
) -> None:  # fmt: skip
    found = tool.counts([1024 * kib for kib in KIB], read_marks(marks.read_text()), kernels)
    if found is None:
        print(name_of(row), process, "has failed", flush=True)
        return
    counts, of_kernels = found
    if kernels:
        write_kernels(of_kernels, target / f"{name_of(row)}-{process}.csv")
    facts = {**tool.facts(), **child.facts()}
    whole = {**row, "kernels": child.report["vectors"].lower(), "facts": facts}
    whole["counts"] = [each.to_dict() for each in counts]
    (target / f"{name_of(row)}-{process}.json").write_text(json.dumps(whole, indent=1))
    print(name_of(row), process, flush=True)


def write_kernels(kernels: list[tuple[str, list[Lines]]], target: Path) -> None:
    head = ["kernel", "loads", "stores", "d1rm", "d1wm", "d1wb"]
    head += [f"{what}{kib}" for kib in KIB for what in ("rm", "wm", "wb")]
    with target.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        for name, (touches, *levels) in kernels:
            writer.writerow([name, *touches[:2], *(n for level in levels for n in level)])


def write_csv(split: str, folder: Path, target: Path) -> None:
    facts: dict[str, str] = {}
    rows = []
    for row in series(split):
        files = sorted(folder.glob(f"{name_of(row)}-[0-9].json"))
        runs = [json.loads(file.read_text()) for file in files]
        for number, kib in enumerate(KIB if runs else ()):
            counts = [each["counts"][number] for each in runs]
            facts = runs[0]["facts"]
            mean = {key: round(statistics.fmean(each[key] for each in counts)) for key in counts[0]}
            mean["least_bytes"] = min(each["least_bytes"] for each in counts)
            mean["most_bytes"] = max(each["most_bytes"] for each in counts)
            own = {**row, "kernels": runs[0]["kernels"], "processes": len(runs), "cache_kib": kib}
            rows.append({**own, **mean})
    told = {key: facts[key] for key in facts if key not in ("convolutions", "im2col")}
    lines = [f"# {key}: {value}" for key, value in told.items()]
    with target.open("w", newline="") as file:
        file.write("\n".join([ABOUT.strip(), *lines]) + "\n")
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


ABOUT = f"""
# DRAM traffic of real PyTorch inference (fp32, batch 1, one thread) under simulated caches; bytes, in lines of {LINE}.
# What runs is what memsim measure --lowering runs. By benchmarks/cache_truth.py, for the runs of split.csv.
# read, write_allocate, writeback: steady state, the mean over the counted passes of all processes. cold_*: the first pass, from
# empty caches. least, most: the sum of the three in the process that moved least and in the one that moved most. Processes
# differ by the seed of Python's hashes alone, which changes what is allocated when, and so where malloc puts maps. How much: of
# hardnet68 eager the maps of a pass touch 3.0 to 6.2 MB of distinct lines in 7 native processes that keep freed memory, 2.9 to 6.7
# in 7 native ones with the heap that is set here, 3.6 to 5.5 in 4 with it under Valgrind (benchmarks/heap_footprint.py).
"""  # noqa: E501


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("split", choices=("dev", "test"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--part", default="0/1", help="which of the runs: I/N")
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--forked", nargs="*", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.forked:
        forked(given.forked)
    if given.csv is not None:
        write_csv(given.split, given.folder, given.csv)
        return
    given.folder.mkdir(parents=True, exist_ok=True)
    part, parts = map(int, given.part.split("/"))
    jobs = [(row, process) for process in range(given.processes) for row in series(given.split)]
    for process in range(given.processes):
        rows = [
            row
            for row, number in jobs[part::parts]
            if number == process and not (given.folder / f"{name_of(row)}-{process}.json").exists()
        ]
        if rows:
            run(rows, process, given.folder)


if __name__ == "__main__":
    main()
