"""What ``memsim run`` costs: CPU time and memory of whole processes, and engine rates.

Run it as ``python benchmarks/run_cost.py``. Every figure is the least of three runs; the
targets beside them are the project's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

PROCESSES = (
    (("--help",), "0.15 s"),
    (("run", "hardnet68", "--cache", "2MB"), "1.0 s, 200 MB"),
    (("run", "fc_densenet103", "--input", "3x1024x2048"), "6 s"),
)


def process_cost(args: tuple[str, ...]) -> tuple[float, float]:
    """CPU seconds and peak memory in MB of one ``memsim`` process."""
    child = subprocess.Popen(
        [sys.executable, "-m", "memsim", *args], stdout=subprocess.DEVNULL, env=dict(os.environ)
    )
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"memsim {' '.join(args)} failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000


def engine_rates() -> list[str]:
    """Tasks and block accesses per CPU-second at the default buffer."""
    import memsim
    from memsim.engines.cache.cachepass import cache_pass
    from memsim.engines.clock.replay import replay
    from memsim.engines.clock.steps import steps

    machine = memsim.load_machine("textbook")
    network = memsim.load("fc_densenet103", input_shape=(3, 1024, 2048))
    lines = []
    for lowering in ("eager", "fused", "concat_free"):
        begin = time.process_time()
        program = memsim.build(network, buffer=machine.buffer_bytes, lowering=lowering)
        built = time.process_time()
        traffic = cache_pass(program, machine.cache_bytes)
        passed = time.process_time()
        durations = steps(program, traffic, machine)
        ready = time.process_time()
        replay(durations)
        replayed = time.process_time()
        lines.append(
            f"{lowering:12} build {built - begin:5.2f} s   cache pass "
            f"{program.accesses / (passed - built) / 1e6:5.2f} M accesses/s   replay "
            f"{program.tasks / (replayed - ready) / 1e3:4.0f} k tasks/s   together "
            f"{program.accesses / (replayed - built) / 1e6:5.2f} M accesses/s"
        )
    return lines


def main() -> None:
    """Print the figures."""
    for args, target in PROCESSES:
        costs = [process_cost(args) for _ in range(3)]
        seconds, memory = min(cost[0] for cost in costs), min(cost[1] for cost in costs)
        print(
            f"{seconds:6.3f} s CPU {memory:6.0f} MB   memsim {' '.join(args)}   (at most {target})"
        )
    print("fc_densenet103 at 1024x2048, textbook (at least 100 k tasks/s, 1 M accesses/s):")
    for line in engine_rates():
        print(f"  {line}")


if __name__ == "__main__":
    main()
