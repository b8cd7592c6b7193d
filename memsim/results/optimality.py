"""How far from optimal: the traffic of every policy beside what no policy can go below."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from memsim.engines.bounds.bounds import coarse_bound, traffic_bound
from memsim.engines.bounds.communication import ConvolutionBound, convolution_bounds
from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.cache.managements import MANAGEMENTS
from memsim.errors import InputError, SimulationError
from memsim.machine import Machine
from memsim.machine.cache import Cache
from memsim.program.program import Program
from memsim.results.configuration import resolved
from memsim.sheets.facts import Facts

SCHEMA = "memsim.bounds/1"

POLICIES = ("belady", "lru", "fifo")
"""What is compared. ``min`` needs equal blocks, which programs do not have."""

COLUMNS = ("layer", "dram_bytes", "communication_bytes", "compulsory_bytes", "ordered_bytes")
"""What is told of each convolution."""


@dataclass(frozen=True)
class Optimality(Facts):
    """Policies and bounds of one program on the scratchpad of one machine.

    Examples
    --------
    >>> import memsim
    >>> machine = memsim.load_machine("edge").with_overrides(cache="500kB")
    >>> program = memsim.build(memsim.load("resnet18"), buffer=machine.buffer_bytes)
    >>> found = Optimality(program, machine)
    >>> found.compulsory_bytes < found.policies["belady"] < found.policies["lru"]
    True
    """

    laid_out_by: ClassVar[str] = "memsim.results.sheets.optimality:optimality_sheet"

    program: Program
    machine: Machine

    def __post_init__(self) -> None:
        if not MANAGEMENTS[self.machine.cache.management].knows_lifetimes:
            raise InputError("bounds are for a scratchpad, which knows what is still needed")

    @property
    def compulsory_bytes(self) -> int:
        """The floor of the network: with any cache and any order of tasks."""
        return self.program.compulsory_bytes

    @cached_property
    def lower_bytes(self) -> tuple[int, str]:
        """A certified bound on every policy at this cache and order, and how it was found.

        By linear programming; for very long programs by a coarser count.
        """
        try:
            return traffic_bound(self.program, self.machine.cache_bytes), "linear program"
        except SimulationError:
            return traffic_bound(self.program, self.machine.cache_bytes, coarse_bound), "coarse"

    @cached_property
    def policies(self) -> dict[str, int]:
        """DRAM bytes by policy."""
        moved = {}
        for policy in POLICIES:
            cache = Cache(size=self.machine.cache_bytes, policy=policy)
            traffic = cache_pass(self.program, cache)
            moved[policy] = traffic.read_bytes + traffic.write_bytes
        return moved

    @cached_property
    def convolutions(self) -> tuple[ConvolutionBound, ...]:
        """What each convolution by itself would move at least; no floor for a network."""
        on_chip = self.machine.cache_bytes + self.machine.buffer_bytes
        return convolution_bounds(self.program, on_chip)

    @cached_property
    def moved(self) -> dict[str, int]:
        """DRAM bytes by kernel, with LRU."""
        traffic = cache_pass(self.program, self.machine.cache_bytes).traffic.sum(axis=(1, 2))
        names = (kernel.name for kernel in self.program.kernels)
        return dict(zip(names, traffic.tolist(), strict=True))

    def rows(self) -> list[dict[str, Any]]:
        """One row per convolution."""
        return [
            dict(
                zip(
                    COLUMNS,
                    (
                        bound.layer, self.moved[bound.layer], bound.dram_bytes,
                        bound.compulsory_bytes, bound.ordered_bytes,
                    ),
                    strict=True,
                )
            )
            for bound in self.convolutions
        ]  # fmt: skip

    @property
    def columns(self) -> list[str]:
        """The names of the rows' columns; a network without convolutions has them as well."""
        return list(COLUMNS)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.bounds/1"``."""
        network = self.program.network
        bound, how = self.lower_bytes
        return {
            "schema": SCHEMA,
            "network": {"name": network.name, "source": network.source},
            "config": resolved(self.program, self.machine),
            "compulsory_bytes": self.compulsory_bytes,
            "lower_bound_bytes": bound,
            "lower_bound_by": how,
            "policies": self.policies,
            "convolutions": self.rows(),
        }
