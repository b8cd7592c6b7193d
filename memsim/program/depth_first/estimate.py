"""What groups of kernels move, by an estimate that is quick enough for thousands of them.

- A map that is read outside of the group that makes it is written and read again by each group,
  unless it takes no more than half of the cache;
- maps inside of a group move nothing if their rows fit beside the group's weights, which then are
  fetched once; if the rows fit and the weights do not, these are fetched once per strip;
- else the group is no candidate.

Of tiles that are a part of a map's width so many columns of the rows have to fit, and the rim that
the next tile of a row needs, of which is counted what is needed above and below. Along a map's side
the rim of all rows waits for the next columns: it is written and fetched again at each side between
two tiles, unless all of it fits beside the rest.

A group is a set of kernels as bits. Strips are cut from the last kernel of a group to the first, so
those of a group are those of the same group without its first kernel, and that kernel's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from memsim.program.depth_first.strips import Need, Needs
from memsim.program.depth_first.tile_size import Strip
from memsim.program.kernel import Kernel
from memsim.program.ordering.steps import bits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]

HEIGHTS = (1, 2, 4, 8, 16)
"""Rows of strips that are tried."""

PARTS = (2, 4, 8)
"""Tiles side by side in a strip that are tried."""

NARROWEST = 4
"""Columns that a tile has at least."""


@dataclass(frozen=True, slots=True)
class _Strips:
    """How many rows of each kernel's map there are before and behind each strip, and the bytes."""

    tallest: int  # rows of the tallest map that decides, see GroupStrips
    widest: int  # columns of the widest
    edges: dict[int, Index]
    total: Index
    most: int  # bytes of the strip that takes most
    rim: int  # bytes of what the next tile beside one needs of its rows, too
    kept: int  # bytes of the rim of all rows


class Cost(NamedTuple):
    """What a group moves by the estimate, and in what strips.

    Attributes
    ----------
    moved : int
        Bytes.
    strip : int or str
        As :class:`~memsim.program.depth_first.tile_size.TileSize` reads it; 0 of one kernel.
    """

    moved: int
    strip: Strip


class Estimate:
    """What the groups of a list of kernels move.

    Parameters
    ----------
    kernels : sequence of Kernel
    needs : mapping of int to Needs
        Of each kernel.
    inputs : mapping of str to int
        Bytes of the network's inputs.
    across : int
        The kernels that can be cut across their columns, as bits.

    Attributes
    ----------
    before, after : list of int
        For each kernel those that it reads, and those that read it, as bits.
    """

    def __init__(
        self,
        kernels: Sequence[Kernel],
        needs: Mapping[int, Needs],
        inputs: Mapping[str, int],
        across: int = 0,
    ) -> None:
        self.kernels, self.needs, self.across = kernels, needs, across
        self.size = {**inputs, **{each.output.name: each.output.nbytes for each in kernels}}
        self.maker = {each.output.name: number for number, each in enumerate(kernels)}
        self.before, self.after = [0] * len(kernels), [0] * len(kernels)
        self._needed: list[dict[int, Need]] = [{} for _ in kernels]
        for number in range(len(kernels)):
            for name, need in needs[number].items():
                maker = self.maker.get(name, number)
                if maker != number:
                    self.before[number] |= 1 << maker
                    self.after[maker] |= 1 << number
                    self._needed[maker][number] = need
        self.weights = [
            each.stored * each.output.grid[1] * each.weight_itemsize for each in kernels
        ]
        self._grids = [each.output.grid for each in kernels]
        self._untiled = [each.untiled for each in kernels]
        self._at_once = [
            sum(1 << reader for reader, need in readers.items() if need.first[1] >= grid[2])
            for readers, grid in zip(self._needed, self._grids, strict=True)
        ]
        self._strips: dict[tuple[int, int], _Strips] = {}
        self._outside: dict[int, tuple[int, tuple[int, ...], int]] = {}

    def moved(self, group: int, capacity: int, *, tall: bool, tiles: bool = False) -> Cost | None:
        """Bytes that a group moves and its strips; None if it is no candidate.

        Parameters
        ----------
        group : int
        capacity : int
        tall : bool
            Whether of strips that move alike the tallest are taken, which are the fewest, or the
            lowest, which take least of the cache.
        tiles : bool
            Whether strips may be cut into tiles side by side, where these move less.
        """
        always, maps, weights = self._moves(group)
        outside = always + sum(size for size in maps if 2 * size > capacity)
        if not group & (group - 1):
            return Cost(outside + weights, 0)
        found: tuple[int, int, int, int] | None = None  # bytes, parts, height, columns
        least = outside + weights
        for parts in (1, *PARTS) if tiles and not group & ~self.across else (1,):
            if found is not None and found[0] == least:
                break
            for height in HEIGHTS:
                strips = self._cut(group, height)
                rows, count = strips.most, len(strips.total) * parts
                if parts > 1:
                    rows = rows // parts + strips.rim
                if rows > capacity or (parts > 1 and strips.widest < parts * NARROWEST):
                    break
                moved = outside + weights * (1 if rows + weights <= capacity else count)
                if rows + weights + strips.kept > capacity:
                    moved += 2 * (parts - 1) * strips.kept
                same = found is not None and (moved, parts) == found[:2]
                if found is None or moved < found[0] or (tall and same):
                    found = moved, parts, height, -(-strips.widest // parts)
                if count == parts or (moved == least and not tall):
                    break
        if found is None:
            return None
        moved, parts, height, columns = found
        return Cost(moved, height if parts == 1 else f"{height}x{columns}")

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
            decides, rows = self._decides(first, rest), self._grids[first][2]
            if behind is None or (decides and rows > behind.tallest):
                known = self._anew(group, height)
            else:
                known = self._longer(behind, first, group, height, decides)
            self._strips[group, height] = known
        return known

    def _decides(self, number: int, rest: int) -> bool:
        """Whether no kernel of a group goes on with a map row by row, see :class:`GroupStrips`."""
        return not self.after[number] & rest & ~self._at_once[number]

    def _anew(self, group: int, height: int) -> _Strips:
        """The strips of a group whose first kernel makes the tallest map of those that decide."""
        tallest = self._grids[(group & -group).bit_length() - 1][2]
        none = np.zeros(-(-tallest // height), np.int64)
        strips = _Strips(tallest, 0, {}, none, 0, 0, 0)
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
        _, channels, rows, columns = self._grids[first]
        column = channels * self.kernels[first].output.itemsize
        count = len(strips.total)
        needs = self._needed[first]
        readers = [(needs[n].first, strips.edges[n]) for n in bits(self.after[first] & group)]
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
        if self._untiled[first]:  # a map in one piece
            share = np.where((high > 0) | (share == rows), rows, 0)
        np.maximum.accumulate(np.maximum(share, high), out=high)
        halo = 0
        if readers and not self._leaves(first, group):
            # Padded alike on both sides, rows overlap by twice what the first one needs beyond
            # what a row adds.
            halo = max(2 * int(need[1] - need[-1] // (len(need) - 1)) for need, _ in readers)
            slowest = needed[0] if len(needed) == 1 else np.min(needed, axis=0)
            alive = high - slowest[:-1] + max(halo, 0)
        else:
            alive = high - edges[:-1]
        alive = np.minimum(alive, rows)
        rim, kept = strips.rim, strips.kept
        if halo > 0:
            rim += int(alive.max()) * halo * column
            kept += rows * halo * column
        widest = max(strips.widest, columns) if decides else strips.widest
        total = strips.total + alive * (columns * column)
        found = {**strips.edges, first: edges}
        return _Strips(strips.tallest, widest, found, total, int(total.max()), rim, kept)
