"""Curve results: the facts of one program at every cache size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

from memsim.engines.bounds.any_program import AnyProgram
from memsim.engines.cache.cachepass import CachePass, cache_pass, read_bytes, write_bytes
from memsim.engines.cache.managements import MANAGEMENTS
from memsim.engines.clock.compiled_recurrence import compiled_recurrence
from memsim.engines.clock.steps import steps
from memsim.engines.curve.curve import Curve, StepFunction, curve
from memsim.engines.curve.envelope import Envelope
from memsim.engines.curve.grouping import AUTO, LAYER_BY_LAYER
from memsim.engines.curve.knees import Knee, knees
from memsim.engines.curve.sampled import Sampled, default_sizes, sampled
from memsim.machine import Machine
from memsim.machine.cache import Cache
from memsim.program.kernel import Role
from memsim.program.parts import Part, chosen, compulsory
from memsim.program.program import Program
from memsim.results.accuracy import Accuracy
from memsim.results.configuration import identity, with_network
from memsim.sheets.facts import Facts
from memsim.units import PICOSECONDS

SCHEMA = "memsim.curve/1"


@dataclass(frozen=True, slots=True)
class Point:
    """The traffic and the time at one cache size.

    Attributes
    ----------
    cache_bytes, dram_read_bytes, dram_write_bytes : int
    dram_weight_bytes : int
        What of the reads is weights; all else is feature maps.
    time_ps : int
        Latency in picoseconds.
    """

    cache_bytes: int
    dram_read_bytes: int
    dram_write_bytes: int
    dram_weight_bytes: int
    time_ps: int

    @property
    def time_s(self) -> float:
        """Latency in seconds."""
        return self.time_ps / PICOSECONDS

    @property
    def dram_bytes(self) -> int:
        """Bytes read and written."""
        return self.dram_read_bytes + self.dram_write_bytes

    def to_dict(self) -> dict[str, Any]:
        """Plain values with units in the keys."""
        return {
            "cache_bytes": self.cache_bytes,
            "dram_bytes": self.dram_bytes,
            "dram_read_bytes": self.dram_read_bytes,
            "dram_write_bytes": self.dram_write_bytes,
            "dram_weight_bytes": self.dram_weight_bytes,
            "dram_feature_map_bytes": self.dram_bytes - self.dram_weight_bytes,
            "time_s": self.time_s,
        }


@dataclass(frozen=True)
class CurveResult(Facts):
    """What one network moves at every cache size, and how long it takes at some.

    Attributes
    ----------
    program : Program
    machine : Machine
        Everything but its cache's size applies.
    cache_bytes : tuple of int
        The sizes of the points.
    others : dict of str to Program
        Programs in other task orders, by order, or of other groups of layers: at each size the
        best of all is taken.
    by_layer : bool
        Whether :meth:`to_dict` holds the step functions of every layer, role and cause, too, and
        :meth:`rows` holds them alone.
    only : Part or None
        The part of the traffic that is told; times are those of all of it.
    bounded : bool
        Whether what no program goes below is told too.

    Examples
    --------
    >>> import memsim
    >>> machine = memsim.load_machine("textbook")
    >>> program = memsim.build(memsim.load("resnet18"), buffer=machine.buffer_bytes)
    >>> result = CurveResult(program, machine, (500_000, 2_000_000))
    >>> [point.dram_bytes for point in result.points] == [
    ...     memsim.run("resnet18", machine=machine, cache=size).dram_bytes
    ...     for size in (500_000, 2_000_000)]
    True
    >>> result.to_dict()["schema"]
    'memsim.curve/1'
    """

    laid_out_by: ClassVar[str] = "memsim.results.sheets.curve:curve_sheet"

    program: Program
    machine: Machine
    cache_bytes: tuple[int, ...] = ()
    others: Mapping[str, Program] = field(default_factory=dict)
    by_layer: bool = False
    only: Part | None = None
    bounded: bool = False

    @property
    def grouped(self) -> bool:
        """Whether the programs differ in the groups of layers that run depth first."""
        return bool(self.others) and self.program.options.get("groups") == AUTO

    @property
    def programs(self) -> dict[str, Program]:
        """All programs by their task order or groups; else they have the same options."""
        if self.grouped:
            return {LAYER_BY_LAYER: self.program, **self.others}
        name = self.program.options.get("order", self.program.options["library"])
        return {str(name): self.program, **self.others}

    @cached_property
    def envelope(self) -> Envelope:
        """The curve of every program, and the least of them at each size.

        Raises
        ------
        InputError
            Where the machine's policy is not LRU, which alone has one pass for all sizes.
        """
        cache = self.machine.cache
        if self._samples:
            found = {order: each.curve for order, each in self._samples.items()}
        else:
            found = {order: curve(program, cache) for order, program in self.programs.items()}
        return Envelope({order: each.of(self.only) for order, each in found.items()})

    @cached_property
    def _samples(self) -> dict[str, Sampled]:
        """The programs at some sizes, where the machine's cache has sets; else nothing."""
        cache = self.machine.cache
        if not MANAGEMENTS[cache.management].samples(cache):
            return {}
        sizes = self.cache_bytes or default_sizes(self.program, cache)
        return {order: sampled(p, cache, sizes) for order, p in self.programs.items()}

    @property
    def sampled(self) -> tuple[int, ...]:
        """The sizes that were looked at, where the traffic is not known at all of them."""
        return self.curve.sampled

    @property
    def curve(self) -> Curve:
        """The exact step functions of the program, or of the first of several."""
        return next(iter(self.envelope.curves.values()))

    @property
    def compulsory_bytes(self) -> int:
        """What of the traffic that is told no cache can save."""
        return sum(compulsory(self.program, self.only))

    @cached_property
    def any_program(self) -> AnyProgram:
        """What no program of the network goes below at any size: no order, tiling or fusion."""
        return AnyProgram.of(self.program)

    @property
    def finite_rows(self) -> int:
        """How many rows of :attr:`curve` some cache saves; those after them always move."""
        return int(self.curve.first[self.curve.finite])

    @property
    def apart(self) -> Curve:
        """Of programs that differ in groups the curve of that without any, layer by layer."""
        return self.envelope.curves[LAYER_BY_LAYER]

    @property
    def steps(self) -> StepFunction:
        """Total reads and writes as one step function."""
        return self.envelope.steps

    def dram_bytes(self, capacity: int) -> int:
        """DRAM traffic at a cache size."""
        return self.envelope.dram_bytes(capacity)

    def smallest(self, traffic_bytes: int) -> int | None:
        """The smallest cache in bytes that moves no more than this; None if none does."""
        return self.envelope.smallest(traffic_bytes)

    @property
    def cio_bytes(self) -> int:
        """The network's CIO in bytes: what convolutions alone read and write without any reuse.

        Of several frames the sum.
        """
        return self.program.frames * self.program.network.cio_bytes

    def belady_bytes(self, sizes: Iterable[int]) -> list[int] | None:
        """DRAM traffic under policy ``belady`` at some cache sizes, a cache pass each.

        The policy evicts what is used again last, so this is about the least that any
        replacement could move. Of several task orders the best is taken, as everywhere here.
        None where the cache knows no lifetimes: it could not do this.

        Examples
        --------
        >>> import memsim
        >>> result = memsim.curve("resnet18")
        >>> result.belady_bytes([500_000])[0] < result.dram_bytes(500_000)
        True
        >>> memsim.curve("resnet18", management="hardware").belady_bytes([500_000]) is None
        True
        """
        if not MANAGEMENTS[self.machine.cache.management].knows_lifetimes:
            return None
        caches = [Cache(size=size, policy="belady") for size in sizes]
        passes = (
            [cache_pass(program, cache) for program in self.programs.values()] for cache in caches
        )
        return [min(self._told(moved) for moved in each) for each in passes]

    def _told(self, moved: CachePass) -> int:
        """Bytes of a cache pass that are told."""
        return int(chosen(moved.traffic, self.only).sum())

    @cached_property
    def points(self) -> tuple[Point, ...]:
        """Traffic and time at the chosen sizes, in their order."""
        return tuple(self.point(capacity) for capacity in self.cache_bytes)

    def point(self, capacity: int) -> Point:
        """Traffic and time at one size: a cache pass and the recurrence.

        Time depends on when within the program the bytes move, so the curve does not have it.
        """
        program = self.programs[self.envelope.winner(capacity)]
        moved = self.cache_pass(capacity)
        time = compiled_recurrence(steps(program, moved, self.machine))
        told = chosen(moved.traffic, self.only)
        read, written = int(read_bytes(told).sum()), int(write_bytes(told).sum())
        return Point(capacity, read, written, int(told[:, Role.WEIGHT].sum()), time.end)

    def cache_pass(self, capacity: int) -> CachePass:
        """What the program that moves least at a size moves there."""
        winner = self.envelope.winner(capacity)
        known = self._samples[winner].passes if self._samples else {}
        cache = self.machine.cache.resized(capacity)
        return known.get(capacity) or cache_pass(self.programs[winner], cache)

    def accuracy(self, capacity: int) -> Accuracy:
        """What stands behind the time at one size, which may be another than the fitted one."""
        program = self.programs[self.envelope.winner(capacity)]
        return Accuracy.of(program, self.machine.with_overrides(cache=capacity))

    def knees(self, most: int = 5) -> tuple[Knee, ...]:
        """The sizes at which traffic drops most, ascending; none where programs change."""
        return knees(self.curve, most) if len(self.programs) == 1 else ()

    def layer_steps(self) -> list[dict[str, Any]]:
        """The exact step functions of each layer, role and cause.

        They are those of the first program. One entry per column that is not zero everywhere:
        ``bytes[i]`` move at caches from ``cache_bytes[i]`` up to the next one.
        """
        columns = []
        for (kernel, role, cause), (sizes, moved) in self.curve.columns().items():
            columns.append(
                {
                    "layer": self.program.kernels[kernel].name,
                    "role": role.name.lower(),
                    "cause": cause.name.lower(),
                    "cache_bytes": sizes.tolist(),
                    "bytes": moved.tolist(),
                }
            )
        return columns

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values, ``"schema": "memsim.curve/1"``.

        ``steps`` holds three columns: traffic at caches from ``cache_bytes[i]`` up to the next.
        Where ``by_layer`` is set, the same per layer, role and cause: it may be long.
        """
        network, program, whole = self.program.network, self.program, self.steps
        least = compulsory(program, self.only)
        facts: dict[str, Any] = {
            "schema": SCHEMA,
            "network": {"name": network.name, "source": network.source},
            "config": {
                **with_network(program, self.machine),
                **({} if self.only is None else {"only": self.only.value}),
            },
            "totals": {
                "compulsory_bytes": sum(least),
                "compulsory_read_bytes": least[0],
                "compulsory_write_bytes": least[1],
                "compulsory_weight_bytes": (
                    0 if self.only is Part.FEATURE_MAPS else program.compulsory_weight_bytes
                ),
                "steps": len(whole.cache_bytes),
                "accesses": program.accesses,
            },
            "orders": [
                {"from_cache_bytes": size, "order": order}
                for size, order in self.envelope.winners
                if not self.grouped
            ],
            "groupings": [
                {"from_cache_bytes": size, "groups": groups}
                for size, groups in self.envelope.winners
                if self.grouped
            ],
            "points": [
                {**point.to_dict(), "accuracy": self.accuracy(point.cache_bytes).to_dict()}
                for point in self.points
            ],
            "knees": [knee.to_dict() for knee in self.knees()],
            "sampled_cache_bytes": list(self.sampled) or None,
            "steps": {
                "cache_bytes": whole.cache_bytes.tolist(),
                "dram_read_bytes": whole.read_bytes.tolist(),
                "dram_write_bytes": whole.write_bytes.tolist(),
                "dram_weight_bytes": whole.weight_bytes.tolist(),
            },
        }
        if self.bounded:
            facts["any_program"] = self.any_program.to_dict()
        if self.by_layer:
            facts["by_layer"] = self.layer_steps()
        return facts

    def detailed(self) -> CurveResult:
        """The same with the step functions of every layer, role and cause in what it tells."""
        return replace(self, by_layer=True)

    def rows(self) -> list[dict[str, Any]]:
        """One row per step of the curve; where ``by_layer`` is set, of each layer, role, cause.

        Each says the network, the machine, the lowering, the batch and the data type.
        """
        if self.by_layer:
            return list(self._layer_rows())
        whole = self.steps
        columns = {
            "cache_bytes": whole.cache_bytes.tolist(),
            "dram_read_bytes": whole.read_bytes.tolist(),
            "dram_write_bytes": whole.write_bytes.tolist(),
            "dram_weight_bytes": whole.weight_bytes.tolist(),
        }
        said = self._identity
        return [
            {**dict(zip(columns, row, strict=True)), **said}
            for row in zip(*columns.values(), strict=True)
        ]

    @property
    def _identity(self) -> dict[str, Any]:
        """What of the configuration traffic depends on, but for the cache's size."""
        config = with_network(self.program, self.machine)
        return identity(config, self.program.network.name, ("cache_bytes", "bandwidth_bytes_per_s"))

    def _layer_rows(self) -> Iterator[dict[str, Any]]:
        said = self._identity
        for column in self.layer_steps():
            names = {key: column[key] for key in ("layer", "role", "cause")}
            for size, moved in zip(column["cache_bytes"], column["bytes"], strict=True):
                yield {**names, "cache_bytes": size, "bytes": moved, **said}

    def __repr__(self) -> str:
        return (
            f"<CurveResult {self.program.network.name} on {self.machine.name}: "
            f"{len(self.steps.cache_bytes):,} steps>"
        )
