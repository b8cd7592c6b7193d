"""Keep what the model says of the test series, before anybody compares it with measurements.

    python benchmarks/freeze.py
    python benchmarks/freeze.py --only times    where a change concerns fitted machines alone

writes ``frozen.csv`` and ``frozen_times.csv`` of ``memsim/validation/data``. It reads which series
there are (``split.csv``, ``split_times.csv``) and none of their measurements. ``memsim fidelity``
compares with these files; run again after a change, it is another model that is compared, which
the log in the split's file has to say.
"""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import memsim
from memsim.validation.cpu_times import CPUS, frozen_times_text, milliseconds
from memsim.validation.split import Series, split
from memsim.validation.traffic.command import SUBJECTS
from memsim.validation.traffic.frozen import SIZES, frozen_text
from memsim.validation.traffic.measured import Moved

DATA = Path(memsim.__file__).with_name("validation") / "data"


def facts() -> dict[str, str]:
    """When, and by what."""
    commit = ["git", "-C", str(DATA), "rev-parse", "--short", "HEAD"]
    done = subprocess.run(commit, capture_output=True, text=True, check=True)
    return {
        "frozen": f"{datetime.now(UTC):%Y-%m-%d}",
        "version": f"memsim {memsim.__version__}, {done.stdout.strip()}",
        "method": "python benchmarks/freeze.py, which reads no measurement",
    }


def traffic(subjects: list[str]) -> Iterator[tuple[str, Series, int, Moved]]:
    for subject in subjects:
        for series in split().series("test"):
            print(subject, series, flush=True)
            said = SUBJECTS[subject].says(series, [1024 * kib for kib in SIZES])
            for kib, moved in zip(SIZES, said, strict=True):
                yield subject, series, kib, moved


def times() -> Iterator[tuple[str, Series, float]]:
    for cpu in CPUS:
        if not cpu.test:
            continue
        for series in split("split_times").series("test"):
            if series.lowering == cpu.mode:
                print(cpu.machine, series, flush=True)
                yield cpu.machine, series, milliseconds(cpu, series)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=DATA, help="the folder")
    parser.add_argument("--only", choices=("traffic", "times"), help="leave the other file alone")
    options = parser.parse_args()
    told = facts()
    if options.only != "times":
        kept = frozen_text(told, traffic(list(SUBJECTS)))
        (options.output / "frozen.csv").write_text(kept, "utf-8")
    if options.only != "traffic":
        kept = frozen_times_text(told, times())
        (options.output / "frozen_times.csv").write_text(kept, "utf-8")


if __name__ == "__main__":
    main()
