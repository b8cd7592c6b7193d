"""The process that Valgrind runs: one network, a few forward passes, of which some are counted.

``python -m memsim.measurement.counters.simulated_run JOB`` is started by
:mod:`memsim.measurement.counters.child_run`, which says in a file what to do. Nothing is simulated
before the network has run once: starting Python and PyTorch would take most of the time, and is no
inference. Our own tool is told of the passes by marks, calls of ``lseek`` that have no effect.
Callgrind is switched on by ``vgdb``, which comes with Valgrind; the counted pass lies between two
calls of functions of the C library that nothing else calls (``ctermid``, ``getloadavg``), and
Callgrind is told their names.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memsim.errors import MemsimError
from memsim.measurement.child import read_job

if TYPE_CHECKING:
    from memsim.measurement.run.runnable import Runnable

BEGIN, END = "ctermid", "getloadavg"
"""Functions of the C library, called through ``os``, before the counted pass and after it."""

STEP = "memsim step"
"""Begins the line after what oneDNN tells of a kernel."""

NATIVE = 1
"""Passes before the simulation begins: libraries load, oneDNN generates its code."""

FILL, COUNTED = 1, 1
"""Simulated passes after the first one that are not counted; those that then are."""

MARK = 0x6D656D73690000
"""The offset that marks; ``data_cache.c`` knows it."""


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
                "process": os.getpid(),
                "torch": torch.__version__,
                "libc": " ".join(platform.libc_ver()),
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
    if "vgdb" in job:
        _between_calls(runnable, job["vgdb"])
    else:
        _between_marks(runnable, job["layers"])


def _between_marks(runnable: Runnable, layers: bool) -> None:
    """Run passes with a mark before the first and after each; ``layers``: and after each kernel
    of one more."""
    file = os.open(os.devnull, os.O_RDONLY)
    os.lseek(file, MARK, os.SEEK_SET)
    for number in range(1, 2 + FILL + COUNTED):
        runnable.forward()
        os.lseek(file, MARK + number, os.SEEK_SET)
    if layers:
        runnable.forward(lambda: os.lseek(file, MARK, os.SEEK_SET))


def _between_calls(runnable: Runnable, vgdb: list[str]) -> None:
    """Run passes, the last of them between the two calls that Callgrind knows."""
    _simulate(vgdb)
    for _ in range(1 + FILL):
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
