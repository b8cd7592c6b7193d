"""How the cost of commands grows: CPU seconds of whole processes, and the exponents between them.

    python -m benchmarks.growth                 # all
    python -m benchmarks.growth layers batch    # some of them
    python -m benchmarks.growth longest         # a chain of 90,000 layers, with its memory

Along each way a network becomes larger in steps of two; what is printed for two neighbours is the
exponent ``log(seconds of the larger / seconds of the smaller)`` over the logarithm of how much
larger it is, after the seconds of a network of one layer have been taken off both: 1 is linear. How
much larger is told by what the way is called, the area of an input, and of blocks by their links: a
dense block of L layers has L * L / 2, which its files, tensors and tasks name one by one. Beside it
stand the accesses of the program to blocks of memory, which are what an engine goes through.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

LONGEST = 90_000
"""Layers of the chain that is told by itself."""

COMMANDS = ("describe", "run", "curve", "memory", "bounds")
SHORTEST = 0.05
"""Seconds above those of one layer from which on a ratio means something."""


class Size(NamedTuple):
    """A network along a way, and how much larger it is than the first."""

    told: str
    amount: float
    text: str
    options: tuple[str, ...] = ()


def chain(layers: int, side: int = 32) -> str:
    """A plain chain of 3x3 convolutions."""
    return (
        f"name: chain\ninput: [3, {side}, {side}]\nlayers:\n"
        f"  - repeat: {layers}\n    layers:\n      - conv: {{out: 8, kernel: 3, act: relu}}\n"
    )


def block(pattern: str, layers: int) -> str:
    """One block on maps of 28x28."""
    more = ", multiplier: 1.6" if pattern == "harmonic" else ""
    return (
        f"name: {pattern}\ninput: [16, 28, 28]\nlayers:\n"
        f"  - block: {{pattern: {pattern}, layers: {layers}, growth: 8{more}}}\n"
    )


def links(pattern: str, layers: int) -> int:
    """How many layers all layers of a block read."""
    from memsim.network.patterns import PATTERNS

    return sum(len(PATTERNS[pattern].links(layer)) for layer in range(1, layers + 1))


def ways() -> dict[str, list[Size]]:
    """What becomes larger."""
    counts, powers = (1024, 2048, 4096, 8192, 16384), (32, 64, 128, 256, 512)
    found = {"layers": [Size(str(n), n, chain(n)) for n in counts]}
    for pattern in ("dense", "harmonic"):
        found[pattern] = [Size(str(n), links(pattern, n), block(pattern, n)) for n in powers]
    shipped = "resnet18"
    found["resolution"] = [
        Size(f"{side}x{side}", side * side, shipped, ("--input", f"3x{side}x{side}"))
        for side in (224, 448, 896, 1792, 3584)
    ]
    found["batch"] = [
        Size(str(n), n, shipped, ("--batch", str(n))) for n in (1, 2, 4, 8, 16, 32, 64)
    ]
    return found


def seconds(command: str, network: str, *options: str) -> float:
    """User and system seconds of a whole process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    words = [sys.executable, "-m", "memsim", command, network, *options]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def accesses(network: str, *options: str) -> int:
    """Accesses of a network's program to blocks of memory."""
    words = [sys.executable, "-m", "memsim", "run", network, *options, "--format", "json"]
    told = subprocess.run(words, check=True, capture_output=True).stdout
    found: int = json.loads(told)["totals"]["accesses"]
    return found


def longest(path: Path) -> None:
    """Print what a chain of convolutions costs, one process for each command."""
    plain = chain(LONGEST).replace(", act: relu", "")
    path.write_text(plain)
    print(f"\nlongest: a chain of {LONGEST:,} convolutions")
    for command in COMMANDS:
        words = [sys.executable, "-m", "memsim", command, str(path)]
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        cost = used.ru_utime + used.ru_stime
        print(f"  {command:<9}{cost:6.2f} s   {used.ru_maxrss / 1000:5.0f} MB", flush=True)


def exponents(sizes: list[Size], costs: list[float], least: float) -> Iterator[str]:
    """The exponent from each size to the next; a dash where both are too short to tell."""
    for at in range(1, len(sizes)):
        few, many = costs[at - 1] - least, costs[at] - least
        if few < SHORTEST:
            yield "-"
            continue
        grown = math.log(sizes[at].amount / sizes[at - 1].amount)
        yield f"{math.log(max(many, 1e-9) / few) / grown:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = ways()
    names = [*known, "longest"]
    parser.add_argument("ways", nargs="*", choices=[[], *names], help="all if left out")
    chosen = parser.parse_args().ways or names
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.yaml"
        path.write_text(chain(1))

        def named(size: Size) -> str:
            if "\n" not in size.text:
                return size.text
            path.write_text(size.text)
            return str(path)

        def made(size: Size) -> int:
            return accesses(named(size), *size.options)

        least = {command: seconds(command, str(path)) for command in COMMANDS}
        for way in chosen:
            if way == "longest":
                longest(path)
                continue
            sizes = known[way]
            print(f"\n{way}: {', '.join(size.told for size in sizes)}")
            print(f"  accesses {', '.join(f'{each:,}' for each in map(made, sizes))}")
            for command in COMMANDS:
                costs = []
                for size in sizes:
                    options = size.options
                    if command == "describe" and "--batch" in options:
                        options = ()
                    costs.append(seconds(command, named(size), *options))
                told = "  ".join(f"{cost:6.2f}" for cost in costs)
                steps = " ".join(f"{step:>5}" for step in exponents(sizes, costs, least[command]))
                print(f"  {command:<9}{told}   exponents {steps}", flush=True)


if __name__ == "__main__":
    main()
