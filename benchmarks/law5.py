"""Law 5 at random capacities: every shipped network, every lowering, every column.

Run it as ``python benchmarks/law5.py [capacities per program] [seed]`` (default 50 and 1). The
inputs are the networks' own, nothing is cropped. Half the capacities are steps of the curve, or
one byte below a step, where an error would show; the others are spread over all sizes. It
compares the curve with the plain cache pass and ends with an error at the first difference.
"""

from __future__ import annotations

import sys
import time

import numpy as np

import memsim
from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.curve.curve import curve
from memsim.program import LOWERINGS


def main(count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    buffer = memsim.load_machine("textbook").buffer_bytes
    compared = 0
    for entry in memsim.names():
        network = memsim.load(entry.name)
        for lowering in LOWERINGS:
            begin = time.process_time()
            program = memsim.build(network, buffer=buffer, lowering=lowering)
            found = curve(program)
            steps = found.steps.cache_bytes
            largest = int(steps[-1]) + 1
            spread = np.exp(random.uniform(0, np.log(largest), count - count // 2)).astype(np.int64)
            on_step = random.choice(steps[1:], count // 2) - random.integers(0, 2, count // 2)
            capacities = np.concatenate([spread, on_step])
            for capacity in capacities.tolist():
                expected = cache_pass(program, capacity)
                same = (
                    (found.at(capacity) == expected.traffic).all()
                    and (found.tensors_at(capacity) == expected.tensor_traffic).all()
                    and found.read_bytes(capacity) == expected.read_bytes
                    and found.write_bytes(capacity) == expected.write_bytes
                )
                if not same:
                    raise SystemExit(f"{entry.name} {lowering}: they differ at {capacity} B")
                compared += 1
            print(
                f"{entry.name:20} {lowering:12} {program.accesses:9,} accesses "
                f"{len(steps):8,} steps, {count} capacities equal "
                f"({time.process_time() - begin:.1f} s)",
                flush=True,
            )
    print(f"seed {seed}: {compared:,} comparisons, equal byte for byte in every column")


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    main(*given, *[50, 1][len(given) :])
