"""Any program: what a network moves at least at a cache size, whatever is done.

In any order of operations, any tiling, any fusion of layers, any policy, with or without values
computed anew. What is compulsory is such a bound at every size; in small memories groups of
convolutions move more, see :mod:`memsim.engines.bounds.segments`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from memsim.engines.bounds.needs import needs
from memsim.engines.bounds.segments import Group, Segments
from memsim.program.program import Program

__all__ = ["AnyProgram"]

RATIO = 2**0.25
"""From one size at which the bound is found to the next one."""

SMALLEST = 4096
"""Bytes of the smallest such cache but none."""


@dataclass(frozen=True)
class AnyProgram:
    """The bound on every program of a network with so much memory beside its cache.

    Attributes
    ----------
    segments : Segments
    compulsory_bytes : int
        Weights and inputs once, outputs once.
    beside_bytes : int
        Memory beside the cache: the streaming buffers, or more where tasks hold more.

    Examples
    --------
    >>> import memsim
    >>> program = memsim.build(memsim.load("vgg16"), buffer=96 * 1024)
    >>> bound = AnyProgram.of(program)
    >>> bound.dram_bytes(0) - bound.compulsory_bytes
    3686400
    >>> bound.dram_bytes(1_000_000) == bound.compulsory_bytes
    True
    """

    segments: Segments
    compulsory_bytes: int
    beside_bytes: int

    @classmethod
    def of(cls, program: Program) -> AnyProgram:
        """Of the network that a program runs, as often as it runs it."""
        found = Segments(needs(program.network, program.frames))
        return cls(found, program.compulsory_bytes, beside(program))

    def groups(self, cache: int) -> tuple[Group, ...]:
        """The groups of convolutions that cannot do with what is compulsory of them."""
        return self.segments.groups(self.beside_bytes + cache)

    def to_dicts(self, cache: int) -> list[dict[str, Any]]:
        """The groups as plain values."""
        return [asdict(group) for group in self.groups(cache)]

    def dram_bytes(self, cache: int) -> int:
        """DRAM bytes of every program at a cache size, at least."""
        return self.compulsory_bytes + sum(group.excess_bytes for group in self.groups(cache))

    @cached_property
    def steps(self) -> tuple[tuple[int, int], ...]:
        """The bound at every cache size: ``(size, bytes)`` from a size up to the next one.

        A smaller cache can do nothing that a larger one cannot. So the bound of the sizes at which
        it is found, each of them 1.19 times the one before it, holds below each.
        """
        sizes = [0]
        found = [self.dram_bytes(0)]
        while found[-1] > self.compulsory_bytes:
            sizes.append(max(SMALLEST, int(sizes[-1] * RATIO)))
            found.append(self.dram_bytes(sizes[-1]))
        least = np.maximum.accumulate(found[::-1])[::-1].tolist()
        steps = [(0, least[0])]
        for below, moved in zip(sizes, least[1:], strict=False):
            if moved < steps[-1][1]:
                steps.append((below + 1, moved))
        return tuple(steps)

    def to_dict(self) -> dict[str, list[int]]:
        """The steps as plain values: bytes at caches from each size up to the next one."""
        sizes, moved = zip(*self.steps, strict=True)
        return {"cache_bytes": list(sizes), "dram_bytes": list(moved)}

    def at(self, cache: int) -> int:
        """What :attr:`steps` say of a cache size."""
        return [moved for size, moved in self.steps if size <= cache][-1]


def beside(program: Program) -> int:
    """Bytes of memory beside the cache that a program counts on.

    Tiles are cut so that the buffers hold what a task needs at a time. Where they are not, a task
    may hold all that it accesses.
    """
    buffer = int(program.options["buffer_bytes"])
    cut = program.options["tile"] == "auto" and "register_tile" not in program.options
    if cut and not any(kernel.untiled for kernel in program.kernels):
        return buffer
    upto = np.concatenate([[0], np.cumsum(program.cell_bytes[program.touch_cell])])
    accessed = upto[program.touch_start[1:]] - upto[program.touch_start[:-1]]
    return max(buffer, int(accessed.max(initial=0)))
