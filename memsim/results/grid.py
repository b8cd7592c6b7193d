"""The grid: the facts of one network at every one of many caches, bandwidths and compute rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.engines.cache.cachepass import CachePass, read_bytes, write_bytes
from memsim.engines.clock.ends import Ends
from memsim.engines.curve.envelope import best_pass
from memsim.machine import Machine
from memsim.program.kernel import Cause, Role
from memsim.program.parts import Part, chosen, compulsory
from memsim.program.program import Program
from memsim.results.curve import CurveResult
from memsim.results.energy import joules, mac_joules

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = NDArray[Any]
    Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Grid:
    """What a run would tell at each of many points: capacities x bandwidths x compute rates.

    A program does not depend on them, so it is built once; a capacity takes one cache pass, and
    every bandwidth and compute rate there one recurrence.

    Attributes
    ----------
    programs : mapping of str to Program
        By task order; at each capacity the one that moves least is taken.
    machine : Machine
        All of it but its cache's size, its bandwidth and its compute rates stays.
    only : Part or None
        The part of the traffic that is told; times and energies are those of all of it.

    Examples
    --------
    >>> import memsim
    >>> grid = Grid.of(memsim.curve("resnet18", machine="textbook"))
    >>> facts = grid.facts([500_000, 2_000_000], [Fraction(10**10), Fraction(10**11)])
    >>> facts["time_ps"].shape
    (2, 2, 1)
    >>> run = memsim.run("resnet18", machine="textbook", cache=2_000_000, bandwidth="10GB/s")
    >>> int(facts["time_ps"][1, 0, 0]) == run.time_ps
    True
    >>> int(facts["dram_bytes"][1, 0, 0]) == run.dram_bytes
    True
    """

    programs: Mapping[str, Program]
    machine: Machine
    only: Part | None = None

    @classmethod
    def of(cls, curve: CurveResult) -> Grid:
        """The grid of what a curve is of."""
        return cls(curve.programs, curve.machine, curve.only)

    def facts(
        self,
        capacities: Sequence[int],
        bandwidths: Sequence[Fraction] | None = None,
        mac_rates: Sequence[Fraction] | None = None,
    ) -> dict[str, Column]:
        """The totals of a run at every point.

        Parameters
        ----------
        capacities : sequence of int
            Bytes.
        bandwidths, mac_rates : sequence of Fraction, optional
            Peak bytes per second, and MAC/s of convolutions. Left out: the machine's own, an axis
            of one point.

        Returns
        -------
        dict of str to array
            Named as :attr:`memsim.results.run.Result.totals`, as far as they depend on a point or
            are of the program; ``by_role_and_cause`` has two more axes. Every array has the axes
            capacity, bandwidth, compute rate; what does not depend on one of them is a view of
            stride 0 there. Bytes and picoseconds are int64, NaN is an energy that is not known.

        Raises
        ------
        InputError, SimulationError
            As :func:`memsim.run` at the point where it happens.
        """
        moved: dict[str, list[Any]] = {}
        times: dict[str, list[Ints]] = {}
        ends: dict[str, Ends] = {}
        fixed: dict[str, dict[str, Any]] = {}
        for capacity in capacities:
            order, traffic = self._pass(capacity)
            program = self.programs[order]
            if order not in ends:
                ends[order] = Ends(program, self.machine, bandwidths, mac_rates)
                fixed[order] = self._fixed(program)
            for name, value in (self._moved(traffic, fixed[order]) | fixed[order]).items():
                moved.setdefault(name, []).append(value)
            for name, value in self._times(ends[order], traffic).items():
                times.setdefault(name, []).append(value)
        points = (
            1 if bandwidths is None else len(bandwidths),
            1 if mac_rates is None else len(mac_rates),
        )
        facts = {name: np.stack(each) for name, each in times.items()}
        return facts | {name: _spread(np.array(each), points) for name, each in moved.items()}

    def _pass(self, capacity: int) -> tuple[str, CachePass]:
        cache = self.machine.with_overrides(cache=capacity).cache
        return best_pass(self.programs, cache)

    def _fixed(self, program: Program) -> dict[str, Any]:
        """What depends on the program alone."""
        onchip = int(program.touch_bytes.sum())
        return {
            "compulsory_bytes": sum(compulsory(program, self.only)),
            "energy_onchip_j": _known(joules(onchip, self.machine.onchip_pj_per_byte)),
            "energy_mac_j": _known(mac_joules(program, self.machine)),
            "onchip_bytes": onchip,
            "peak_live_activation_bytes": int(program.live_bytes.max(initial=0)),
        }

    def _moved(self, traffic: CachePass, fixed: Mapping[str, Any]) -> dict[str, Any]:
        """What depends on the capacity, too, and not on rates."""
        whole = traffic.traffic.sum(axis=0)
        split = chosen(whole, self.only)
        read, written = int(read_bytes(split)), int(write_bytes(split))
        weights = int(split[Role.WEIGHT].sum())
        dram = _known(joules(int(whole.sum()), self.machine.dram_pj_per_byte))
        return {
            "dram_bytes": read + written,
            "dram_read_bytes": read,
            "dram_write_bytes": written,
            "dram_weight_bytes": weights,
            "dram_feature_map_bytes": read + written - weights,
            "reload_bytes": int(split[:, Cause.RELOAD].sum()),
            "spill_bytes": int(split[:, Cause.SPILL].sum()),
            **{f"{role.name.lower()}_bytes": int(split[role].sum()) for role in Role},
            "by_role_and_cause": split,
            "energy_dram_j": dram,
            "energy_j": dram + fixed["energy_onchip_j"] + fixed["energy_mac_j"],
            "peak_occupancy_bytes": traffic.peak_occupancy,
        }

    def _times(self, ends: Ends, traffic: CachePass) -> dict[str, Ints]:
        time = ends.after(traffic)
        return {"time_ps": time, "stall_ps": time - ends.compute.sum(axis=1)}


def _known(energy: float | None) -> float:
    """An energy in an array."""
    return float("nan") if energy is None else energy


def _spread(column: Column, points: tuple[int, int]) -> Column:
    """What is known for each capacity, as a view of it at all points."""
    of_capacity = column.reshape(len(column), 1, 1, *column.shape[1:])
    return np.broadcast_to(of_capacity, (len(column), *points, *column.shape[1:]))
