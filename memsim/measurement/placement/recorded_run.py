"""The process that is recorded: one network, some forward passes, a mark between any two steps.

``python -m memsim.measurement.placement.recorded_run JOB`` is started by
:mod:`memsim.measurement.placement.recorder`, which says in a file what to do.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from memsim.errors import MemsimError
from memsim.measurement.child import read_job


def main(path: str) -> None:
    """Do a job; end the process at once, so that nothing more is recorded."""
    try:
        _run(read_job(path))
    except MemsimError as error:
        sys.stderr.write(f"{error}\n")
        sys.stderr.flush()
        os._exit(3)
    os._exit(0)


def _run(job: dict[str, Any]) -> None:
    from memsim.formats import load
    from memsim.formats.module.module import import_torch
    from memsim.measurement.placement.recorder import BUILD, BUILT, PASS, STEP, flush, mark
    from memsim.measurement.run.malloc import choose_malloc
    from memsim.measurement.run.runnable import prepare

    choose_malloc(job["malloc"])
    import_torch().set_num_threads(1)
    network = load(Path(job["network"]))
    mark(BUILD)
    runnable = prepare(network, job["lowering"])
    mark(BUILT)
    for number in range(job["passes"]):
        mark(PASS + number)
        runnable.forward(lambda: mark(STEP))
    mark(PASS + job["passes"])
    flush()


if __name__ == "__main__":
    main(sys.argv[1])
