"""How many networks a search looks at in a second: load, build and curve, one after another.

Run it as ``python benchmarks/search_speed.py [networks]`` (default 150). No two networks are alike:
they have HarDNet-68's 70 layers with weights, and other growths and another multiplier each.
Counted is the CPU time of the whole process, garbage collection included, after the first few,
which load what is needed. The targets beside the figures are the project's.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import memsim
from memsim import Network, Node
from memsim.network.ops import OPERATORS, Operator
from memsim.network.patterns import PATTERNS

DEPTHS = (8, 16, 16, 16, 4)
WIDTHS = (128, 256, 320, 640, 1024)
POOLED = (0, 2, 3)
"""The blocks behind which the map is halved."""

SPACE = """
name: space
input: [3, 224, 224]
parameters: {multiplier: 1.7, growth1: 14, growth2: 16, growth3: 20, growth4: 40, growth5: 160}
defaults:
  conv: {bn: true, act: relu6}
  block: {pattern: harmonic, multiplier: $multiplier, act: relu6}
layers:
  - conv: {out: 32, kernel: 3, stride: 2}
  - conv: {out: 64, kernel: 3}
  - maxpool: {kernel: 3, stride: 2, padding: 1}
  - block: {layers: 8, growth: $growth1}
  - conv: 128
  - maxpool: 2
  - block: {layers: 16, growth: $growth2}
  - conv: 256
  - block: {layers: 16, growth: $growth3}
  - conv: 320
  - maxpool: 2
  - block: {layers: 16, growth: $growth4}
  - conv: 640
  - maxpool: 2
  - block: {layers: 4, growth: $growth5}
  - conv: 1024
  - global_avgpool
  - dropout: 0.1
  - linear: 1000
"""

Point = dict[str, float]


def points(number: int) -> Iterator[Point]:
    """Points of the space, no two alike."""
    draw = random.Random(68)
    middle = (14, 16, 20, 40, 160)
    for i in range(number):
        growths = {
            f"growth{k + 1}": draw.randint(g - g // 3, g + g // 3) for k, g in enumerate(middle)
        }
        yield {"multiplier": 1.5 + 0.4 * (i + 1) / number, **growths}


def in_python(point: Point) -> Network:
    """The same network, layer by layer."""
    nodes = [Node("input", OPERATORS["input"](shape=(3, 224, 224)))]

    def add(name: str, op: Operator, *inputs: str) -> str:
        nodes.append(Node(name, op, inputs or (nodes[-1].name,)))
        return name

    def conv(name: str, *inputs: str, out: int, kernel: int = 1, stride: int = 1) -> str:
        add(f"{name}.conv", OPERATORS["conv"](out=out, kernel=kernel, stride=stride), *inputs)
        add(f"{name}.bn", OPERATORS["batchnorm"]())
        return add(f"{name}.act", OPERATORS["relu6"]())

    conv("conv1", out=32, kernel=3, stride=2)
    conv("conv2", out=64, kernel=3)
    add("pool", OPERATORS["maxpool"](kernel=3, stride=2, padding=1))
    pattern, multiplier = PATTERNS["harmonic"], point["multiplier"]
    for block, (depth, width) in enumerate(zip(DEPTHS, WIDTHS, strict=True), 1):
        made = [nodes[-1].name]
        growth = int(point[f"growth{block}"])
        for layer in range(1, depth + 1):
            read = [made[link] for link in pattern.links(layer)]
            if len(read) > 1:
                read = [add(f"{block}.{layer}.concat", OPERATORS["concat"](), *read)]
            out = pattern.width(layer, growth, multiplier)
            made.append(conv(f"{block}.{layer}", *read, out=out, kernel=3))
        add(f"{block}.concat", OPERATORS["concat"](), *(made[at] for at in pattern.leaves(depth)))
        conv(f"{block}.last", out=width)
        if block - 1 in POOLED:
            add(f"{block}.pool", OPERATORS["maxpool"](kernel=2))
    add("mean", OPERATORS["global_avgpool"]())
    add("linear", OPERATORS["linear"](out=1000))
    return Network("space", nodes)


def of_a_curve(network: Network) -> int:
    return memsim.curve(network).dram_bytes(1 << 20)


def of_a_run(network: Network) -> int:
    return memsim.run(network, cache=1 << 20, clock="recurrence").time_ps


def rate(make: Callable[[Point], Network], ask: Callable[[Network], int], number: int) -> float:
    """Networks per CPU-second."""
    some = list(points(number + 5))
    for point in some[:5]:
        ask(make(point))
    begin = time.process_time()
    for point in some[5:]:
        ask(make(point))
    return number / (time.process_time() - begin)


def main(number: int) -> None:
    """Print the rates."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "space.yaml"
        file.write_text(SPACE)
        sources: dict[str, Callable[[Point], Network]] = {
            "a file with other parameters": lambda point: memsim.load(file, parameters=point),
            "a network built in Python": in_python,
        }
        for name, make in sources.items():
            curves, runs = rate(make, of_a_curve, number), rate(make, of_a_run, number)
            print(f"{name:30} {curves:5.1f} curves per second of CPU (at least 60), "
                  f"{runs:5.1f} runs (at least 50)")  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 150)
