"""How fast a processor multiplies matrices, and how long calling a kernel takes.

BLAS libraries take their number of threads from the environment when they are loaded, so this is
a process of its own: ``python -m memsim.measurement.probe.peak THREADS RUNS SIZE...`` writes what
it found to standard output, as JSON. NumPy's library is timed and, where it is installed,
PyTorch's.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from memsim.errors import Problem, SimulationError
from memsim.measurement.child import end_with_starter, environment

SIZES = (256, 512, 1024, 2048)
"""Rows and columns of the square matrices: 0.8 to 50 MB, of which BLAS keeps blocks in caches."""

CALLS = 2000
"""Calls that are timed together."""

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS",
           "VECLIB_MAXIMUM_THREADS")  # fmt: skip
"""What BLAS libraries look at."""


@dataclass(frozen=True, slots=True)
class Peak:
    """How fast a library multiplies two square fp32 matrices.

    Attributes
    ----------
    library : str
    size : int
        Rows and columns.
    median, low, high : float
        MACs per second: size cubed over the time of one product.
    runs : int
    """

    library: str
    size: int
    median: float
    low: float
    high: float
    runs: int

    @property
    def footprint_bytes(self) -> int:
        """Of the three matrices."""
        return 12 * self.size**2


@dataclass(frozen=True, slots=True)
class CallOverhead:
    """How long a kernel takes that has nothing to do.

    Attributes
    ----------
    what : str
    median_s, low_s, high_s : float
        Seconds per call; a run makes :data:`CALLS` of them.
    runs : int
    """

    what: str
    median_s: float
    low_s: float
    high_s: float
    runs: int


def peaks(
    threads: int, runs: int, sizes: Sequence[int] = SIZES
) -> tuple[tuple[Peak, ...], CallOverhead]:
    """Start the process, and read what it found.

    Parameters
    ----------
    threads : int
        Of the matrix products.
    runs : int
        Repetitions; libraries and sizes take turns.
    sizes : sequence of int
        Rows and columns of the matrices.

    Raises
    ------
    SimulationError
        If the process fails.
    """
    done = subprocess.run(
        [sys.executable, "-m", "memsim.measurement.probe.peak", *map(str, (threads, runs, *sizes))],
        env=environment(dict.fromkeys(THREADS, str(threads))),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        message = f"timing matrix products failed (exit code {done.returncode}): {last}"
        raise SimulationError(Problem(message))
    timed = json.loads(done.stdout)
    products = tuple(
        Peak(library, size, *_summary([size**3 / each for each in seconds]))
        for library, size, seconds in timed["products"]
    )
    call = CallOverhead(timed["call"], *_summary([each / CALLS for each in timed["seconds"]]))
    return products, call


def _summary(values: Sequence[float]) -> tuple[float, float, float, int]:
    return statistics.median(values), min(values), max(values), len(values)


def main(threads: int, runs: int, *sizes: int) -> None:
    """Time matrix products and empty calls, and write the seconds as JSON to standard output."""
    products = [(name, size, make(size)) for name, make in _libraries(threads) for size in sizes]
    what, call = _empty_call()
    seconds: list[list[float]] = [[] for _ in products]
    calls = []
    for turn in range(runs + 1):
        taken = [_timed(product) for _, _, product in products]
        call_s = _timed(lambda: [call() for _ in range(CALLS)])
        if turn:  # the first turn starts threads and loads code
            calls.append(call_s)
            for each, second in zip(seconds, taken, strict=True):
                each.append(second)
    timed = [(name, size, each) for (name, size, _), each in zip(products, seconds, strict=True)]
    sys.stdout.write(json.dumps({"products": timed, "call": what, "seconds": calls}))


def _timed(run: Callable[[], object]) -> float:
    start = time.perf_counter_ns()
    run()
    return (time.perf_counter_ns() - start) / 1e9


def _libraries(threads: int) -> Iterator[tuple[str, Callable[[int], Callable[[], object]]]]:
    import numpy as np

    def by_numpy(size: int) -> Callable[[], object]:
        random = np.random.default_rng(0)
        a, b = random.random((2, size, size), np.float32)
        out = np.empty_like(a)
        return lambda: np.matmul(a, b, out)

    blas: Any = np.show_config(mode="dicts")
    blas = blas.get("Build Dependencies", {}).get("blas", {})
    yield f"numpy, {blas.get('name', 'BLAS')} {blas.get('version', '')}".strip(), by_numpy
    if find_spec("torch") is None:
        return
    import torch

    torch.set_num_threads(threads)

    def by_torch(size: int) -> Callable[[], object]:
        a, b = torch.rand(2, size, size)
        out = torch.empty_like(a)
        return lambda: torch.mm(a, b, out=out)

    yield f"torch {torch.__version__}", by_torch


def _empty_call() -> tuple[str, Callable[[], object]]:
    """An operator on one number, which is what calling it takes: of PyTorch, else of NumPy."""
    if find_spec("torch") is None:
        import numpy as np

        one = np.ones(1, np.float32)
        return "numpy.maximum of one number", lambda: np.maximum(one, 0)
    import torch

    torch.inference_mode().__enter__()
    number = torch.ones(1)
    relu = torch.relu
    return "torch.relu of one number", lambda: relu(number)


if __name__ == "__main__":
    end_with_starter()
    main(*map(int, sys.argv[1:]))
