"""Knees: the cache sizes at which traffic drops most, and what is responsible."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.engines.curve.curve import Curve, Movement
from memsim.engines.curve.tally import CHUNK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

Drop = tuple[int, int]
"""A window's first step, and the bytes that are saved from there to its end."""

WIDTH = 8
"""Steps whose sizes differ by at most one part in ``WIDTH`` are one knee."""

TAIL = 40
"""A side of a knee that holds less than one part in ``TAIL`` of its drop is cut off."""


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a knee's drop.

    Attributes
    ----------
    tensor : str
        What is kept on chip.
    layer : str
        The kernel that then need not fetch it or, for write-backs, whose output then need not be
        written back.
    saves : str
        ``read`` or ``write``.
    nbytes : int
        DRAM bytes saved.
    """

    tensor: str
    layer: str
    saves: str
    nbytes: int


@dataclass(frozen=True, slots=True)
class Knee:
    """A narrow range of cache sizes over which traffic drops much.

    Attributes
    ----------
    start_bytes, cache_bytes : int
        The largest cache without any of the drop; the smallest with all of it.
    saved_read_bytes, saved_write_bytes : int
        The drop of DRAM traffic from ``start_bytes`` to ``cache_bytes``.
    dram_bytes : int
        The traffic that is left at ``cache_bytes``.
    shares : tuple of Share
        The drop by tensor, layer and direction; the largest first.
    """

    start_bytes: int
    cache_bytes: int
    saved_read_bytes: int
    saved_write_bytes: int
    dram_bytes: int
    shares: tuple[Share, ...]

    @property
    def saved_bytes(self) -> int:
        """The whole drop."""
        return self.saved_read_bytes + self.saved_write_bytes

    def to_dict(self) -> dict[str, Any]:
        """Plain values with units in the keys."""
        return {
            "start_bytes": self.start_bytes,
            "cache_bytes": self.cache_bytes,
            "saved_bytes": self.saved_bytes,
            "saved_read_bytes": self.saved_read_bytes,
            "saved_write_bytes": self.saved_write_bytes,
            "dram_bytes": self.dram_bytes,
            "shares": [
                {"tensor": s.tensor, "layer": s.layer, "saves": s.saves, "bytes": s.nbytes}
                for s in self.shares
            ],
        }


def knees(curve: Curve, most: int = 5) -> tuple[Knee, ...]:
    """Find the largest drops of a curve, at most so many of them, by ascending size.

    A network's steps are thousands, since the blocks of one tensor need slightly different
    sizes. So the drop is summed over windows, from some size to an eighth more. The window with
    the largest drop becomes a knee, less the sides that hold less than a fortieth of its drop;
    then the largest of the windows that do not overlap it, and so on.

    Examples
    --------
    >>> import memsim
    >>> from memsim.engines.curve.curve import curve
    >>> traffic = curve(memsim.build(memsim.load("resnet18"), buffer=512 * 1024))
    >>> knee = knees(traffic, 1)[0]
    >>> before, after = map(traffic.dram_bytes, (knee.start_bytes, knee.cache_bytes))
    >>> knee.saved_bytes == before - after
    True
    """
    steps = curve.steps
    size = steps.cache_bytes[1:]
    dram = steps.dram_bytes
    sums = dram[0] - dram  # saved at each size
    del dram  # columns are as long as the steps are many
    window_end = np.empty(len(size), np.int32)
    for rows in _chunks(len(size)):
        window_end[rows] = np.searchsorted(size, size[rows] + size[rows] // WIDTH, side="right")
    spans: list[tuple[int, int]] = []
    while len(spans) < most:
        begin, total = _largest(sums, window_end, spans)
        if total <= 0:
            break
        stop = min([int(window_end[begin]), *(first for first, _ in spans if first >= begin)])
        # The fewest steps that leave less than the tail on either side.
        held = sums[begin : stop + 1] - sums[begin]
        last = begin + int(np.searchsorted(held[1:], total - total // TAIL, side="left"))
        begin += int(np.searchsorted(held[1:], total // TAIL, side="right"))
        spans.append((begin, last))
    sizes = [(int(size[begin]), int(size[last])) for begin, last in spans]
    return tuple(_knee(curve, low, high) for low, high in sorted(sizes))


def _largest(sums: Ints, window_end: NDArray[np.int32], taken: list[tuple[int, int]]) -> Drop:
    """The first of the windows with the largest drop that do not overlap what is taken."""
    found = (0, 0)
    for rows in _chunks(len(window_end)):
        stop = window_end[rows].copy()
        for first, last in taken:  # steps, the last included
            before, after = (max(0, step - rows.start) for step in (first, last + 1))
            np.minimum(stop[:before], first, out=stop[:before])
            stop[before:after] = np.arange(rows.start, rows.stop)[before:after]
        gain = sums[stop] - sums[rows]
        best = int(np.argmax(gain))
        if gain[best] > found[1]:
            found = rows.start + best, int(gain[best])
    return found


def _chunks(rows: int) -> Iterator[slice]:
    for begin in range(0, rows, CHUNK):
        yield slice(begin, min(begin + CHUNK, rows))


def _knee(curve: Curve, low: int, high: int) -> Knee:
    first, last = np.searchsorted(curve.step, [low, high + 1])
    rows = slice(curve.first[first], curve.first[last])
    program, moves = curve.program, len(Movement)
    shape = len(program.tensors), len(program.kernels), moves
    group, move = np.divmod(curve.column[rows], moves)
    kernel, tensor, _ = curve.of_group[group].T
    keys = np.ravel_multi_index((tensor, kernel, move), shape)
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    amount = np.add.reduceat(curve.nbytes[rows][order], starts, dtype=np.int64)
    kinds = np.stack(np.unravel_index(keys[order][starts], shape))
    shares = tuple(
        Share(
            program.tensors[kinds[0, i]].name,
            program.kernels[kinds[1, i]].name,
            "read" if Movement(kinds[2, i]).reads else "write",
            int(amount[i]),
        )
        for i in np.argsort(-amount, kind="stable")
    )
    saved = {
        way: sum(share.nbytes for share in shares if share.saves == way)
        for way in ("read", "write")
    }
    return Knee(low - 1, high, saved["read"], saved["write"], curve.dram_bytes(high), shares)
