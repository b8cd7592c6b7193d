"""The times on the grid as the page carries them, with the words that go with them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from memsim.page.latency_grid import SMALLEST, LatencyGrid
from memsim.readable import format_bytes_exact, format_rate
from memsim.results.curve import CurveResult


def latency(results: Sequence[CurveResult]) -> dict[str, Any]:
    """The grid of the networks' machine, and the times of each network on it.

    Examples
    --------
    >>> import memsim
    >>> facts = latency([memsim.curve("resnet18", machine="textbook")])
    >>> facts["rates"][facts["own"]], facts["rule"]
    ('25.6 GB/s', '0, powers of two from 16,384 B and the sizes half-way')
    """
    machine = results[0].machine
    largest = max(int(result.steps.cache_bytes[-1]) for result in results)
    sizes = {size for result in results for size in result.sampled}
    grid = (
        LatencyGrid.sampled(machine, sorted(sizes)) if sizes else LatencyGrid.of(machine, largest)
    )
    return {
        "capacities": list(grid.capacities),
        "bandwidths": [float(rate) for rate in grid.bandwidths],
        "rates": [format_rate(rate) for rate in grid.bandwidths],
        "mac_rates": [float(rate) for rate in grid.mac_rates],
        "mac_texts": [format_rate(rate, "MAC") for rate in grid.mac_rates],
        "rule": "the sizes looked at" if sizes else rule(grid),
        "own_macs": grid.mac_rates.index(Fraction(machine.compute.macs_per_s.conv)),
        "own": grid.bandwidths.index(machine.dram.bandwidth),
        "times": [grid.times(result) for result in results],
    }


def rule(grid: LatencyGrid) -> str:
    """Which capacities the grid has, in words."""
    halves = " and the sizes half-way" if grid.half_way else ""
    return f"0, powers of two from {format_bytes_exact(SMALLEST)}{halves}"
