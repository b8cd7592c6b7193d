"""How far from optimal: the traffic of every policy beside what no policy can go below."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from memsim.engines.bounds.any_program import AnyProgram
from memsim.engines.bounds.bounds import coarse_bound, traffic_bound
from memsim.engines.bounds.communication import ConvolutionBound, convolution_bounds
from memsim.engines.cache.cachepass import CachePass, cache_pass, read_bytes, write_bytes
from memsim.engines.cache.managements import MANAGEMENTS
from memsim.errors import InputError, SimulationError
from memsim.machine import Machine
from memsim.machine.cache import Cache
from memsim.program.kernel import Role
from memsim.program.parts import Part, chosen, compulsory
from memsim.program.program import Program
from memsim.progress import counted, stage
from memsim.results.configuration import IDENTITY, identity, with_network
from memsim.results.details.figures import Ladder
from memsim.sheets.facts import Facts

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCHEMA = "memsim.bounds/1"

POLICIES = ("pinned", "belady", "lru", "fifo")
"""What is compared. ``min`` needs equal blocks, which programs do not have."""

MOST_SEARCHED = 2_000_000
"""Accesses of the largest program for which packings, orders and groups are searched here.

Beyond, each search takes minutes. Who wants one asks for its run.
"""

COLUMNS = (
    "layer", "dram_bytes", "communication_bytes", "compulsory_bytes", "ordered_bytes",
    "kept_on_chip",
)  # fmt: skip
"""What is told of each convolution.

