"""What ``--groups auto`` finds, and what finding it costs: five networks at four cache sizes.

Run it as ``python benchmarks/auto_groups.py``; the table is kept in
``benchmarks/results/auto_groups.md``. CPU seconds are those of the whole process of the command,
start, replay and table included, run once; the target is 3 s for the search alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

NETWORKS = ("hardnet68", "densenet121", "fc_hardnet84", "mobilenetv2", "resnet50")
SIZES = ("256KiB", "1MiB", "2MiB", "4MiB")
RESULT = Path(__file__).parent / "results" / "auto_groups.md"
AUTO = ("--schedule", "depth_first", "--groups", "auto")


def command(network: str, size: str, *more: str) -> tuple[dict, float]:
    """The facts of ``memsim run`` on ``edge``, and the CPU seconds of its process."""
    args = ["run", network, "--machine", "edge", "--cache", size, *more]
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(
            [sys.executable, "-m", "memsim", *args, "--format", "json"],
            stdout=out,
            env=dict(os.environ),
        )
        _, status, usage = os.wait4(child.pid, 0)
        if status:
            raise SystemExit(f"memsim {' '.join(args)} failed")
        out.seek(0)
        return json.load(out), usage.ru_utime + usage.ru_stime


def table() -> str:
    """The table as Markdown."""
    lines = [
        "# What `--groups auto` finds, and what it costs",
        "",
        "DRAM traffic on `edge` (int8, each network's own input), and the CPU seconds of the",
        "command's process, by `python benchmarks/auto_groups.py`.",
        "",
        "| network | cache | layer by layer | auto | CPU | why equal |",
        "| :-- | :-- | --: | --: | --: | :-- |",
    ]
    worst = 0.0
    for network in NETWORKS:
        for size in SIZES:
            plain, _ = command(network, size)
            found, cpu = command(network, size, *AUTO)
            before, after = (each["totals"]["dram_bytes"] for each in (plain, found))
            if after > before:
                raise SystemExit(f"{network} at {size}: auto moves more than layer by layer")
            worst = max(worst, cpu)
            told = str(found["config"]["groups"])
            why = told.removeprefix("auto: ") if before == after else ""
            lines.append(
                f"| {network} | {size} | {before / 1e6:.2f} MB | {after / 1e6:.2f} MB "
                f"| {cpu:.2f} s | {why} |"
            )
    return "\n".join([*lines, "", f"The longest takes {worst:.2f} s.", ""])


if __name__ == "__main__":
    text = table()
    RESULT.write_text(text, encoding="utf-8")
    print(text)
