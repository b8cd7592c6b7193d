"""What ``memsim run`` costs: CPU time and memory of whole processes, and engine rates.

Run it as ``python benchmarks/run_cost.py``. Every figure is the least of three runs, after one that
leaves bytecode and machine code behind as an installation has them; the targets beside them are the
project's. Figures that are kept lie in ``benchmarks/results/run_cost.md``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

PROCESSES = (
    (("--help",), "0.06 s"),
    (("run", "hardnet68", "--cache", "2MB"), "0.5 s, 200 MB"),
    (("curve", "hardnet68"), "0.9 s"),
    (("plot", "patterns", "-o", "{folder}/figure.png"), "1.5 s"),
    (("plot", "paper", "-o", "{folder}/figure.png"), "2 s"),
    (("report", "hardnet68", "densenet121", "-o", "{folder}/page.html"), "1.5 s"),
    (("run", "fc_densenet103", "--input", "3x1024x2048"), "2 s"),
    (("curve", "fc_densenet103", "--input", "3x1024x2048"), "3 s, 400 MB"),
    (("bounds", "fc_densenet103", "--input", "3x1024x2048"), "5 s"),
)
COLD = (("curve", "hardnet68"), "1.5 s where it was never compiled")


def process_cost(args: tuple[str, ...], compiled: str | None = None) -> tuple[float, float]:
    """CPU seconds and peak memory in MB of one ``memsim`` process.

    ``compiled`` is another folder for machine code.
    """
    env = {**os.environ, **({} if compiled is None else {"NUMBA_CACHE_DIR": compiled})}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    child = subprocess.Popen(
        [sys.executable, "-m", "memsim", *args],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env,
    )  # fmt: skip
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


def show(args: tuple[str, ...], target: str, costs: list[tuple[float, float]]) -> None:
    """Print the least of some costs."""
    seconds, memory = min(cost[0] for cost in costs), min(cost[1] for cost in costs)
    print(f"{seconds:6.3f} s CPU {memory:6.0f} MB   memsim {' '.join(args)}   (at most {target})",
          flush=True)  # fmt: skip


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        for words, target in PROCESSES:
            args = tuple(word.format(folder=folder) for word in words)
            process_cost(args)
            show(words, target, [process_cost(args) for _ in range(3)])
        costs = []
        for _ in range(3):
            with tempfile.TemporaryDirectory() as empty:
                costs.append(process_cost(COLD[0], empty))
        show(*COLD, costs)
    print("fc_densenet103 at 1024x2048, textbook (at least 100 k tasks/s, 1 M accesses/s):")
    for line in engine_rates():
        print(f"  {line}")


if __name__ == "__main__":
    main()
