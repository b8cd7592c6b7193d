"""A workload: what was run, as a program on a machine, and what its time is spent on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.calibrate.path import Path, critical_path, everything
from memsim.calibrate.runs import Run, load_network
from memsim.engines.cachepass import CachePass, machine_pass
from memsim.engines.rates import paid_macs, rate_class
from memsim.engines.recurrence import recurrence
from memsim.engines.steps import PICOSECONDS, Steps, Timeline, first_of_kernel, steps
from memsim.machine import Machine
from memsim.program import build
from memsim.program.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Tasks = NDArray[np.int64] | slice

ALL = slice(None)

MOST_KEPT = 64
"""Workloads that are remembered, the latest ones: several fits in a row ask for the same."""

_BUILT: dict[tuple[object, ...], Workload] = {}


@dataclass(frozen=True, slots=True)
class Spent:
    """What a time consists of: units of each parameter, and seconds that nothing can change."""

    units: dict[str, float]
    fixed_s: float


class Workload:
    """A program and its traffic on a machine's cache: what no fitted number changes.

    Parameters
    ----------
    program : Program
    traffic : CachePass
    base : Machine
        Tiles, vectors, bursts and the classes that have a rate of their own are its.
    """

    def __init__(self, program: Program, traffic: CachePass, base: Machine) -> None:
        self.program, self.traffic = program, traffic
        burst = base.dram.burst
        self.load = -(-traffic.load_bytes // burst) * burst
        self.store = -(-traffic.store_bytes // burst) * burst
        self.macs = paid_macs(program, base)
        self.first = first_of_kernel(program)
        self.names = {kernel.name: number for number, kernel in enumerate(program.kernels)}
        rates = dict(base.compute.macs_per_s)
        classes = [rate_class(kernel, base.compute.vector) for kernel in program.kernels]
        own = [name if rates.get(name) is not None else "conv" for name in classes]
        self.task_class = np.array(own)[program.task_kernel]
        self.classes = sorted(set(own))

    @classmethod
    def of(cls, run: Run, base: Machine) -> Workload:
        """The workload of a run; built once for all machines that differ in rates alone."""
        compute = base.compute
        named = tuple(name for name, rate in compute.macs_per_s if rate is not None)
        cache, burst, tile = base.cache, base.dram.burst, compute.channel_tile
        key = (run.place, base.buffer, cache, burst, tile, compute.vector, named)
        if key not in _BUILT:
            program = build(load_network(run), buffer=base.buffer, lowering=run.lowering)
            while len(_BUILT) >= MOST_KEPT:
                del _BUILT[next(iter(_BUILT))]
            _BUILT[key] = cls(program, machine_pass(program, base), base)
        return _BUILT[key]

    def tasks_of(self, kernel: int | None) -> Tasks:
        """The tasks of a kernel; all of them for None."""
        return ALL if kernel is None else np.flatnonzero(self.program.task_kernel == kernel)

    def simulate(self, machine: Machine, kernel: int | None = None) -> float:
        """Seconds, by memsim's own engine; of one kernel by itself if one is given."""
        _, line = self._timed(machine, self.tasks_of(kernel))
        return line.end / PICOSECONDS

    def _timed(self, machine: Machine, tasks: Tasks) -> tuple[Steps, Timeline]:
        every = steps(self.program, self.traffic, machine)
        if not isinstance(tasks, slice):
            columns = (every.load, every.compute, every.store, every.latency, every.waits)
            every = Steps(*([column[task] for task in tasks] for column in columns))
        return every, recurrence(every)

    def spent(self, machine: Machine, kernel: int | None = None, hidden: bool = True) -> Spent:
        """What the time on a machine consists of.

        Parameters
        ----------
        machine : Machine
        kernel : int, optional
            One kernel by itself.
        hidden : bool
            Leave out what the machine hides behind something slower; else everything counts.
        """
        tasks = self.tasks_of(kernel)
        if not hidden or machine.compute.overlap == "none":
            path = everything(self.program.tasks if isinstance(tasks, slice) else len(tasks))
        else:
            path = critical_path(*self._timed(machine, tasks))
        return self._on(path, tasks, machine)

    def _on(self, path: Path, tasks: Tasks, machine: Machine) -> Spent:
        load, store = self.load[tasks], self.store[tasks]
        moved = int(load[path.load].sum() + store[path.store].sum())
        units = {
            "bandwidth": float(moved),
            "overhead": float(self.first[tasks][path.compute].sum()),
        }
        fixed = int((path.latency & (load > 0)).sum()) * machine.dram_latency_ps / PICOSECONDS

        macs, work = self.macs[tasks], self.program.task_work[tasks]
        on_macs, on_work, onchip = self._slowest(machine, tasks)
        on_macs, on_work = on_macs & path.compute, on_work & path.compute
        for name in self.classes:
            chosen = on_macs & (self.task_class[tasks] == name)
            if name != "elementwise" and chosen.any():
                units[name] = float(macs[chosen].sum())
        units["elementwise"] = float(work[on_work].sum())
        if onchip is not None:
            fixed += float(onchip[path.compute & ~on_macs & ~on_work].sum())
        return Spent(units, fixed)

    def _slowest(
        self, machine: Machine, tasks: Tasks
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.float64] | None]:
        """Per task: do its MACs take longest? its elementwise work? seconds on chip."""
        costs = np.zeros(self.program.tasks)
        for name in self.classes:
            if name != "elementwise":
                costs[self.task_class == name] = float(1 / machine.mac_rate(name))
        macs = self.macs[tasks] * costs[tasks]
        work = self.program.task_work[tasks] * float(1 / machine.elementwise_rate)
        by_macs, onchip = (macs >= work) & (macs > 0), None
        by_work = ~by_macs & (work > 0)
        if machine.onchip_bytes_per_s is not None:
            onchip = self.program.task_bytes[tasks] / float(machine.onchip_bytes_per_s)
            slower = onchip > np.maximum(macs, work)
            by_macs, by_work = by_macs & ~slower, by_work & ~slower
        return by_macs, by_work, onchip
