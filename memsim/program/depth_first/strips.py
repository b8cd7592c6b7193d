"""Strips of a group: which rows each kernel computes for each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.program.kernel import Kernel, Role
from memsim.program.plan import KernelPlan
from memsim.program.tiling import Tiling

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]

Needs = Mapping[str, "Index"]
"""Of each tensor that a kernel reads: how many of its first rows the first r output rows need."""


def rows_needed(kernel: Kernel, plan_of: Callable[[Kernel, Tiling], KernelPlan]) -> Needs:
    """How many rows of each tensor a kernel needs for its first output rows.

    Parameters
    ----------
    kernel : Kernel
    plan_of : callable
        Makes a plan of a tiling: what is needed is what a plan of single rows accesses, so every
        operator and every view is told as its own plan tells it.

    Returns
    -------
    mapping of str to int64 array
        By the tensor; entry r for the output rows ``[0, r)``, so the first entry is 0.
    """
    images, channels, height, _ = kernel.output.grid
    rows = np.arange(height + 1) if not kernel.untiled else np.array([0, height])
    task = np.arange(len(rows) - 1)
    zero = 0 * task
    tiling = Tiling(
        np.array([0, images]), rows, np.array([0, channels]), zero, task, zero, zero, zero + 1
    )
    needs: dict[str, Index] = {}
    for access in plan_of(kernel, tiling).accesses:
        if access.write or access.role == Role.WEIGHT:
            continue
        most = np.zeros(len(task), np.int64)
        if access.rows_by == "strip":
            strip = np.repeat(task, np.diff(access.rows.start))
            np.maximum.at(most, strip, access.rows.high)
        else:
            most[:] = access.rows.high.max(initial=0)
        if kernel.untiled:
            most = np.repeat(most, height)
        need = np.concatenate([[0], np.maximum.accumulate(most)])
        before = needs.get(access.tensor)
        needs[access.tensor] = need if before is None else np.maximum(before, need)
    return needs


@dataclass(frozen=True, slots=True)
class GroupStrips:
    """The strips of one group.

    Attributes
    ----------
    members : tuple of int
        Its kernels, by number, in order.
    edges : tuple of int64 arrays
        Of each of them the rows that are there after 0, 1, ... strips: from 0 to all.
    """

    members: tuple[int, ...]
    edges: tuple[Index, ...]

    @property
    def count(self) -> int:
        """How many strips there are."""
        return len(self.edges[0]) - 1

    @classmethod
    def of(
        cls,
        members: Sequence[int],
        kernels: Sequence[Kernel],
        needs: Mapping[int, Needs],
        height: int,
    ) -> GroupStrips:
        """Cut a group into strips of so many rows.

        The rows are those of the tallest map that no kernel of the group goes on with row by row:
        nobody in the group reads it, or who does reads all of it for its first row. Maps of
        fewer rows that nobody goes on with have a share of theirs per strip.

        Parameters
        ----------
        members : sequence of int
        kernels : sequence of Kernel
            All of the program's.
        needs : mapping of int to Needs
            Of each member.
        height : int
            Rows of a strip, at least 1.
        """
        rows = {each: kernels[each].output.grid[2] for each in members}
        readers = {
            each: [r for r in members if kernels[each].output.name in needs[r]] for each in members
        }
        last = [
            each
            for each in members
            if all(needs[r][kernels[each].output.name][1] >= rows[each] for r in readers[each])
        ]
        tallest = max(rows[each] for each in last)
        count = -(-tallest // height)
        edges: dict[int, Index] = {}
        for each in reversed(members):
            share = np.zeros(count + 1, np.int64)
            if each in last:
                share = np.minimum(np.arange(count + 1) * height, tallest) * rows[each] // tallest
            share[-1] = rows[each]
            wanted = 0 * share
            for reader in readers[each]:
                need = needs[reader][kernels[each].output.name]
                wanted = np.maximum(wanted, need[edges[reader]])
            edges[each] = np.maximum(share, wanted)
            if kernels[each].untiled:  # a map in one piece
                edges[each] = np.where((wanted > 0) | (share == rows[each]), rows[each], 0)
        return cls(tuple(members), tuple(edges[each] for each in members))
