"""A workload: one network at any cache, bandwidth and compute rate, for questions about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.engines.cache.cachepass import CachePass
from memsim.engines.cache.task_pass import TaskPasses, TaskTraffic
from memsim.engines.clock.ends import Ends
from memsim.engines.curve.envelope import best_pass
from memsim.machine import Machine
from memsim.program.parts import Part, chosen, compulsory
from memsim.program.program import Program
from memsim.results.configuration import with_network
from memsim.results.curve import CurveResult
from memsim.results.energy import joules, mac_joules, with_sum
from memsim.results.inverse.goal import Reached

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Workload:
    """One network on one machine, of which some number is asked for.

    Attributes
    ----------
    programs : mapping of str to Program
        By task order; at each capacity the one that moves least runs.
    machine : Machine
    only : Part or None
        The part of the traffic that is told.
    """

    programs: Mapping[str, Program]
    machine: Machine
    only: Part | None = None
    _ends: dict[str, Ends] = field(default_factory=dict, repr=False)
    _tasks: dict[str, TaskPasses] = field(default_factory=dict, repr=False)
    _reached: dict[int, Reached] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """The network's."""
        return self._first.network.name

    @property
    def config(self) -> dict[str, Any]:
        """The resolved configuration: machine and program options, batch and data type."""
        return with_network(self._first, self.machine)

    @property
    def frames(self) -> int:
        """Inferences in a row."""
        return self._first.frames

    @property
    def sram_beside_bytes(self) -> int:
        """Bytes of memory on the chip beside the cache."""
        machine = self.machine
        return machine.sram_bytes(buffers=not self._first.spans) - machine.cache_bytes

    @property
    def _first(self) -> Program:
        return next(iter(self.programs.values()))

    @cached_property
    def curve(self) -> CurveResult:
        """Its traffic at every capacity.

        Raises
        ------
        InputError
            Where the machine's policy has no curve.
        """
        (_, first), *others = self.programs.items()
        return CurveResult(first, self.machine, (), dict(others), only=self.only)

    @cached_property
    def breakpoints(self) -> Ints:
        """The capacities at which traffic, or the task order, changes; ascending.

        Of a cache of sets the sizes that are looked at: nothing is known between them.
        """
        sizes = self.curve.sampled
        return np.array(sizes, np.int64) if sizes else self.curve.steps.cache_bytes

    @property
    def is_fast(self) -> bool:
        """Whether a capacity takes less than a cache pass."""
        return TaskPasses.serves(self.machine.cache)

    @cached_property
    def longest_computing_ps(self) -> int:
        """Picoseconds of all computations, of the slowest task order."""
        return max(int(self.ends(order).compute[0].sum()) for order in self.programs)

    def moved(self, capacity: int) -> int:
        """Bytes of all its traffic at a capacity, from the curve: whatever is told of it."""
        envelope = self.curve.envelope if self.only is None else self._whole.envelope
        return envelope.dram_bytes(capacity)

    @cached_property
    def _whole(self) -> CurveResult:
        return Workload(self.programs, self.machine).curve

    def at_rest(self, capacity: int) -> Reached:
        """What moves at a capacity, from the curve alone: times are not told."""
        energy = self._energy(self.curve.envelope.winner(capacity), self.moved(capacity))
        return Reached(self.curve.dram_bytes(capacity), self._compulsory, energy, self.frames)

    def at(self, capacity: int) -> Reached:
        """What happens at a capacity, at the machine's own rates."""
        if capacity not in self._reached:
            order, traffic = self.tasks(capacity)
            ends = self.ends(order)
            time, computing = int(ends.after(traffic)[0, 0]), int(ends.compute[0].sum())
            moved = self.curve.dram_bytes(capacity)
            frames, least = self.frames, self._compulsory
            self._reached[capacity] = Reached(moved, least, None, frames, time, computing)
        return self._reached[capacity]

    def tasks(self, capacity: int) -> tuple[str, TaskTraffic]:
        """The task order that moves least at a capacity, and what its tasks move.

        Raises
        ------
        InputError
            Where the machine's policy has no curve.
        """
        order = self.curve.envelope.winner(capacity)
        if order not in self._tasks:
            self._tasks[order] = TaskPasses(self.programs[order], self.machine.cache)
        return order, self._tasks[order].at(capacity)

    def at_rates(
        self, bandwidth: Fraction | None = None, mac_rate: Fraction | None = None
    ) -> Reached:
        """What happens with the machine's own cache, at other rates."""
        order, traffic = self.traffic(self.machine.cache_bytes)
        rates = [each if each is None else [each] for each in (bandwidth, mac_rate)]
        ends = Ends(self.programs[order], self.machine, *rates)
        return Reached(
            int(chosen(traffic.traffic, self.only).sum()),
            self._compulsory,
            self._energy(order, int(traffic.traffic.sum())),
            self.frames,
            int(ends.after(traffic)[0, 0]),
            int(ends.compute[0].sum()),
        )

    @cached_property
    def _compulsory(self) -> int:
        return sum(compulsory(self._first, self.only))

    def _energy(self, order: str, moved: int) -> float | None:
        """Joules of a task order that moves so many bytes; None where they are not known."""
        onchip, macs = self._energies[order]
        dram = joules(moved, self.machine.dram_pj_per_byte)
        parts = {"energy_dram_j": dram, "energy_onchip_j": onchip, "energy_mac_j": macs}
        return with_sum(parts)["energy_j"]

    @cached_property
    def _energies(self) -> dict[str, tuple[float | None, float | None]]:
        """What no cache changes, of each task order: energy on chip and of MACs."""
        per_byte = self.machine.onchip_pj_per_byte
        return {
            order: (
                joules(int(program.touch_bytes.sum()), per_byte),
                mac_joules(program, self.machine),
            )
            for order, program in self.programs.items()
        }

    def ends(self, order: str) -> Ends:
        """The clock of a task order, at the machine's own rates."""
        if order not in self._ends:
            self._ends[order] = Ends(self.programs[order], self.machine)
        return self._ends[order]

    def traffic(self, capacity: int) -> tuple[str, CachePass]:
        """The task order that moves least at a capacity, and what it moves, task by task."""
        return best_pass(self.programs, self.machine.cache.resized(capacity))
