"""The microscope: what a cache holds task by task, under two policies side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from memsim.engines.cache.managements import MANAGEMENTS
from memsim.errors import InputError
from memsim.program.program import Program
from memsim.results.configuration import identity
from memsim.results.moments.residency import EVICTED, Residency, What
from memsim.results.run import Result
from memsim.sheets.facts import Facts
from memsim.units import PICOSECONDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

SCHEMA = "memsim.microscope/1"

POLICIES = ("lru", "belady")
"""What is looked at side by side: a policy that a cache can have, and one that knows the future."""

COLUMNS = (
    "policy", "task", "kernel", "what", "tensor", "kind", "by", "needed_at", "blocks", "bytes",
)  # fmt: skip


@dataclass(frozen=True)
class Microscope(Facts):
    """What comes, leaves and dies in a scratchpad, task by task, by tensor.

    Attributes
    ----------
    results : mapping of str to Result
        Runs of one program that differ in the policy, by its name.

    Examples
    --------
    >>> import memsim
    >>> seen = memsim.microscope("patterns/harmonic", cache="128KiB", lowering="concat_free")
    >>> [(policy, result.dram_bytes) for policy, result in seen.results.items()]
    [('lru', 29102652), ('belady', 26924708)]
    >>> seen.last_read_by("block1.8.conv")
    ('block1.4.act', 'block1.6.act', 'block1.7.act')
    """

    laid_out_by: ClassVar[str] = "memsim.results.sheets.microscope:microscope_sheet"

    results: Mapping[str, Result]

    def __post_init__(self) -> None:
        if not MANAGEMENTS[self.result.machine.cache.management].knows_lifetimes:
            raise InputError("the microscope looks at a scratchpad, which knows what is dead")

    @property
    def result(self) -> Result:
        """The first of the runs: what does not depend on the policy is the same in all."""
        return next(iter(self.results.values()))

    @property
    def program(self) -> Program:
        """What runs."""
        return self.result.program

    @cached_property
    def seen(self) -> dict[str, Residency]:
        """What happens under each policy."""
        cache = self.result.machine.cache
        return {policy: Residency.of(self.program, cache, policy) for policy in self.results}

    @cached_property
    def readers(self) -> tuple[tuple[int, ...], ...]:
        """The kernels that read each tensor, in the order in which they run."""
        return self._kernels(writes=False)

    @cached_property
    def writer(self) -> tuple[int, ...]:
        """The kernel that writes each tensor; -1 for weights and network inputs."""
        return tuple(kernels[0] if kernels else -1 for kernels in self._kernels(writes=True))

    def _kernels(self, *, writes: bool) -> tuple[tuple[int, ...], ...]:
        """The kernels that write each tensor, or those that read it."""
        program = self.program
        chosen = program.touch_write == writes
        tensor = program.cell_tensor[program.touch_cell[chosen]].astype(np.int64)
        kernel = program.task_kernel[program.touch_task[chosen]]
        pairs = np.unique(tensor * len(program.kernels) + kernel)
        found: list[list[int]] = [[] for _ in program.tensors]
        for pair in pairs.tolist():
            found[pair // len(program.kernels)].append(pair % len(program.kernels))
        return tuple(map(tuple, found))

    @cached_property
    def end_of(self) -> Ints:
        """The last task of each kernel."""
        last = np.zeros(len(self.program.kernels), np.int64)
        np.maximum.at(last, self.program.task_kernel, np.arange(self.program.tasks))
        return last

    def last_read_by(self, kernel: str) -> tuple[str, ...]:
        """The feature maps that nobody reads again when a kernel is done, but it has read them.

        They can leave the cache. Network outputs count when no kernel reads them again, since they
        are in DRAM by then.
        """
        number = [each.name for each in self.program.kernels].index(kernel)
        return tuple(
            tensor.name
            for tensor, readers in zip(self.program.tensors, self.readers, strict=True)
            if tensor.kind != "weight" and readers and readers[-1] == number
        )

    def dead_after(self, kernel: str) -> tuple[str, ...]:
        """All feature maps that are made, and that nobody reads once a kernel is done.

        Examples
        --------
        When layer 2^n of a harmonic block is done, layers 1 to 2^n - 1 are dead.

        >>> import memsim
        >>> seen = memsim.microscope("patterns/harmonic", cache="128KiB", lowering="concat_free")
        >>> seen.dead_after("block1.4.conv")
        ('block1.1.act', 'block1.2.act', 'block1.3.act')
        """
        number = [each.name for each in self.program.kernels].index(kernel)
        columns = zip(self.program.tensors, self.writer, self.readers, strict=True)
        return tuple(
            tensor.name
            for tensor, writer, readers in columns
            if tensor.kind != "weight" and max(writer, *readers, -1) <= number and writer < number
        )

    def rows(self) -> list[dict[str, Any]]:
        """A row for each kind of thing that happens to a tensor in a task, policy by policy."""
        program = self.program
        kernels = [kernel.name for kernel in program.kernels]
        tensors = [tensor.name for tensor in program.tensors]
        own = identity(self.result.config, program.network.name)
        found = []
        for policy, seen in self.seen.items():
            for task, what, tensor, by, again, blocks, nbytes in seen.table.tolist():
                told = (
                    policy,
                    task,
                    kernels[program.task_kernel[task]],
                    What(what).word,
                    tensors[tensor],
                    program.tensors[tensor].kind,
                    tensors[by] if by >= 0 else "",
                    kernels[again] if again >= 0 else "",
                    blocks,
                    nbytes,
                )
                found.append(dict(zip(COLUMNS, told, strict=True)) | own)
        return found

    def evictions(self, policy: str) -> list[dict[str, Any]]:
        """Who was evicted by whom under a policy, in all: the pair with most bytes first.

        The bytes of one tensor that gave way to another in one kernel are a row: those that were
        written back are told apart, and which kernel needs the first of them again.
        """
        seen, program = self.seen[policy], self.program
        found: dict[tuple[int, int, int], list[int]] = {}
        for row in np.flatnonzero(seen.of_kind(*EVICTED)).tolist():
            kernel = int(program.task_kernel[seen.task[row]])
            key = (int(seen.tensor[row]), kernel, int(seen.by[row]))
            sums = found.setdefault(key, [0, 0, len(program.kernels)])
            sums[0] += int(seen.nbytes[row])
            sums[2] = min(sums[2], int(seen.again[row]))
            sums[1] += int(seen.nbytes[row]) if seen.what[row] == What.SPILLED else 0
        names, tensors = program.kernels, program.tensors
        return [
            {
                "tensor": tensors[tensor].name,
                "evicted_at": names[kernel].name,
                "by": tensors[by].name,
                "needed_at": names[again].name,
                "bytes": nbytes,
                "spilled_bytes": spilled,
            }
            for (tensor, kernel, by), (nbytes, spilled, again) in sorted(
                found.items(), key=lambda item: (-item[1][0], item[0])
            )
        ]

    def totals(self, policy: str) -> dict[str, Any]:
        """The bytes of everything that happens under a policy, and the time with its accuracy."""
        seen, result = self.seen[policy], self.results[policy]
        return {
            "dram_bytes": result.dram_bytes,
            "dram_read_bytes": result.dram_read_bytes,
            "dram_write_bytes": result.dram_write_bytes,
            **{f"{what.word}_bytes": seen.total(what) for what in What},
            "peak_occupancy_bytes": int(seen.occupancy.max(initial=0)),
            "time_s": result.time_ps / PICOSECONDS,
            "accuracy": result.accuracy.to_dict(),
        }

    @property
    def columns(self) -> list[str]:
        """The names of the rows' columns."""
        return [*COLUMNS, *identity(self.result.config, self.program.network.name)]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.microscope/1"``."""
        network, program = self.program.network, self.program
        config = {name: each for name, each in self.result.config.items() if name != "policy"}
        own = set(identity(self.result.config, network.name))
        return {
            "schema": SCHEMA,
            "network": {"name": network.name, "source": network.source},
            "config": config,
            "totals": {policy: self.totals(policy) for policy in self.results},
            "tensors": [
                {
                    "name": tensor.name,
                    "kind": tensor.kind,
                    "bytes": tensor.nbytes,
                    "written_by": program.kernels[writer].name if writer >= 0 else None,
                    "read_by": [program.kernels[reader].name for reader in readers],
                }
                for tensor, writer, readers in zip(
                    program.tensors, self.writer, self.readers, strict=True
                )
            ],
            "happens": [
                {name: value for name, value in row.items() if name not in own}
                for row in self.rows()
            ],
        }
