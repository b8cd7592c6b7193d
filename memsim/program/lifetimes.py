"""Lifetimes: how long feature maps must be kept, counted in kernels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.program.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """The lifetime of every feature map that one kernel writes and another reads.

    Attributes
    ----------
    names : tuple of str
        The layers that write them.
    nbytes : int64 array
        Their sizes.
    kernels : int64 array
        Kernels from the one that writes to the last one that reads, in program order: 1 where
        the next kernel is the only reader.

    Examples
    --------
    >>> import memsim
    >>> program = memsim.build(memsim.load("resnet18"), buffer=512 * 1024)
    >>> lives = Lifetimes.of(program)
    >>> sorted(set(lives.kernels.tolist())), lives.longest
    ([1, 2, 3], 'stage.1.2.act')
    """

    names: tuple[str, ...]
    nbytes: Ints
    kernels: Ints

    @classmethod
    def of(cls, program: Program) -> Lifetimes:
        """The lifetimes in a program."""
        born = np.full(len(program.tensors), -1, np.int64)
        dead = born.copy()
        written = np.flatnonzero(program.cell_writer >= 0)
        tensor = program.cell_tensor[written]
        np.maximum.at(born, tensor, program.task_kernel[program.cell_birth[written]])
        np.maximum.at(dead, tensor, program.task_kernel[program.cell_death[written]])
        kept = np.flatnonzero(dead > born)
        return cls(
            tuple(program.tensors[i].name for i in kept),
            np.array([program.tensors[i].nbytes for i in kept], np.int64),
            (dead - born)[kept],
        )

    @property
    def byte_kernels(self) -> Ints:
        """Size times lifetime of each: what it takes of a cache, and how long."""
        return self.nbytes * self.kernels

    @property
    def longest(self) -> str:
        """The feature map that lives longest, the first of several; empty if there is none."""
        return self.names[int(self.kernels.argmax())] if self.names else ""

    def to_dict(self) -> dict[str, Any]:
        """Mean and maximum, in kernels and in bytes times kernels."""

        def mean(column: Ints) -> float:
            return float(column.mean()) if len(column) else 0.0

        return {
            "feature_maps": len(self.names),
            "kernels_mean": mean(self.kernels),
            "kernels_max": int(self.kernels.max(initial=0)),
            "longest": self.longest,
            "byte_kernels_mean": mean(self.byte_kernels),
            "byte_kernels_max": int(self.byte_kernels.max(initial=0)),
        }
