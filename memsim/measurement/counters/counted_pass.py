"""The process that Nsight Compute profiles: one forward pass on the GPU, a range per kernel.

``python -m memsim.measurement.counters.counted_pass JOB`` is started by
:mod:`memsim.measurement.counters.gpu_counters`, which says in a file what to do.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from memsim.formats.module.module import import_torch
from memsim.measurement.child import read_job
from memsim.measurement.run.runnable import Runnable, prepare


def count(runnable: Runnable, cuda: Any, warm_up: int) -> None:
    """Run a pass between the profiler's start and stop, in NVTX ranges named by kernels.

    Parameters
    ----------
    runnable : Runnable
    cuda : module
        ``torch.cuda``.
    warm_up : int
        Passes before it that are not counted.
    """
    for _ in range(warm_up):
        runnable.forward()
    cuda.synchronize()
    names = iter([step.kernel.name for step in runnable.steps])

    def next_range() -> None:
        cuda.nvtx.range_pop()
        cuda.nvtx.range_push(next(names, "after the last kernel"))

    cuda.profiler.start()
    cuda.nvtx.range_push(next(names))
    runnable.forward(next_range)
    cuda.nvtx.range_pop()
    cuda.synchronize()
    cuda.profiler.stop()


def main(path: str) -> None:
    """Do a job."""
    from memsim.formats import load

    job = read_job(path)
    network = load(Path(job["network"]))
    count(prepare(network, job["lowering"], "cuda"), import_torch().cuda, job["warm_up"])


if __name__ == "__main__":
    main(sys.argv[1])
