"""Strips of a group: which rows each kernel computes for each of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from memsim.errors import InputError, Problem, did_you_mean
from memsim.program.kernel import Kernel, Role
from memsim.program.plan import Access, KernelPlan
from memsim.program.tiling import Tiling

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]

KEEP, RECOMPUTE = "keep", "recompute"

OVERLAPS = (KEEP, RECOMPUTE)
"""What becomes of rows that several strips need: they stay, or each strip computes them anew."""


def check_overlap(overlap: str | None) -> None:
    """Refuse what is none of :data:`OVERLAPS`, with a did-you-mean; None is nothing said."""
    if overlap not in (None, *OVERLAPS):
        hint = did_you_mean(str(overlap), OVERLAPS)
        raise InputError(Problem(f"unknown overlap {overlap!r}", path="overlap", hint=hint))


class Need(NamedTuple):
    """What rows of a tensor a kernel needs for its output rows.

    Attributes
    ----------
    first : int64 array, rows + 1
        Entry r: how many of the tensor's first rows the output rows ``[0, r)`` need.
    low, high : int64 arrays, per row
        First row and row behind the last that an output row needs; where it needs none the first
        is behind all others, and the last before them.
    """

    first: Index
    low: Index
    high: Index

    def between(self, low: Index, high: Index) -> tuple[Index, Index]:
        """First row and row behind the last that the output rows ``[low, high)`` need.

        Examples
        --------
        >>> need = Need(np.array([0, 2, 3, 3]), np.array([0, 0, 1]), np.array([2, 3, 3]))
        >>> [edge.tolist() for edge in need.between(np.array([0, 1, 2]), np.array([1, 3, 2]))]
        [[0, 0, 9223372036854775807], [2, 3, 0]]
        """
        some = low < high
        pairs = np.stack([low[some], high[some]], axis=1).ravel()
        edges = np.full(len(low), FAR), np.zeros(len(low), np.int64)
        if len(pairs):
            edges[0][some] = np.minimum.reduceat(np.append(self.low, FAR), pairs)[::2]
            edges[1][some] = np.maximum.reduceat(np.append(self.high, 0), pairs)[::2]
        return edges


FAR = np.iinfo(np.int64).max
"""A row behind all others."""

Needs = Mapping[str, Need]
"""Of each tensor that a kernel reads."""


def rows_needed(kernel: Kernel, plan_of: Callable[[Kernel, Tiling], KernelPlan]) -> Needs:
    """Which rows of each tensor a kernel needs for its output rows.

    Parameters
    ----------
    kernel : Kernel
    plan_of : callable
        Makes a plan of a tiling: what is needed is what a plan of single rows accesses, so every
        operator and every view is told as its own plan tells it.

    Returns
    -------
    mapping of str to Need
        By the tensor.
    """
    images, channels, height, _ = kernel.output.grid
    rows = np.arange(height + 1) if not kernel.untiled else np.array([0, height])
    task = np.arange(len(rows) - 1)
    zero = 0 * task
    tiling = Tiling(
        np.array([0, images]), rows, np.array([0, channels]), zero, task, zero, zero, zero + 1
    )
    edges: dict[str, tuple[Index, Index]] = {}
    for access in _reads(kernel, tiling, plan_of):
        low, high = edges.setdefault(access.tensor, (0 * task + FAR, 0 * task))
        begins, ends = access.rows.low, access.rows.high
        some = begins < ends
        if access.rows_by == "strip":
            strip = np.repeat(task, np.diff(access.rows.start))[some]
            np.minimum.at(low, strip, begins[some])
            np.maximum.at(high, strip, ends[some])
        else:
            np.minimum(low, begins[some].min(initial=FAR), out=low)
            np.maximum(high, ends[some].max(initial=0), out=high)
    if kernel.untiled:
        edges = {
            name: (low.repeat(height), high.repeat(height)) for name, (low, high) in edges.items()
        }
    return _as_needs(edges)


def columns_needed(kernel: Kernel, plan_of: Callable[[Kernel, Tiling], KernelPlan]) -> Needs:
    """Which columns of each tensor a kernel needs for its output columns.

    As :func:`rows_needed`: what a plan of single columns accesses.

    Raises
    ------
    InputError
        If the kernel is none that is cut across its columns.
    """
    images, channels, height, width = kernel.output.grid
    task = np.arange(width)
    zero = 0 * task
    tiling = Tiling(
        np.array([0, images]), np.array([0, height]), np.array([0, channels]),
        zero, task, zero, zero, zero + 1,
        overlapping=(zero, zero + height), across=(task, task + 1),
    )  # fmt: skip
    edges: dict[str, tuple[Index, Index]] = {}
    for access in _reads(kernel, tiling, plan_of):
        if access.across is None:
            continue
        low, high = edges.setdefault(access.tensor, (zero + FAR, 0 * task))
        some = access.across[0] < access.across[1]
        low[some] = np.minimum(low, access.across[0])[some]
        high[some] = np.maximum(high, access.across[1])[some]
    return _as_needs(edges)


def _reads(
    kernel: Kernel, tiling: Tiling, plan_of: Callable[[Kernel, Tiling], KernelPlan]
) -> list[Access]:
    """What a kernel's tasks read of maps."""
    accesses = plan_of(kernel, tiling).accesses
    return [each for each in accesses if not each.write and each.role != Role.WEIGHT]


