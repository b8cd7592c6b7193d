"""Memory: where an allocator puts every feature map, and how much is needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from memsim.machine import Machine
from memsim.program.memory.allocator import MemoryPlan, plan_memory
from memsim.program.memory.lifetimes import lifetimes_of, peak_bytes, taken_of
from memsim.program.program import Program
from memsim.results.configuration import IDENTITY, identity, of_program
from memsim.sheets.facts import Facts

SCHEMA = "memsim.memory/1"

FEATURE_MAPS = ("activation", "output")
"""The kinds of tensor that an allocator gives memory."""

COLUMNS = ("tensor", "kind", "offset_bytes", "bytes", "first_kernel", "last_kernel")
"""What is told of each feature map."""

TIMES_AND_SIZES = ("cache_bytes", "bandwidth_bytes_per_s")
"""What no plan depends on."""

IDENTITY_OF_PLANS = (
    "network", *(name for name in IDENTITY if name not in TIMES_AND_SIZES), "allocator"
)  # fmt: skip
"""What tells plans apart whose rows lie in one table."""


@dataclass(frozen=True)
class Memory(Facts):
    """The memory plan of one inference.

    Attributes
    ----------
    program : Program
    machine : Machine
        Its cache's ``allocator`` gives the addresses.

    Examples
    --------
    >>> import memsim
    >>> network = memsim.load("hardnet68")
    >>> edge, program = memsim.load_machine("textbook"), memsim.build(network, buffer=512 * 1024)
    >>> for allocator in ("fresh", "caching", "arena"):
    ...     memory = Memory(program, edge.with_overrides(allocator=allocator))
    ...     print(allocator, memory.plan.peak_bytes)
    fresh 39185472
    caching 5444096
    arena 4816896
    """

    laid_out_by: ClassVar[str] = "memsim.results.sheets.memory:memory_sheet"

    program: Program
    machine: Machine

    @property
    def allocator(self) -> str:
        """Who gives the addresses."""
        return self.machine.cache.allocator

    @cached_property
    def plan(self) -> MemoryPlan:
        """The addresses."""
        return plan_memory(self.program, self.allocator)

    @property
    def peak_tensor_bytes(self) -> int:
        """Most bytes of feature maps that hold memory at once, each in full: what PyTorch's
        allocator counts in the lowering ``eager``. Network inputs, which the caller holds, are
        not among them; the plan needs more where gaps are left.
        """
        program = self.program.one_frame
        return peak_bytes(program, lifetimes_of(program, taken_of(program)))

    @property
    def peak_live_bytes(self) -> int:
        """Most bytes of feature maps, inputs among them, that are live at once, row by row."""
        return int(self.program.live_bytes.max(initial=0))

    @property
    def config(self) -> dict[str, Any]:
        """The machine, the program's options, the batch and the data type."""
        network = self.program.network
        return {
            "machine": self.machine.name,
            **of_program(self.program, self.machine),
            "batch": network.batch,
            "dtype": network.dtype,
        }

    def rows(self) -> list[dict[str, Any]]:
        """One row per feature map, with the plan that it is of."""
        said = identity(self.config, self.program.network.name, TIMES_AND_SIZES)
        said["allocator"] = self.allocator
        return [{**entry, **said} for entry in self._entries()]

    def _entries(self) -> list[dict[str, Any]]:
        """What is told of each feature map, by the time it is allocated."""
        program, plan = self.program, self.plan
        first, last = program.tensor_spans
        maps = [n for n, tensor in enumerate(program.tensors) if tensor.kind in FEATURE_MAPS]
        return [
            dict(
                zip(
                    COLUMNS,
                    (
                        program.tensors[number].name,
                        program.tensors[number].kind,
                        int(plan.address[number]) - plan.fixed_bytes,
                        program.tensors[number].nbytes,
                        program.kernels[program.task_kernel[first[number]]].name,
                        program.kernels[program.task_kernel[last[number]]].name,
                    ),
                    strict=True,
                )
            )
            for number in sorted(maps, key=lambda number: int(first[number]))
        ]

    @property
    def columns(self) -> list[str]:
        """The names of the rows' columns."""
        return [*COLUMNS, *IDENTITY_OF_PLANS]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.memory/1"``."""
        plan, network = self.plan, self.program.network
        return {
            "schema": SCHEMA,
            "network": {"name": network.name, "source": network.source},
            "config": self.config,
            "totals": {
                "peak_bytes": plan.peak_bytes,
                "peak_tensor_bytes": self.peak_tensor_bytes,
                "peak_live_bytes": self.peak_live_bytes,
                "fixed_bytes": plan.fixed_bytes,
                "weight_bytes": self.program.weight_bytes,
            },
            "tensors": self._entries(),
        }
