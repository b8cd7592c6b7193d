"""Segments: what groups of convolutions move at least, whatever the order of all operations.

The proof is in ``docs/design/bound.md``, in the words that are used here. A run is cut into
segments, in each of which so many bytes of a group's own data cross the DRAM interface: its
weights, the values between its convolutions, and partial sums. In a segment those on chip at its
begin and those that are loaded can be used, no others. Output elements that are computed from
nothing else need weights of all their ancestors, or values in between: the least of it is a cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.bounds.needs import Convolved

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

__all__ = ["Cut", "Group", "Segments"]

LONGEST = 40
"""Most convolutions, in the order of layers, from the first to the last of a group."""

LENGTHS = (0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32)
"""Bytes that a segment moves, over those on chip: each gives a bound, and the best one is taken."""

FINE, STEPS = 32, 120
"""Numbers of places that are looked at: each up to the first, then so many in equal ratios."""

SURE = 1 - 1e-9
"""What rounding errors could take away, and more."""


@dataclass(frozen=True, slots=True)
class Group:
    """Convolutions that move more than their weights, whatever is done.

    Attributes
    ----------
    first, last : str
        The first and the last layer, of whose output it is told.
    layers : int
        How many convolutions it has.
    weight_bytes : int
        Of all of them: what they move at least as it is.
    dram_bytes : int
        What they move at least of weights, of values between them and of partial sums.
    """

    first: str
    last: str
    layers: int
    weight_bytes: int
    dram_bytes: int

    @property
    def excess_bytes(self) -> int:
        """What they move beyond their weights."""
        return self.dram_bytes - self.weight_bytes


@dataclass(frozen=True)
class Cut:
    """The least that output elements of a group's last convolution are computed from.

    Attributes
    ----------
    last : Convolved
    members : int
    weight_bytes : int
        Of the members.
    places : int64 array
        Numbers of places of the output, ascending from 1 to all.
    above_bytes : float array, one entry per number
        The least bytes, of the weights of convolutions before the last one and of values between
        them, that elements of all channels at so many places are computed from.
    """

    last: Convolved
    members: int
    weight_bytes: int
    places: Ints
    above_bytes: Floats

    def most_bytes(self, known: Ints) -> Floats:
        """Bytes of output at most that a segment computes with so many bytes on chip and loaded.

        ``max over d, q of d + f q u``, where ``d`` bytes are partial sums, and a part ``f`` of
        the last convolution's weights and what is above it for ``q`` places, ``u`` bytes each,
        make up the rest. It is linear in ``d`` between where it begins, where ``f`` is 1 and where
        all is ``d``. From one number of places that is looked at up to the next one the first
        one's need and the second one's result are taken.
        """
        last = self.last
        left = known[:, None] - self.above_bytes[None, :]
        part = np.clip(left / max(last.weight_bytes, 1), 0, 1)
        spare = np.maximum(left - last.weight_bytes, 0)
        unit = last.channels * last.itemsize
        behind = np.append(self.places[1:] - 1, self.places[-1])
        most: Floats = (part * unit * np.maximum(behind, self.places) + spare).max(axis=1)
        return np.maximum(known, most)

    def dram_bytes(self, on_chip: int) -> int:
        """What the group moves at least with so many bytes on chip; no less than its weights."""
        length = np.unique(np.maximum(np.array(LENGTHS) * on_chip, 1).astype(np.int64))
        first, each = self.most_bytes(length), self.most_bytes(on_chip + length)
        whole = np.ceil(np.maximum(self.last.output_bytes - first, 0) / each * SURE)
        return max(self.weight_bytes, int((whole * length).max()))


@dataclass(frozen=True)
class Segments:
    """All groups of a network's convolutions, for any size of on-chip memory.

    Attributes
    ----------
    convolutions : tuple of Convolved

    Examples
    --------
    Two convolutions whose weights do not stay on chip together move more than these.

    >>> from memsim.engines.bounds.needs import Need
    >>> first = Convolved("a", 4096, 64, 1, 1024, ())
    >>> second = Convolved("b", 4096, 64, 1, 1024, (Need(0, 1, 1),))
    >>> found, = Segments((first, second)).groups(1024)
    >>> found.weight_bytes, found.dram_bytes
    (8192, 49152)
    >>> Segments((first, second)).groups(8192)
    ()
    """

    convolutions: tuple[Convolved, ...]

    def groups(self, on_chip: int) -> tuple[Group, ...]:
        """Groups that have no convolution in common and together move most beyond their weights.

        Parameters
        ----------
        on_chip : int
            Bytes of all memory beside DRAM.
        """
        best: list[int] = [0]
        chosen: list[tuple[int, Cut] | None] = [None]
        for last in range(len(self.convolutions)):
            most, group = best[-1], None
            for first, cut in self._worth(last, on_chip):
                found = cut.dram_bytes(on_chip) - cut.weight_bytes
                if best[first] + found > most:
                    most, group = best[first] + found, (first, cut)
            best.append(most)
            chosen.append(group)
        return tuple(self._taken(chosen, on_chip))[::-1]

    def _taken(self, chosen: Sequence[tuple[int, Cut] | None], on_chip: int) -> Iterator[Group]:
        """From the last one to the first."""
        behind = len(self.convolutions)
        while behind:
            group = chosen[behind]
            if group is None:
                behind -= 1
                continue
            behind, cut = group
            first = self.convolutions[behind].layer
            yield Group(
                first, cut.last.layer, cut.members, cut.weight_bytes, cut.dram_bytes(on_chip)
            )

    def _worth(self, last: int, on_chip: int) -> Iterator[tuple[int, Cut]]:
        """Groups with a last convolution that may move more than their weights.

        More than ``output + on_chip`` is proved of none, and nothing of those that stay on chip.
        """
        enough = self.convolutions[last].output_bytes + on_chip
        known, upto = self._known.setdefault(last, {}), self._weights_upto
        for first in range(last, max(-1, last - LONGEST), -1):
            if upto[last + 1] - upto[first] <= on_chip:
                continue  # no group among these has more weights
            if first not in known:
                known[first] = cut_of(self.convolutions, first, last)
            cut = known[first]
            if cut.weight_bytes >= enough:
                return
            if cut.weight_bytes > on_chip:
                yield first, cut

    @cached_property
    def _weights_upto(self) -> list[int]:
        """Bytes of weights of all convolutions before each one."""
        return [0, *accumulate(each.weight_bytes for each in self.convolutions)]

    @cached_property
    def _known(self) -> dict[int, dict[int, Cut]]:
        """Cuts by the last convolution of a group, then by the first one."""
        return {}


def cut_of(convolutions: Sequence[Convolved], first: int, last: int) -> Cut:
    """What the output of one convolution needs of those from another one on.

    A cut takes of each convolution either its weights, and then what these are applied to, or its
    values. Where several read the same values, each is asked for its share of them: what all
    ask for together is then no more than what is there.
    """
    target = convolutions[last]
    places = _looked_at(max(target.places, 1))
    own: dict[int, int] = {last: 1}
    held: dict[int, int] = {}
    readers: dict[int, int] = {}
    for number in range(last, first - 1, -1):
        if number not in own:
            continue
        for need in convolutions[number].needs:
            if need.of < first:
                continue
            there = own[number] * need.places
            own[need.of] = min(own.get(need.of, there), there)
            room = own[number] * need.held_bytes * convolutions[need.of].channels
            held[need.of] = min(held.get(need.of, room), room)
            readers[need.of] = readers.get(need.of, 0) + 1
    share: dict[int, Floats] = {}
    above: Floats = np.zeros(len(places))
    for number in sorted(own):
        above = np.zeros(len(places))
        for need in convolutions[number].needs:
            if need.of >= first:
                above += share[need.of]
        if number != last:
            weights = convolutions[number].weight_bytes
            share[number] = np.minimum(held[number] * places, weights + above) / readers[number]
    weights = sum(convolutions[number].weight_bytes for number in own)
    return Cut(target, len(own), weights, places, above)


@lru_cache(maxsize=64)
def _looked_at(most: int) -> Ints:
    """Numbers of places that are looked at, of so many; not to be written to."""
    fine, coarse = np.arange(1, min(most, FINE) + 1), np.geomspace(1, most, STEPS)
    return np.unique(np.concatenate([fine, coarse.astype(np.int64), [most]]))
