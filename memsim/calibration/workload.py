"""A workload: what was run, as a program on a machine, and what its time is spent on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from memsim.calibration.path import Path, critical_path, everything
from memsim.calibration.runs import Run, content_of, load_network
from memsim.engines.cache.cachepass import CachePass, cache_pass
from memsim.engines.clock.rates import is_pooling, paid_macs, rate_class
from memsim.engines.clock.recurrence import finish, recurrence
from memsim.engines.clock.steps import Steps, Timeline, first_of_kernel, steps
from memsim.machine import Machine
from memsim.program import build
from memsim.program.library.build import build_library
from memsim.program.lowering import on_library
from memsim.program.program import Program
from memsim.units import PICOSECONDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Tasks = NDArray[np.int64] | slice
    Computed = dict[str, Ints]

Kernels = tuple[int, ...] | None
"""Which kernels, by number; None: all."""

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
        self.vector = base.compute.vector
        self.first = first_of_kernel(program)
        self.names: dict[str, tuple[int, ...]] = {}
        for number, kernel in enumerate(program.kernels):
            first = kernel.layers[0]  # also of what a library does before and after the layer
            self.names[first] = (*self.names.get(first, ()), number)
        self.pools = np.array([is_pooling(kernel) for kernel in program.kernels])[
            program.task_kernel
        ]
        rates = dict(base.compute.macs_per_s)
        classes = [rate_class(kernel, base.compute.vector) for kernel in program.kernels]
        own = [name if rates.get(name) is not None else "conv" for name in classes]
        self.task_class = np.array(own)[program.task_kernel]
        self.classes = sorted(set(own))
        self.seen = frozenset(classes)
        self._tasks: dict[tuple[int, ...], Ints] = {}
        self._steps: tuple[Machine, Steps] | None = None
        self._computed: tuple[Machine, Computed] | None = None

    @classmethod
    def of(cls, run: Run, base: Machine) -> Workload:
        """The workload of a run; built once for all machines that differ in rates alone."""
        compute = base.compute
        named = tuple(name for name, rate in compute.macs_per_s if rate is not None)
        cache, burst = base.cache.model_copy(update={"bandwidth": None}), base.dram.burst
        tiles = (compute.channel_tile, compute.wave, compute.vector)
        key = (
            run.place, content_of(run), base.buffer, cache, burst, tiles, named,
            compute.kernels, tuple(base.program.options.items()), base.program.library,
        )  # fmt: skip
        if key not in _BUILT:
            program = _program(run, base)
            while len(_BUILT) >= MOST_KEPT:
                del _BUILT[next(iter(_BUILT))]
            traffic = cache_pass(program, base.cache)
            # Only the pass needs a library's addresses, which take most of the memory.
            _BUILT[key] = cls(replace(program, spans=()), traffic, base)
        return _BUILT[key]

    def tasks_of(self, kernels: Kernels) -> Tasks:
        """The tasks of kernels; all of them for None."""
        if kernels is None:
            return ALL
        if kernels not in self._tasks:
            self._tasks[kernels] = np.flatnonzero(np.isin(self.program.task_kernel, kernels))
        return self._tasks[kernels]

    def about(self, kernels: Kernels) -> tuple[str, str]:
        """Operator and class of rate of what a layer became: of the kernel that computes it."""
        those = [self.program.kernels[number] for number in kernels or ()]
        main = next((each for each in those if each.macs), those[0])
        return main.op.kind, rate_class(main, self.vector)

    def simulate(self, machine: Machine, kernels: Kernels = None) -> float:
        """Seconds, by memsim's own engine; of some kernels by themselves if they are given."""
        return finish(self._steps_of(machine, self.tasks_of(kernels))) / PICOSECONDS

    def _steps_of(self, machine: Machine, tasks: Tasks) -> Steps:
        every = self._steps_on(machine)
        if isinstance(tasks, slice):
            return every
        columns = (every.load, every.compute, every.store, every.latency, every.waits)
        # By themselves kernels are issued before they are timed.
        return Steps(*([column[task] for task in tasks] for column in columns))

    def _timed(self, machine: Machine, tasks: Tasks) -> tuple[Steps, Timeline]:
        those = self._steps_of(machine, tasks)
        return those, recurrence(those)

    def _steps_on(self, machine: Machine) -> Steps:
        """The steps of all tasks; kept for the next kernel that is asked for."""
        if self._steps is None or self._steps[0] is not machine:
            self._steps = machine, steps(self.program, self.traffic, machine)
        return self._steps[1]

    def spent(self, machine: Machine, kernels: Kernels = None, hidden: bool = True) -> Spent:
        """What the time on a machine consists of.

        Parameters
        ----------
        machine : Machine
        kernels : tuple of int, optional
            Some kernels by themselves.
        hidden : bool
            Leave out what the machine hides behind something slower; else everything counts.
        """
        tasks = self.tasks_of(kernels)
        alone = machine.compute.overlap == "none" and not machine.compute.launch
        if not hidden or alone:
            path = everything(self.program.tasks if isinstance(tasks, slice) else len(tasks))
        else:
            path = critical_path(*self._timed(machine, tasks))
        return self._on(path, tasks, machine)

    def _on(self, path: Path, tasks: Tasks, machine: Machine) -> Spent:
        load, store = self.load[tasks], self.store[tasks]
        units = {"bandwidth": float(load[path.load].sum() + store[path.store].sum())}
        for name, amounts in self._computed_on(machine).items():
            units[name] = float(amounts[tasks][path.compute].sum())
        late = int((path.latency & (load > 0)).sum()) * machine.dram_latency_ps
        return Spent(units, (late + path.issuing) / PICOSECONDS)

    def _computed_on(self, machine: Machine) -> Computed:
        """What the computation of each task consists of; kept for the next kernel."""
        if self._computed is None or self._computed[0] is not machine:
            self._computed = machine, self._slowest(machine)
        return self._computed[1]

    def _slowest(self, machine: Machine) -> Computed:
        """Units of what takes longest in each task; where nothing overlaps bytes on chip add up."""
        costs = np.zeros(self.program.tasks)
        for name in self.classes:
            if name != "elementwise":
                costs[self.task_class == name] = float(1 / machine.mac_rate(name))
        slow, fast = float(1 / machine.pooling_rate), float(1 / machine.elementwise_rate)
        macs = self.macs * costs
        work = self.program.task_work * np.where(self.pools, slow, fast)
        by_macs = (macs >= work) & (macs > 0)
        by_work = ~by_macs & (work > 0)
        onchip = np.zeros_like(self.program.task_bytes)
        if machine.onchip_bytes_per_s is not None:
            onchip = self.program.task_bytes
            if machine.compute.overlap != "none":
                slower = onchip / float(machine.onchip_bytes_per_s) > np.maximum(macs, work)
                by_macs, by_work = by_macs & ~slower, by_work & ~slower
                onchip = np.where(slower, onchip, 0)
        pools = self.pools & (machine.compute.pooling_per_s is not None)
        amounts = {
            "overhead": self.first.astype(np.int64),
            "cache": onchip,
            "elementwise": np.where(by_work & ~pools, self.program.task_work, 0),
            "pooling": np.where(by_work & pools, self.program.task_work, 0),
        }
        for name in self.classes:
            if name != "elementwise":
                chosen = by_macs & (self.task_class == name)
                amounts[name] = np.where(chosen, self.macs, 0)
        return amounts


def _program(run: Run, base: Machine) -> Program:
    """The program of a run on a machine."""
    network = load_network(run)
    lowering = on_library(run.lowering, base.compute.kernels)
    library = base.program.library
    if library != "none":
        return build_library(network, library=library, lowering=lowering, line=base.cache.line)
    habits = {**base.program.options, "lowering": lowering}
    return build(network, buffer=base.buffer, **habits)
