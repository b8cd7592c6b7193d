"""Make every check of the fidelity report that takes long, and keep what it says.

    python -m benchmarks.keep_checks

writes ``memsim/validation/data/kept.jsonl``; it takes ten minutes of one core. ``memsim fidelity``
tells these while nothing they rest on has changed (:mod:`memsim.validation.kept`).
"""

from __future__ import annotations

import time
from pathlib import Path

import memsim
from memsim.validation import CHECKS
from memsim.validation.kept import FILE, kept_text, state

PROBE = "jetson_nano"
"""It takes no time, but others are held against it."""

LONG = 0.5
"""CPU seconds from which on a check is kept."""


def main() -> None:
    checks = []
    for name, make in CHECKS.items():
        began = time.process_time()
        check = make()
        took = time.process_time() - began
        print(f"{name:<24}{took:8.1f} s", flush=True)
        if name == PROBE or took >= LONG or name.startswith("dev_"):
            checks.append(check)
    text = kept_text(memsim.__version__, state(), checks)
    (Path(memsim.__file__).with_name("validation") / "data" / FILE).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
