"""What a curve costs: CPU time of the networks' curves and of long synthetic traces.

Run it as ``python benchmarks/curve_speed.py [most accesses]`` (default 10,000,000; four
minutes). Every figure is CPU time, the least of three runs; the targets beside them are the
project's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from functools import partial

import numpy as np

import memsim
from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.cache.trace import LAST, READ, WRITE, Trace
from memsim.engines.curve.curve import Curve, StepFunction, curve
from memsim.engines.curve.tally import Tally
from memsim.engines.curve.thresholds import thresholds

FIRST = """
import time
import memsim
import memsim.engines.curve.curve as engine
program = memsim.build(memsim.load("hardnet68"), buffer=512 * 1024)
begin = time.process_time()
import numba
loaded = time.process_time()
engine.curve(program).steps
first = time.process_time()
engine.curve(program).steps
again = time.process_time()
print(f"import numba {loaded - begin:.3f} s, first curve {first - loaded:.3f} s, "
      f"second {again - first:.4f} s")
"""


def cost(work: Callable[[], object], times: int = 3) -> float:
    """CPU seconds."""
    spent = []
    for _ in range(times):
        begin = time.process_time()
        work()
        spent.append(time.process_time() - begin)
    return min(spent)


def synthetic(accesses: int, live: int, dying: float) -> Trace:
    """A trace with a constant number of live blocks of 1 B to 16 KiB.

    Each access goes to a random live block, to some more often than to others; with probability
    ``dying`` it is the block's last, and a new block takes its place. Half the blocks are written
    first. Blocks are numbered as they are born.
    """
    random = np.random.default_rng(1)
    place = (live * random.random(accesses) ** 2).astype(np.int64)
    last = random.random(accesses) < dying
    order = np.argsort(place, kind="stable")
    deaths = np.cumsum(last[order]) - last[order]
    begins = np.searchsorted(place[order], np.arange(live))
    before = deaths[np.minimum(begins, accesses - 1)]
    generation = np.empty(accesses, np.int64)
    generation[order] = deaths - before[place[order]]
    _, first, block = np.unique(generation * live + place, return_index=True, return_inverse=True)
    birth = np.empty(len(first), np.int64)
    birth[np.argsort(first)] = np.arange(len(first))
    code = np.where(last, READ + LAST, READ)
    code[first[::2]] += WRITE - READ
    return Trace(
        np.array([0, accesses]),
        birth[block].astype(np.int32),
        code.astype(np.uint8),
        random.integers(1, 1 << 14, len(first), endpoint=True),
    )


def run(trace: Trace) -> None:
    for _ in thresholds(trace):
        pass


def run_and_sum(trace: Trace) -> None:
    """As the curve does: bytes by threshold and column, here 64 of them in turn."""
    tally = Tally(64, int(trace.size.sum()))
    for part in thresholds(trace):
        at, missed = part.at[part.fetches], part.missed[part.fetches]
        tally.add(at // 4096 % 64, part.threshold[part.fetches], missed)
    tally.rows()


def whole(program: memsim.Program) -> tuple[Curve, StepFunction]:
    found = curve(program)
    return found, found.steps


def networks() -> None:
    print("\nCurves of networks (all sizes; per layer, tensor, role and cause), excl. building")
    buffer = memsim.load_machine("textbook").buffer_bytes
    shapes = {"fc_densenet103": (3, 1024, 2048)}
    targets = {"hardnet68": "at most 0.1 s", "fc_densenet103": "at most 5 s"}
    for name in ("resnet18", "hardnet68", "densenet121", "fc_densenet103"):
        network = memsim.load(name)
        if name in shapes:
            network = network.with_options(input_shape=shapes[name])
        for lowering in ("fused", "eager"):
            program = memsim.build(network, buffer=buffer, lowering=lowering)
            found, steps = whole(program)
            spent = cost(partial(whole, program))
            once = cost(partial(cache_pass, program, 1_000_000))
            print(
                f"  {name:15}{lowering:6} {program.accesses:10,} accesses {spent:7.4f} s "
                f"{program.accesses / spent / 1e6:5.1f} M/s {len(found.nbytes):9,} rows "
                f"{len(steps.cache_bytes):9,} steps   one size {once:6.4f} s   "
                f"{targets.get(name, '')}"
            )


def processes() -> None:
    print("\nThe curve of hardnet68 in a fresh process")
    with tempfile.TemporaryDirectory() as empty:
        for what in ("compiling", "compiled before"):
            child = subprocess.run(
                [sys.executable, "-c", FIRST],
                check=True,
                capture_output=True,
                text=True,
                env={**os.environ, "NUMBA_CACHE_DIR": empty},
            )
            print(f"  {what:15} {child.stdout.strip()}")


def rates(accesses: int) -> None:
    print(f"\nSynthetic traces of {accesses:,} accesses: million per CPU-second")
    print("  at least 10 at 10^4 live blocks, 7 at 10^5")
    for dying in (0.0, 0.1, 0.5):
        for live in (1_000, 10_000, 100_000):
            trace = synthetic(accesses, live, dying)
            rate = accesses / cost(partial(run, trace)) / 1e6
            summed = accesses / cost(partial(run_and_sum, trace), 1) / 1e6
            print(
                f"  {live:7,} live, {dying:4.0%} of the accesses are last ones: {rate:5.1f}"
                f"   with sums by column {summed:5.1f}"
            )


def growth(most: int) -> None:
    """Against N log N, the algorithm's own growth being N log(live blocks)."""
    print("\nGrowth, 10 % of the accesses last ones: ns per access; and per log2 N")
    sizes = [10**k for k in range(4, 9) if 10**k <= most]
    for what, live in (
        ("1,000 blocks live", lambda accesses: 1_000),
        ("a hundredth of the accesses live: the working set outgrows the processor's caches",
         lambda accesses: accesses // 100),
    ):  # fmt: skip
        print(f"  {what}")
        spent = []
        for accesses in sizes:
            trace = synthetic(accesses, live(accesses), 0.1)
            spent.append(cost(partial(run, trace), 3 if accesses > 10**5 else 20))
            each = spent[-1] / accesses * 1e9
            print(f"    {accesses:11,}: {each:6.1f}   {each / np.log2(accesses):5.2f}")
        power = np.polyfit(np.log(sizes), np.log(spent), 1)[0]
        bound = np.polyfit(np.log(sizes), np.log(np.array(sizes) * np.log(sizes)), 1)[0]
        print(f"    fit: time ~ N^{power:.3f}; N log N over the same range is N^{bound:.3f}")


def memory(most: int) -> None:
    print("\nWorking memory of the pass, beside the trace (peak, MB)")
    for accesses in (most // 10, most):
        for live in (1_000, 10_000, 100_000):
            trace = synthetic(accesses, live, 0.0)
            tracemalloc.start()
            run(trace)
            peak = tracemalloc.get_traced_memory()[1] / 1e6
            tracemalloc.stop()
            print(f"  {accesses:11,} accesses, {live:7,} live: {peak:6.1f}")


if __name__ == "__main__":
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    run(synthetic(1000, 10, 0.1))  # compile, or load what was compiled
    networks()
    processes()
    rates(most)
    growth(most)
    memory(most)
