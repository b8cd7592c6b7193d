"""Designs: the machines of a Pareto front, as facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar

from memsim.installation import install
from memsim.machine.fields import plain
from memsim.results.configuration import in_common
from memsim.results.inverse.capacities import Capacities, Group
from memsim.results.inverse.front import BANDWIDTH, MACS, SRAM, Search
from memsim.results.inverse.goal import Goal
from memsim.results.inverse.workload import Workload
from memsim.sheets.facts import Facts

if TYPE_CHECKING:
    import xarray

SCHEMA = "memsim.design/1"

NUMBERS = {SRAM: "sram_bytes", BANDWIDTH: "bandwidth_bytes_per_s", MACS: "macs_per_s"}
"""What may be minimised, and the key of its number."""

UNITS = {"sram_bytes": "B", "cache_bytes": "B", NUMBERS[BANDWIDTH]: "B/s", NUMBERS[MACS]: "MAC/s"}


@dataclass(frozen=True, slots=True)
class DesignPoint:
    """One machine of a front.

    Attributes
    ----------
    cache_bytes : int
    beside_bytes : int
        SRAM beside the cache: buffers, and a first level in front of it.
    bandwidth, mac_rate : int or Fraction
        Peak bytes per second; MAC/s of convolutions.
    """

    cache_bytes: int
    beside_bytes: int
    bandwidth: int | Fraction
    mac_rate: int | Fraction

    @property
    def sram_bytes(self) -> int:
        """Cache and buffers together: the memory on the chip."""
        return self.cache_bytes + self.beside_bytes

    def row(self) -> dict[str, Any]:
        """Plain values with units in the keys."""
        return {
            "sram_bytes": self.sram_bytes,
            "cache_bytes": self.cache_bytes,
            NUMBERS[BANDWIDTH]: plain(Fraction(self.bandwidth)),
            NUMBERS[MACS]: plain(Fraction(self.mac_rate)),
        }


@dataclass(frozen=True)
class Design(Facts):
    """The machines that keep networks to a goal, none of which another one beats.

    Attributes
    ----------
    networks : tuple of str
    machine : str
        All of it but what is minimised stays.
    goal : Goal
    each : bool
        Whether each network alone keeps to the goal; else all do, one after the other.
    minimised : tuple of str
        Of ``sram``, ``bandwidth`` and ``macs``.
    points : tuple of DesignPoint
        By MAC rate or bandwidth, where it has several values, then by SRAM.
    config : mapping
        The machine, the lowering, the batch and the data type; several where networks differ.

    Examples
    --------
    >>> import memsim
    >>> front = memsim.design("resnet18", fps=30, machine="textbook")
    >>> smallest, *_, slowest = front.points
    >>> smallest.bandwidth > slowest.bandwidth, smallest.sram_bytes < slowest.sram_bytes
    (True, True)
    """

    laid_out_by: ClassVar[str] = "memsim.results.sheets.design:design_sheet"

    networks: tuple[str, ...]
    machine: str
    goal: Goal
    each: bool
    minimised: tuple[str, ...]
    points: tuple[DesignPoint, ...]
    config: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @classmethod
    def of(
        cls,
        workloads: Sequence[Workload],
        goal: Goal,
        minimised: tuple[str, ...],
        each: bool,
        choices: Mapping[str, Sequence[Fraction]],
    ) -> Design:
        """Find the front.

        Parameters
        ----------
        workloads : sequence of Workload
            On one machine.
        goal : Goal
            Of the time, with an end: ``time`` or ``fps``.
        minimised : tuple of str
        each : bool
        choices : mapping
            Values of the bandwidth or of the MAC rate to choose from, by name; the other one is
            found exactly.
        """
        machine = workloads[0].machine
        beside = workloads[0].sram_beside_bytes
        names = tuple(work.name for work in workloads)
        told = in_common((work.config for work in workloads), UNITS)
        groups: list[Group] = [(work,) for work in workloads] if each else [tuple(workloads)]
        if minimised == (SRAM,):
            found = Capacities(goal, groups).find().capacity
            own = (machine.dram.bandwidth, machine.compute.macs_per_s.conv)
            only = () if found is None else (DesignPoint(found, beside, *own),)
            return cls(names, machine.name, goal, each, minimised, only, told)
        solved = MACS if BANDWIDTH in choices or BANDWIDTH not in minimised else BANDWIDTH
        other = MACS if solved == BANDWIDTH else BANDWIDTH
        search = Search(
            goal,
            groups,
            solved,
            sorted(choices[other]) if other in choices else (None,),
            None if SRAM in minimised else (machine.cache_bytes,),
        )
        points = tuple(
            DesignPoint(cache, beside, bandwidth, macs)
            for cache, bandwidth, macs in search.points()
        )
        return cls(names, machine.name, goal, each, minimised, points, told)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.design/1"``."""
        return {
            "schema": SCHEMA,
            "networks": list(self.networks),
            "machine": self.machine,
            "goal": self.goal.name,
            "limit": self.goal.plain_limit,
            "each": self.each,
            "minimised": [NUMBERS[name] for name in self.minimised],
            "sram_beside_cache_bytes": self.points[0].beside_bytes if self.points else None,
            "config": dict(self.config),
            "points": [point.row() for point in self.points],
        }

    def rows(self) -> list[dict[str, Any]]:
        """One row per machine, with what it is for."""
        said = {"networks": " ".join(self.networks), "each": self.each, "goal": self.goal.name,
                "limit": self.goal.plain_limit, **self.config}  # fmt: skip
        return [{**point.row(), **said} for point in self.points]

    def to_xarray(self) -> xarray.Dataset:
        """The front as an xarray dataset, with units in the attributes (needs the extra ``data``).

        Raises
        ------
        ImportError
            If xarray is not installed.
        """
        try:
            import xarray
        except ImportError as error:
            raise ImportError(f"to_xarray needs xarray: {install('data')}") from error
        rows = self.rows()
        columns = {
            name: ("point", [row[name] for row in rows], {"units": unit})
            for name, unit in UNITS.items()
        }
        facts = {**self.to_dict(), **self.config}
        del facts["points"], facts["config"]
        attributes = {name: str(value) if isinstance(value, bool) else value
                      for name, value in facts.items()}  # fmt: skip
        return xarray.Dataset(columns, attrs=attributes)

    def __repr__(self) -> str:
        return f"<Design of {' '.join(self.networks)}: {len(self.points):,} machines>"
