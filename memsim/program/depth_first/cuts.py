"""Cuts: into which groups kernels are cut so that they move least by an estimate.

A way to cut runs group after group, so what has run is always a *downset*: with every kernel all
that it depends on. What a downset moves at least is found from those that lack its last group:
dynamic programming over the downsets of the graph, for groups of at most :data:`MOST_KERNELS`
kernels. What a group moves is told by :mod:`memsim.program.depth_first.estimate`.

At an articulation point, a kernel through which all paths from the network's inputs to its outputs
go, one downset is left. Between two of them a chain has one for each kernel, and branches have one
for each choice of how far each has run. Where those of one size are more than :data:`MOST`, the
:data:`WIDTH` cheapest are gone on with, a beam; of groups that end in one downset those that the
file lists last. The file's own order always goes on, so what is found costs no more by the
estimate than the best cut of the file's list into runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from memsim.program.depth_first.estimate import Cost, Estimate
from memsim.program.depth_first.strips import Needs
from memsim.program.depth_first.tile_size import Strip
from memsim.program.depth_first.units import Group
from memsim.program.kernel import Kernel
from memsim.program.ordering.steps import bits

MOST_KERNELS = 10
"""Kernels of a group."""

MOST, WIDTH = 16, 4
"""Downsets of one size that are all gone on with, and how many of them where there are more; so of
groups of one size that end in a downset."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Groups, and the strips of each.

    Attributes
    ----------
    groups : tuple of tuple of int
    strips : tuple of int or str
        Rows, or ``ROWSxCOLUMNS``.
    moved : int
        Bytes that all kernels move by the estimate, those outside of groups too.
    exact : bool
        Whether all downsets and groups were weighed.
    """

    groups: tuple[Group, ...]
    strips: tuple[Strip, ...]
    moved: int
    exact: bool


@dataclass(frozen=True, slots=True)
class _Reached:
    """A downset: what it moves at least, and its last group, with its strips."""

    moved: int
    last: int
    strip: Strip
    ends: int  # its kernels that none of it reads, as bits


class Cuts:
    """The ways to cut the kernels of a program.

    Parameters
    ----------
    kernels : sequence of Kernel
    needs : mapping of int to Needs
        Of each kernel.
    inputs : mapping of str to int
        Bytes of the network's inputs.
    across : int
        The kernels that can be cut across their columns, as bits; where there are none no tiles
        are tried.
    """

    def __init__(
        self,
        kernels: Sequence[Kernel],
        needs: Mapping[int, Needs],
        inputs: Mapping[str, int],
        across: int = 0,
    ) -> None:
        self.count = len(kernels)
        self.estimate = Estimate(kernels, needs, inputs, across)
        self.before, self.after = self.estimate.before, self.estimate.after
        self._known: dict[tuple[int, int], tuple[list[int], bool]] = {}

    def best(self, capacity: int, *, tall: bool, tiles: bool = False, most: int = MOST) -> Cut:
        """Cut kernels into the groups that move least by the estimate in a cache of so many bytes.

        Parameters
        ----------
        capacity : int
        tall : bool
            Whether of strips that move alike the tallest are taken, which are the fewest, or the
            lowest, which take least of the cache.
        tiles : bool
            Whether strips may be tiles, narrower than the map, where these move less.
        most : int
            Downsets of one size up to which all are gone on with.
        """
        reached = {0: _Reached(0, 0, 0, 0)}
        level = [0]
        costs: dict[int, Cost | None] = {}
        exact = True
        for size in range(1, self.count + 1):
            longer = {
                done | 1 << kernel: reached[done].ends & ~self.before[kernel] | 1 << kernel
                for done in level
                for kernel in self._ready(done)
            }
            file = (1 << size) - 1
            for done, ends in longer.items():
                found: tuple[int, int, int] | None = None  # bytes, kernels, -group
                if (done, most) not in self._known:
                    self._known[done, most] = self._last_groups(done, ends, most)
                groups, all_of_them = self._known[done, most]
                exact &= all_of_them
                for group in groups:
                    rest = reached.get(done ^ group)
                    if rest is None:  # the beam went on without it
                        continue
                    if group not in costs:
                        costs[group] = self.estimate.moved(group, capacity, tall=tall, tiles=tiles)
                    cost = costs[group]
                    if cost is not None:
                        this = rest.moved + cost.moved, group.bit_count(), -group
                        found = this if found is None else min(found, this)
                assert found is not None  # a kernel alone is a candidate
                last = costs[-found[2]]
                assert last is not None
                reached[done] = _Reached(found[0], -found[2], last.strip, ends)
            level = sorted(longer, key=lambda done: (done != file, reached[done].moved, -done))
            if len(level) > most:
                exact = False
                for dropped in level[WIDTH:]:
                    del reached[dropped]
                del level[WIDTH:]
        return self._told(reached, exact)

    def _told(self, reached: Mapping[int, _Reached], exact: bool) -> Cut:
        done = (1 << self.count) - 1
        moved, found = reached[done].moved, []
        while done:
            last = reached[done]
            if last.strip:
                found.append((tuple(bits(last.last)), last.strip))
            done ^= last.last
        found.sort(key=lambda each: each[0])
        return Cut(tuple(each for each, _ in found), tuple(each for _, each in found), moved, exact)

    def _ready(self, done: int) -> Iterator[int]:
        """The kernels that can run after a downset."""
        first = (~done & (done + 1)).bit_length() - 1  # the first that has not run is one
        for number in range(first, self.count):
            if not (done >> number & 1 or self.before[number] & ~done):
                yield number

    def _last_groups(self, done: int, ends: int, most: int) -> tuple[list[int], bool]:
        """The groups that can run last in a downset, and whether these are all.

        They grow from the end: each kernel that joins is read by none that runs before.
        """
        found, every = [1 << number for number in bits(ends)], True
        level = {0: ends}
        for _ in range(MOST_KERNELS):
            longer: dict[int, int] = {}
            for group, free in level.items():
                for number in bits(free):
                    joined = group | 1 << number
                    if joined in longer:
                        continue
                    rest, ends_now = done & ~joined, free & ~(1 << number)
                    for each in bits(self.before[number]):
                        if not self.after[each] & rest:
                            ends_now |= 1 << each
                    longer[joined] = ends_now
            if len(longer) > most:
                every = False
                longer = {group: longer[group] for group in sorted(longer)[-WIDTH:]}
            found += [group for group in longer if group & (group - 1)]
            level = longer
        return found, every