def _as_needs(edges: Mapping[str, tuple[Index, Index]]) -> Needs:
    return {
        name: Need(np.concatenate([[0], np.maximum.accumulate(high)]), low, high)
        for name, (low, high) in edges.items()
    }


@dataclass(frozen=True, slots=True)
class GroupStrips:
    """The strips of one group.

    Attributes
    ----------
    members : tuple of int
        Its kernels, by number, in order.
    low, high : tuple of int64 arrays
        Of each of them first row and row behind the last that it computes for each strip.
    anew : tuple of bool
        Whether each computes anew what several strips need.
    across : tuple of (pair of int64 arrays), or empty
        Of each of them first column and column behind the last, where strips are tiles: strip
        after strip of the first columns, then of the next.
    """

    members: tuple[int, ...]
    low: tuple[Index, ...]
    high: tuple[Index, ...]
    anew: tuple[bool, ...]
    across: tuple[tuple[Index, Index], ...] = ()

    @property
    def count(self) -> int:
        """How many strips there are."""
        return len(self.low[0])

    def most_rows(self, place: int) -> int:
        """The most rows that a member computes for a strip."""
        return int((self.high[place] - self.low[place]).max())

    @classmethod
    def of(
        cls,
        members: Sequence[int],
        kernels: Sequence[Kernel],
        needs: Mapping[int, Needs],
        height: int,
        leave: Collection[int] | None = None,
        axis: int = 2,
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
        leave : collection of int, optional
            Where rows are computed anew: the members whose maps are read outside of the group or
            are the network's. These are written once, as are maps of which a reader in the group
            needs all for its first row, those that nobody in the group reads, and those that a
            kernel makes in one piece. None: all are.
        axis : int
            Of a grid: 3 cuts the group into strips of columns, and all rows here are columns.
        """
        rows = {each: kernels[each].output.grid[axis] for each in members}
        readers = {
            each: [
                (r, needs[r][name])
                for r in members
                if (name := kernels[each].output.name) in needs[r]
            ]
            for each in members
        }
        last = [e for e in members if all(need.first[1] >= rows[e] for _, need in readers[e])]
        tallest = max(rows[each] for each in last)
        count = -(-tallest // height)
        strips: dict[int, tuple[Index, Index]] = {}
        anew = {}
        for each in reversed(members):
            needed = [need.first for _, need in readers[each]]
            anew[each] = (
                leave is not None
                and not (each in leave or kernels[each].untiled)
                and any(first[-1] for first in needed)
                and all(first[1] < rows[each] for first in needed)
            )
            if anew[each]:
                wanted = [need.between(*strips[reader]) for reader, need in readers[each]]
                low = np.min([edges[0] for edges in wanted], axis=0)
                high = np.max([edges[1] for edges in wanted], axis=0)
                strips[each] = _with_unread(low, high, rows[each])
                continue
            high = np.zeros(count, np.int64)
            for reader, need in readers[each]:
                high = np.maximum(high, need.first[strips[reader][1]])
            share = np.zeros(count, np.int64)
            if each in last:
                share = np.arange(1, count + 1) * height
                share = np.minimum(share, tallest) * rows[each] // tallest
            share[-1] = rows[each]
            if kernels[each].untiled:  # a map in one piece
                share = np.where((high > 0) | (share == rows[each]), rows[each], 0)
            high = np.maximum.accumulate(np.maximum(share, high))
            strips[each] = np.append(0, high[:-1]), high
        return cls(
            tuple(members),
            tuple(strips[each][0] for each in members),
            tuple(strips[each][1] for each in members),
            tuple(anew[each] for each in members),
        )

    def crossed(self, columns: GroupStrips) -> GroupStrips:
        """Tiles: these strips, for each strip of columns."""
        times, count = columns.count, self.count
        return replace(
            self,
            low=tuple(np.tile(each, times) for each in self.low),
            high=tuple(np.tile(each, times) for each in self.high),
            across=tuple(
                (np.repeat(low, count), np.repeat(high, count))
                for low, high in zip(columns.low, columns.high, strict=True)
            ),
        )


def _with_unread(low: Index, high: Index, rows: int) -> tuple[Index, Index]:
    """Strips that are needed, and rows that no strip needs with the first that is beside them.

    Every schedule computes all rows of a map.

    Examples
    --------
    >>> low, high = np.array([0, 2, 4]), np.array([1, 3, 5])
    >>> [edge.tolist() for edge in _with_unread(low, high, 6)]
    [[0, 1, 3], [1, 3, 6]]
    """
    low = np.minimum(low, high)  # where nothing is needed both are 0
    change = np.zeros(rows + 1, np.int64)
    np.add.at(change, low, 1)
    np.subtract.at(change, high, 1)
    some = np.cumsum(change)[:-1] > 0
    behind = np.maximum.accumulate(np.where(some, np.arange(1, rows + 1), 0))
    if behind[-1] < rows:
        high[np.flatnonzero((high == behind[-1]) & (low < high))[-1]] = rows
    begins, first = np.unique(np.where(low < high, low, 0), return_index=True)
    first, begins = first[begins > 0], begins[begins > 0]
    low[first] = behind[begins - 1]
    return low, high
