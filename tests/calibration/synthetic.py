"""Runs that a known machine would have given."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from memsim.calibration.runs import Run, RunSet
from memsim.calibration.workload import Workload
from memsim.machine import Machine, load_machine

NETWORKS = ("resnet18", "squeezenet1_0", "mobilenetv2", "hardnet39ds", "hardnet68", "densenet121")

BASE = """\
# A made-up GPU.
name: made_up
cache: {size: 1MB}
buffer: 512KiB
dram:
  bandwidth: 100GB/s      # its peak
  latency: 0s
  burst: 64
compute:
  macs_per_s:
    conv: 1TMAC/s
    conv3x3: 2TMAC/s      # its limit
    depthwise: 1TMAC/s
  elementwise_per_s: 10Top/s
  kernel_overhead: 0s
  overlap: none
"""

TRUE = {"bandwidth": 80e9, "conv": 0.5e12, "conv3x3": 1.2e12, "depthwise": 20e9, "overhead": 20e-6}
"""What the made-up GPU really does; the overhead is a time, the others are rates."""


def base(tmp_path: Any, text: str = BASE) -> Machine:
    file = tmp_path / "base.yaml"
    file.write_text(text)
    return load_machine(file)


def true_machine(limits: Machine, overlap: str = "none") -> Machine:
    from memsim.calibration.parameters import PARAMETERS

    machine = limits.model_copy(
        update={"compute": limits.compute.model_copy(update={"overlap": overlap})}
    )
    for name, value in TRUE.items():
        cost = value if name == "overhead" else 1 / value
        parameter = PARAMETERS[name]
        machine = parameter.assign(machine, parameter.written(cost, limits, True))
    return machine


def measured(
    machine: Machine,
    networks: Iterable[str] = NETWORKS,
    *,
    kernels: bool = False,
    noise: float = 0.0,
    sizes: Iterable[int] = (64, 128),
) -> RunSet:
    """The times of a machine, each off by a random share of up to ``noise``."""
    dice, runs = random.Random(1), []
    for network in networks:
        for size in sizes:
            run = Run(network, (3, size, size), "eager", 1.0)
            workload = Workload.of(run, machine)
            for layer, kernel in workload.names.items() if kernels else [("", None)]:
                seconds = workload.simulate(machine, kernel)
                seconds *= 1 + noise * dice.uniform(-1, 1)
                runs.append(replace(run, seconds=seconds, layer=layer))
    return RunSet(tuple(runs), {"data": "made up"})
