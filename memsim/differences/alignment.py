"""Which layer of one network became which of another: an alignment of two sequences.

Layers match by what they are, and their names are one sign of it among several: the operator has to
be the same, and the shape of the output, the MACs, the neighbours and the name each count. Of all
ways to match two sequences without crossing, the one with the most signs in common is found, as
biology aligns genomes.

References
----------
S. B. Needleman, C. D. Wunsch, "A general method applicable to the search for similarities in the
amino acid sequence of two proteins", J. Mol. Biol. 48 (1970); in linear memory D. S. Hirschberg, "A
linear space algorithm for computing maximal common subsequences", Comm. ACM 18 (1975).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Element", "aligned"]

SHAPE, NAME, MACS, BEFORE, AFTER = 4, 3, 2, 1, 1
"""How much it counts that two layers of one operator have something in common."""

LEAST = 3
"""Two layers with fewer signs in common than this are two layers; the operator counts 1."""

MOST_CELLS = 1 << 22
"""Pairs of which the whole table is held; of more it is halved first."""


@dataclass(frozen=True, slots=True)
class Element:
    """What of a layer says which one it is.

    Attributes
    ----------
    name, op : str
    shape : tuple of int
        Of its output, without the batch.
    macs : int
        Of one image.
    """

    name: str
    op: str
    shape: tuple[int, ...]
    macs: int


def aligned(first: Sequence[Element], second: Sequence[Element]) -> list[tuple[int, int]]:
    """Pairs of positions that match, each position at most once, in the order of the first.

    What no alignment in order matches, since it moved, is matched by its name and operator.

    Examples
    --------
    >>> stem, conv, head = (Element(*each) for each in (
    ...     ("stem", "conv", (8, 4, 4), 9), ("a", "conv", (8, 4, 4), 72),
    ...     ("fc", "linear", (10,), 80)))
    >>> renamed = Element("b", "conv", (8, 4, 4), 72)
    >>> aligned([stem, conv, head], [stem, conv, renamed, head])
    [(0, 0), (1, 1), (2, 3)]
    >>> aligned([stem, conv, head], [renamed, head])
    [(1, 0), (2, 1)]
    """
    table = _Table(first, second)
    start, most = 0, min(len(first), len(second))
    while start < most and first[start] == second[start]:
        start += 1
    end = 0
    while end < most - start and first[-1 - end] == second[-1 - end]:
        end += 1
    stops = len(first) - end, len(second) - end
    pairs = [
        *((each, each) for each in range(start)),
        *table.pairs(start, stops[0], start, stops[1]),
        *zip(range(stops[0], len(first)), range(stops[1], len(second)), strict=True),
    ]
    return sorted([*pairs, *_moved(first, second, pairs)])


def _moved(
    first: Sequence[Element], second: Sequence[Element], pairs: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """Pairs of what is left with one name and operator, wherever it stands."""
    left = _left(first, {one for one, _ in pairs})
    right = _left(second, {other for _, other in pairs})
    return ((left[key], right[key]) for key in left if key in right)


def _left(elements: Sequence[Element], matched: set[int]) -> dict[tuple[str, str], int]:
    """The positions that no pair has, by name and operator, where these are of one alone."""
    keys = {at: (each.name, each.op) for at, each in enumerate(elements) if at not in matched}
    counts = Counter(keys.values())
    return {key: at for at, key in keys.items() if counts[key] == 1}


class _Table:
    """How much two layers have in common, a row at a time."""

    def __init__(self, first: Sequence[Element], second: Sequence[Element]) -> None:
        codes: dict[object, int] = {}

        def coded(elements: Sequence[Element]) -> NDArray[np.int64]:
            ends = [None, *((each.op, each.shape) for each in elements), None]
            rows = [
                (each.op, ("shape", each.shape), ("name", each.name), ("macs", each.macs),
                 ("beside", ends[at]), ("beside", ends[at + 2]))
                for at, each in enumerate(elements)
            ]  # fmt: skip
            listed = [[codes.setdefault(key, len(codes)) for key in row] for row in rows]
            return np.array(listed, np.int64).reshape(len(elements), 6).T

        self.first, self.second = coded(first), coded(second)

    def row(self, one: int, start: int, stop: int) -> NDArray[np.int64]:
        """What one layer of the first has in common with some of the second; 0: they are two."""
        mine, theirs = self.first[:, one], self.second[:, start:stop]
        same = theirs == mine[:, None]
        signs = np.array([1, SHAPE, NAME, MACS, BEFORE, AFTER]) @ same
        return np.where(same[0] & (signs >= LEAST), signs, 0)

    def pairs(self, top: int, bottom: int, start: int, stop: int) -> list[tuple[int, int]]:
        """The best alignment of ``[top, bottom)`` of the first with ``[start, stop)``."""
        rows, columns = bottom - top, stop - start
        if not rows or not columns:
            return []
        if rows == 1 or (rows + 1) * (columns + 1) <= MOST_CELLS:
            return self._traced(top, bottom, start, stop)
        middle = top + rows // 2
        above = self._last(range(top, middle), start, stop)
        below = self._last(range(bottom - 1, middle - 1, -1), start, stop, backwards=True)
        cut = start + int(np.argmax(above + below[::-1]))
        return self.pairs(top, middle, start, cut) + self.pairs(middle, bottom, cut, stop)

    def _last(
        self, rows: range, start: int, stop: int, *, backwards: bool = False
    ) -> NDArray[np.int64]:
        """The most that these rows have in common with so many columns, for each number."""
        best = np.zeros(stop - start + 1, np.int64)
        for one in rows:
            common = self.row(one, start, stop)
            best = _next(best, common[::-1] if backwards else common)
        return best

    def _traced(self, top: int, bottom: int, start: int, stop: int) -> list[tuple[int, int]]:
        best = [np.zeros(stop - start + 1, np.int64)]
        for one in range(top, bottom):
            best.append(_next(best[-1], self.row(one, start, stop)))
        found: list[tuple[int, int]] = []
        one, other = bottom - top, stop - start
        while one and other:
            here = best[one][other]
            if here == best[one - 1][other]:
                one -= 1
            elif here == best[one][other - 1]:
                other -= 1
            else:
                one, other = one - 1, other - 1
                found.append((top + one, start + other))
        return found[::-1]


def _next(best: NDArray[np.int64], common: NDArray[np.int64]) -> NDArray[np.int64]:
    """The best of one row more: a layer is left out, or it matches."""
    matched = np.where(common > 0, best[:-1] + common, 0)
    return np.maximum.accumulate(np.maximum(best, np.concatenate([[0], matched])))
