"""The latency grid: the capacities and rates at which times of a network are found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from memsim.machine import Machine
from memsim.results.curve import CurveResult
from memsim.results.grid import Grid

FACTORS = tuple(
    Fraction(number, 32)
    for number in (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
)
"""Bandwidths of the grid, as multiples of the machine's."""

MAC_FACTORS = (Fraction(1, 4), Fraction(1, 2), Fraction(1), Fraction(2), Fraction(4))
"""Compute rates of the grid, as multiples of the machine's."""

SMALLEST = 16 * 1024
"""The smallest capacity of the grid after 0."""

MOST = 40
"""Capacities of the grid at most; beyond that they are further apart."""


@dataclass(frozen=True, slots=True)
class LatencyGrid:
    """Capacities, bandwidths and compute rates, each ascending.

    Attributes
    ----------
    capacities : tuple of int
        Bytes: 0, powers of two and the sizes half-way between them, and the machine's own; where
        traffic is known at some sizes alone, those.
    bandwidths : tuple of Fraction
        Peak bytes per second: the machine's own times :data:`FACTORS`.
    mac_rates : tuple of Fraction
        MAC/s of convolutions: the machine's own times :data:`MAC_FACTORS`.

    Examples
    --------
    >>> import memsim
    >>> grid = LatencyGrid.of(memsim.load_machine("textbook"), 100_000)
    >>> grid.capacities
    (0, 16384, 24576, 32768, 49152, 65536, 98304, 131072, 2000000)
    >>> len(grid.bandwidths), float(grid.bandwidths[8])
    (17, 25600000000.0)
    """

    capacities: tuple[int, ...]
    bandwidths: tuple[Fraction, ...]
    mac_rates: tuple[Fraction, ...]

    @classmethod
    def of(cls, machine: Machine, largest: int) -> LatencyGrid:
        """The grid of a machine, up to the first power of two that is not below ``largest``."""
        sizes, size = [], SMALLEST
        while size < largest:
            sizes += [size, size * 3 // 2]
            size *= 2
        sizes.append(size)
        if len(sizes) > MOST:
            sizes = sizes[0::2]  # powers of two alone
        own = machine.dram.bandwidth
        rates = (max(own * factor, Fraction(1)) for factor in FACTORS)
        macs = (machine.compute.macs_per_s.conv * factor for factor in MAC_FACTORS)
        capacities = tuple(sorted({0, machine.cache_bytes, *sizes}))
        return cls(capacities, tuple(sorted(set(rates))), tuple(Fraction(rate) for rate in macs))

    @classmethod
    def sampled(cls, machine: Machine, sizes: Sequence[int]) -> LatencyGrid:
        """The grid of a machine whose traffic is known at some sizes alone."""
        whole = cls.of(machine, 0)
        return replace(whole, capacities=tuple(sorted({machine.cache_bytes, *sizes})))

    @property
    def half_way(self) -> bool:
        """Whether the sizes half-way between powers of two are among the capacities."""
        return SMALLEST * 3 // 2 in self.capacities

    def times(self, result: CurveResult) -> list[list[list[int]]]:
        """Picoseconds of one network, capacities x bandwidths x compute rates."""
        facts = Grid.of(result).facts(self.capacities, self.bandwidths, self.mac_rates)
        times: list[list[list[int]]] = facts["time_ps"].tolist()
        return times