``kept_on_chip`` names its data that did not all come from DRAM or go there: ``input``, ``weights``,
``output``. It is why a convolution may move less than it would by itself.
"""


@dataclass(frozen=True)
class Optimality(Facts):
    """Policies and bounds of one program on the scratchpad of one machine.

    Attributes
    ----------
    program : Program
    machine : Machine
    only : Part or None
        The part of the traffic that is told. Policies serve all of it; the bound is that of the
        part in a cache of its own, below which no sharing can go.
    climb : callable, optional
        Makes the runs of the ladder; without it there is none.

    Examples
    --------
    >>> import memsim
    >>> machine = memsim.load_machine("textbook").with_overrides(cache="500kB")
    >>> program = memsim.build(memsim.load("resnet18"), buffer=machine.buffer_bytes)
    >>> found = Optimality(program, machine)
    >>> found.compulsory_bytes < found.policies["belady"] < found.policies["lru"]
    True
    """

    laid_out_by: ClassVar[str] = "memsim.results.sheets.optimality:optimality_sheet"

    program: Program
    machine: Machine
    only: Part | None = None
    climb: Callable[[Optimality], Ladder] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not MANAGEMENTS[self.machine.cache.management].knows_lifetimes:
            raise InputError("bounds are for a scratchpad, which knows what is still needed")

    @property
    def compulsory_bytes(self) -> int:
        """The floor of the network: with any cache and any order of tasks."""
        return sum(compulsory(self.program, self.only))

    @cached_property
    def lower_bytes(self) -> tuple[int, str]:
        """A certified bound on every policy at this cache and order, and how it was found.

        By linear programming; for very long programs by a coarser count.
        """
        size = self.machine.cache_bytes
        with stage("bound of every policy"):
            try:
                return traffic_bound(self.program, size, only=self.only), "linear program"
            except SimulationError:
                return traffic_bound(self.program, size, coarse_bound, only=self.only), "coarse"

    @cached_property
    def any_program(self) -> AnyProgram:
        """What no program of the network goes below: any order, tiling, fusion and policy."""
        with stage("bound of every program"):
            return AnyProgram.of(self.program)

    @cached_property
    def program_bytes(self) -> int:
        """That at this cache; of a part of the traffic only what is compulsory is known."""
        if self.only is not None:
            return self.compulsory_bytes
        with stage("bound of every program"):
            return self.any_program.dram_bytes(self.machine.cache_bytes)

    @cached_property
    def by_part(self) -> dict[str, dict[str, int]]:
        """DRAM bytes by policy, of weights and of feature maps."""
        moved = {}
        for policy, passed in self.passes.items():
            told = chosen(passed.traffic, self.only)
            moved[policy] = {each.value: int(chosen(told, each).sum()) for each in Part}
        return moved

    @cached_property
    def passes(self) -> dict[str, CachePass]:
        """What each policy moves."""
        size = self.machine.cache_bytes
        return {
            policy: cache_pass(self.program, Cache(size=size, policy=policy))
            for policy in counted(POLICIES, "policies")
            if policy != "pinned" or self.is_searched
        }

    @property
    def is_searched(self) -> bool:
        """Whether the program is small enough for searches."""
        return self.program.accesses <= MOST_SEARCHED

    @property
    def policies(self) -> dict[str, int]:
        """DRAM bytes by policy."""
        return {policy: sum(parts.values()) for policy, parts in self.by_part.items()}

    @cached_property
    def ladder(self) -> Ladder:
        """Runs that move less and less: policies, the best layer order, groups depth first."""
        return Ladder(()) if self.climb is None else self.climb(self)

    @cached_property
    def convolutions(self) -> tuple[ConvolutionBound, ...]:
        """What each convolution by itself would move at least; no floor for a network."""
        on_chip = self.machine.cache_bytes + self.machine.buffer_bytes
        return convolution_bounds(self.program, on_chip)

    @cached_property
    def moved(self) -> dict[str, int]:
        """DRAM bytes by kernel, with LRU."""
        told = chosen(self._traffic, self.only)
        names = (kernel.name for kernel in self.program.kernels)
        return dict(zip(names, told.sum(axis=(1, 2)).tolist(), strict=True))

    @cached_property
    def _traffic(self) -> NDArray[np.int64]:
        """DRAM bytes by kernel, role and cause, with LRU."""
        return self.passes["lru"].traffic

    @cached_property
    def kept(self) -> dict[str, str]:
        """By kernel, which of its data did not all come from DRAM or go there."""
        maps = self._traffic.copy()
        maps[:, [Role.WEIGHT, Role.RESIDUAL]] = 0  # a fused sum's is not the convolution's
        read, written = read_bytes(maps), write_bytes(maps)
        weights = self._traffic[:, Role.WEIGHT].sum(axis=1)
        needed = self._needed_inputs()
        kept = {}
        for number, kernel in enumerate(self.program.kernels):
            item = kernel.weight_itemsize
            there = {
                "input": read[number] < needed[number],
                "weights": weights[number] < kernel.parameters * item,
                "output": written[number] < kernel.output.nbytes,
            }
            kept[kernel.name] = " ".join(name for name, less in there.items() if less)
        return kept

    def _needed_inputs(self) -> NDArray[np.int64]:
        """By kernel, bytes of its own inputs that its tasks read, each counted once."""
        program = self.program
        read = ~program.touch_write & ~np.isin(program.touch_role, [Role.WEIGHT, Role.RESIDUAL])
        kernel = program.task_kernel[program.touch_task[read]].astype(np.int64)
        cells = len(program.cell_bytes)
        pairs = np.sort(kernel * cells + program.touch_cell[read])
        kernel, cell = np.divmod(pairs[np.diff(pairs, prepend=-1) > 0], cells)
        needed = np.zeros(len(program.kernels), np.int64)
        np.add.at(needed, kernel, program.cell_bytes[cell])
        return needed

    @property
    def config(self) -> dict[str, Any]:
        """The resolved configuration: machine and program options, batch and data type."""
        return {
            **with_network(self.program, self.machine),
            **({} if self.only is None else {"only": self.only.value}),
        }

    def rows(self) -> list[dict[str, Any]]:
        """One flat row per convolution, with the question that it is of."""
        said = identity(self.config, self.program.network.name)
        return [{**entry, **said} for entry in self._entries()]

    def _entries(self) -> list[dict[str, Any]]:
        """One row per convolution."""
        return [
            dict(
                zip(
                    COLUMNS,
                    (
                        bound.layer, self.moved[bound.layer], bound.dram_bytes,
                        bound.compulsory_bytes, bound.ordered_bytes, self.kept[bound.layer],
                    ),
                    strict=True,
                )
            )
            for bound in self.convolutions
        ]  # fmt: skip

    @property
    def columns(self) -> list[str]:
        """The names of the rows' columns; a network without convolutions has them as well."""
        return [*COLUMNS, "network", *IDENTITY]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.bounds/1"``."""
        network = self.program.network
        bound, how = self.lower_bytes
        size = self.machine.cache_bytes
        return {
            "schema": SCHEMA,
            "network": {"name": network.name, "source": network.source},
            "config": self.config,
            "compulsory_bytes": self.compulsory_bytes,
            "lower_bound_bytes": bound,
            "lower_bound_by": how,
            "any_program_bytes": self.program_bytes,
            "any_program_groups": [] if self.only else self.any_program.to_dicts(size),
            "policies": self.policies,
            "policies_by_part": self.by_part,
            "ladder": [rung.to_dict() for rung in self.ladder.rungs],
            "ladder_without": dict(self.ladder.without),
            "convolutions": self._entries(),
        }
