"""The process that Valgrind runs: one network, a few forward passes, of which one is counted.

``python -m memsim.measurement.counters.simulated_run JOB`` is started by
:mod:`memsim.measurement.counters.valgrind`, which says in a file what to do. Nothing is simulated
before the network has run twice: starting Python and PyTorch would take most of the time, and is no
inference. ``vgdb``, which comes with Valgrind, then switches the simulation on. The counted pass
lies between two calls of functions of the C library that nothing else calls (``ctermid``,
``getloadavg``); Callgrind is told their names.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from memsim.errors import MemsimError
from memsim.measurement.child import read_job

BEGIN, END = "ctermid", "getloadavg"
"""Functions of the C library, called through ``os``, before the counted pass and after it."""

STEP = "memsim step"
"""Begins the line after what oneDNN tells of a kernel."""

NATIVE = 2
"""Passes before the simulation begins: libraries load, oneDNN generates its code."""


def main(path: str) -> None:
    """Do a job; end the process at once, so that nothing more is counted."""
    job = read_job(path)
    try:
        _run(job)
    except MemsimError as error:
        sys.stderr.write(f"{error}\n")
        os._exit(3)
    os._exit(0)


def _run(job: dict[str, Any]) -> None:
    from memsim.formats import load
    from memsim.formats.module.module import import_torch
    from memsim.measurement.run.runnable import prepare

    torch = import_torch()
    torch.set_num_threads(1)
    runnable = prepare(load(Path(job["network"])), job["lowering"])
    for _ in range(NATIVE - 1):
        runnable.forward()
    with torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON):
        runnable.forward(_say_step)
    Path(job["report"]).write_text(
        json.dumps(
            {
                "torch": torch.__version__,
                "vectors": torch.backends.cpu.get_cpu_capability(),
                "kernels": [step.kernel.name for step in runnable.steps],
                "convolutions": [
                    step.kernel.name
                    for step in runnable.steps
                    if step.kernel.op.kind in ("conv", "conv_transpose")
                ],
            }
        ),
        "utf-8",
    )
    _simulate(job["vgdb"])
    for _ in range(job["warm"]):
        runnable.forward()
    os.ctermid()
    runnable.forward()
    os.getloadavg()


def _say_step() -> None:
    sys.stdout.write(f"{STEP}\n")
    sys.stdout.flush()


def _simulate(vgdb: list[str]) -> None:
    """Switch the simulation on.

    Valgrind looks for commands while the process computes, so it must not sleep meanwhile.
    """
    with subprocess.Popen(
        [*vgdb, f"--pid={os.getpid()}", "instrumentation", "on"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as asked:
        while asked.poll() is None:
            pass
    if asked.returncode:
        sys.stderr.write("vgdb could not switch the simulation on\n")
        os._exit(4)


if __name__ == "__main__":
    main(sys.argv[1])
