"""Where malloc puts the maps of a network: natively, and under Valgrind as we set it up.

    python benchmarks/heap_footprint.py hardnet68 --input 3x112x112 --lowering eager

Each line is a process: the bytes of all maps of a pass, the bytes of the distinct lines that they
touch, and the bytes of lines that the next pass touches and this one did not. ``native`` has the
malloc of ``memsim measure`` (freed memory is kept); ``counted`` the settings of runs under
simulated caches (one heap of 2 GiB besides), natively and under Valgrind. All use AVX2.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from typing import Any

from memsim.formats import load
from memsim.measurement.child import environment
from memsim.measurement.counters.child_run import HEAP, SINGLE

AVX2 = {
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",
}
PASSES = 4

Places = list[tuple[int, int]]
"""Address and bytes of each map, in the order of the kernels."""


def child(network: str, shape: str, lowering: str) -> list[Places]:
    """Run passes in this process; where the maps of each of them lie."""
    import torch

    from memsim.measurement.run.runnable import prepare

    torch.set_num_threads(1)
    image = tuple(int(each) for each in shape.split("x"))
    runnable = prepare(load(network).with_options(input_shape=image), lowering)
    places: Places = []

    def told(call: Any) -> Any:
        def run(*values: Any) -> Any:
            found = call(*values)
            for each in found if isinstance(found, tuple) else (found,):
                places.append((each.data_ptr(), each.untyped_storage().nbytes()))
            return found

        return run

    runnable.forward()
    runnable.steps = tuple(replace(step, call=told(step.call)) for step in runnable.steps)
    passes = []
    for _ in range(PASSES):
        places.clear()
        runnable.forward()
        passes.append(list(places))
    return passes


def lines(places: Places) -> set[int]:
    return {
        line
        for start, size in places
        for line in range(start >> 6, (start + size + 63) >> 6)
    }  # fmt: skip


def show(what: str, given: argparse.Namespace, own: dict[str, str], before: list[str]) -> None:
    done = subprocess.run(
        [*before, sys.executable, __file__, *sys.argv[1:], "--child"],
        env=environment({**SINGLE, **AVX2, **own}),
        capture_output=True,
        text=True,
        check=True,
    )
    passes = json.loads(done.stdout.splitlines()[-1])
    touched = [lines(places) for places in passes]
    maps = sum(size for _, size in passes[0]) / 1e6
    distinct = " ".join(f"{64 * len(each) / 1e6:6.2f}" for each in touched)
    fresh = " ".join(
        f"{64 * len(later - earlier) / 1e6:5.2f}" for earlier, later in pairwise(touched)
    )
    print(f"{what:16}{maps:7.2f} MB  distinct {distinct}  new in the next {fresh}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network")
    parser.add_argument("--input", default="3x112x112")
    parser.add_argument("--lowering", default="fused")
    parser.add_argument("--processes", type=int, default=5)
    parser.add_argument("--child", action="store_true")
    given = parser.parse_args()
    if given.child:
        print(json.dumps(child(given.network, given.input, given.lowering)), flush=True)
        os._exit(0)
    keep = {name: value for name, value in HEAP.items() if "TOP_PAD" not in name}
    valgrind = ["valgrind", "-q", "--tool=none"]
    for what, own, before in (
        ("native", keep, []),
        ("counted, native", HEAP, []),
        ("counted", HEAP, valgrind),
    ):
        for process in range(given.processes):
            show(what, given, {**own, "PYTHONHASHSEED": str(process)}, before)


if __name__ == "__main__":
    main()
