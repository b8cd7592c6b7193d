"""What groups of kernels move, by an estimate that is quick enough for thousands of them.

- A map that is read outside of the group that makes it is written and read again by each group,
  unless it takes no more than half of the cache;
- maps inside of a group move nothing if their rows fit beside the group's weights, which then are
  fetched once; if the rows fit and the weights do not, these are fetched once per strip;
- else the group is no candidate.

A group is a set of kernels as bits. Strips are cut from the last kernel of a group to the first, so
those of a group are those of the same group without its first kernel, and that kernel's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.program.depth_first.strips import Needs
from memsim.program.kernel import Kernel
from memsim.program.ordering.steps import bits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]

HEIGHTS = (1, 2, 4, 8, 16)
"""Rows of strips that are tried."""


@dataclass(frozen=True, slots=True)
class _Strips:
    """How many rows of each kernel's map there are before and behind each strip, and the bytes."""

    tallest: int  # rows of the tallest map that decides, see GroupStrips
    edges: dict[int, Index]
    total: Index

    @property
    def most(self) -> int:
        return int(self.total.max())


class Estimate:
    """What the groups of a list of kernels move.

    Parameters
    ----------
    kernels : sequence of Kernel
    needs : mapping of int to Needs
        Of each kernel.
    inputs : mapping of str to int
        Bytes of the network's inputs.

    Attributes
    ----------
    before, after : list of int
        For each kernel those that it reads, and those that read it, as bits.
    """

    def __init__(
        self, kernels: Sequence[Kernel], needs: Mapping[int, Needs], inputs: Mapping[str, int]
    ) -> None:
        self.kernels, self.needs = kernels, needs
        self.size = {**inputs, **{each.output.name: each.output.nbytes for each in kernels}}
        self.maker = {each.output.name: number for number, each in enumerate(kernels)}
        self.before, self.after = [0] * len(kernels), [0] * len(kernels)
        for number in range(len(kernels)):
            for name in needs[number]:
                if self.maker.get(name, number) != number:
                    self.before[number] |= 1 << self.maker[name]
                    self.after[self.maker[name]] |= 1 << number
        self.weights = [
            each.stored * each.output.grid[1] * each.weight_itemsize for each in kernels
        ]
        self._strips: dict[tuple[int, int], _Strips] = {}
        self._outside: dict[int, tuple[int, tuple[int, ...], int]] = {}

    def moved(self, group: int, capacity: int, *, tall: bool) -> tuple[int, int] | None:
        """Bytes that a group moves and the rows of its strips; None if it is no candidate.

        Parameters
        ----------
        group : int
        capacity : int
        tall : bool
            Whether of strips that move alike the tallest are taken, which are the fewest, or the
            lowest, which take least of the cache.
        """
        always, maps, weights = self._moves(group)
        outside = always + sum(size for size in maps if 2 * size > capacity)
        if not group & (group - 1):
            return outside + weights, 0
        found: tuple[int, int] | None = None
        for height in HEIGHTS:
            strips = self._cut(group, height)
            rows, count = strips.most, len(strips.total)
            if rows > capacity:
                break
            moved = outside + weights * (1 if rows + weights <= capacity else count)
            if found is None or moved < found[0] or (tall and moved == found[0]):
                found = moved, height
            if count == 1:
                break
        return found

    def _moves(self, group: int) -> tuple[int, tuple[int, ...], int]:
        """Bytes of network inputs, of each map that comes in or goes out, and of weights."""
        if group not in self._outside:
            members = tuple(bits(group))
            names = {name for n in members for name in self.needs[n]}
            makers = {name: self.maker.get(name, -1) for name in names}
            come = [name for name, n in makers.items() if n >= 0 and not group >> n & 1]
            leave = [self.kernels[n].output.name for n in members if self._leaves(n, group)]
            self._outside[group] = (
                sum(self.size[name] for name, n in makers.items() if n < 0),
                tuple(self.size[name] for name in (*come, *leave)),
                sum(self.weights[n] for n in members),
            )
        return self._outside[group]

    def _leaves(self, number: int, group: int) -> bool:
        after = self.after[number]
        return self.kernels[number].leaves or not after or bool(after & ~group)

    def _cut(self, group: int, height: int) -> _Strips:
        """The strips of a group: those without its first kernel, and that kernel's."""
        known = self._strips.get((group, height))
        if known is None:
            first = (group & -group).bit_length() - 1
            rest = group & (group - 1)
            behind = self._cut(rest, height) if rest else None
            decides, rows = self._decides(first, rest), self.kernels[first].output.grid[2]
            if behind is None or (decides and rows > behind.tallest):
                known = self._anew(group, height)
            else:
                known = self._longer(behind, first, group, height, decides)
            self._strips[group, height] = known
        return known

    def _decides(self, number: int, rest: int) -> bool:
        """Whether no kernel of a group goes on with a map row by row, see :class:`GroupStrips`."""
        name, rows = self.kernels[number].output.name, self.kernels[number].output.grid[2]
        readers = bits(self.after[number] & rest)
        return all(self.needs[reader][name].first[1] >= rows for reader in readers)

    def _anew(self, group: int, height: int) -> _Strips:
        """The strips of a group whose first kernel makes the tallest map of those that decide."""
        tallest = self.kernels[(group & -group).bit_length() - 1].output.grid[2]
        strips = _Strips(tallest, {}, np.zeros(-(-tallest // height), np.int64))
        members, rest = list(bits(group)), 0
        for number in reversed(members):
            decides = self._decides(number, rest)
            rest |= 1 << number
            strips = self._longer(strips, number, rest, height, decides)
        return strips

    def _longer(
        self, strips: _Strips, first: int, group: int, height: int, decides: bool
    ) -> _Strips:
        """The strips of a group, from those without its first kernel."""
        output = self.kernels[first].output
        name, (_, channels, rows, columns) = output.name, output.grid
        count = len(strips.total)
        readers = [
            (self.needs[n][name].first, strips.edges[n]) for n in bits(self.after[first] & group)
        ]
        needed = [need[edges] for need, edges in readers]
        edges = np.zeros(count + 1, np.int64)
        high = edges[1:]
        for each in needed:
            np.maximum(high, each[1:], out=high)
        share = np.zeros(count, np.int64)
        if decides:
            share = np.arange(1, count + 1) * height
            share = np.minimum(share, strips.tallest) * rows // strips.tallest
        share[-1] = rows
        if self.kernels[first].untiled:  # a map in one piece
            share = np.where((high > 0) | (share == rows), rows, 0)
        np.maximum.accumulate(np.maximum(share, high), out=high)
        if readers and not self._leaves(first, group):
            # Padded alike on both sides, rows overlap by twice what the first one needs beyond
            # what a row adds.
            halo = max(2 * int(need[1] - need[-1] // (len(need) - 1)) for need, _ in readers)
            slowest = needed[0] if len(needed) == 1 else np.min(needed, axis=0)
            alive = high - slowest[:-1] + max(halo, 0)
        else:
            alive = high - edges[:-1]
        total = strips.total + np.minimum(alive, rows) * (channels * columns * output.itemsize)
        return _Strips(strips.tallest, {**strips.edges, first: edges}, total)
