"""The rows under the windows: what a kernel needs that addresses each row by itself."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from memsim.network.ops import Operator
from memsim.program.rows.runs import RowRuns, TooManyRows, merged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]

MOST_ROWS = 100_000_000
"""Most rows that the strips of one kernel may read apart from one another, with repetition."""


def touched(op: Operator, rows: int, output: int, edges: Index) -> RowRuns:
    """The rows that some output row of a strip touches, and no others.

    Raises
    ------
    TooManyRows
        For more than :data:`MOST_ROWS`.
    """
    if op.elementwise and rows == output:
        return RowRuns.ranges(edges[:-1], edges[1:])
    return _touched(_Asked(op), rows, output, edges.tobytes())


class _Asked:
    """An operator, equal to others that read the same rows."""

    __slots__ = ("op", "rows")

    def __init__(self, op: Operator) -> None:
        self.op, self.rows = op, op.reads_rows_by

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked) and self.rows == other.rows

    def __hash__(self) -> int:
        return hash(self.rows)


@lru_cache(maxsize=1024)
def _touched(asked: _Asked, rows: int, output: int, edge_bytes: bytes) -> RowRuns:
    op, edges = asked.op, np.frombuffer(edge_bytes, np.int64)
    first, stop, step = op.touched_rows(np.arange(edges[-1]), (1, rows, 1), (1, output, 1))
    if step == 1 and _in_turn(first, stop):
        low = np.maximum(first[edges[:-1]], 0)
        high = np.minimum(stop[edges[1:] - 1], rows)
        if (low < high).all():
            return RowRuns.ranges(low, high)
    # Every step-th row: count in steps from the first such row of the input.
    begin = first % step
    low = np.maximum(first // step, 0)
    high = -((begin - np.minimum(stop, rows)) // step)
    strip = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
    some = low < high
    group, low, high = merged((strip * step + begin)[some], low[some], high[some])
    strip, begin = np.divmod(group, step)
    if step > 1:
        count = high - low
        if count.sum() > MOST_ROWS:
            raise TooManyRows(f"more than {MOST_ROWS:,}")
        steps = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count - low, count)
        row = np.repeat(begin, count) + step * steps
        strip, low, high = merged(np.repeat(strip, count), row, row + 1)
    return RowRuns(np.searchsorted(strip, np.arange(len(edges))), low, high)


def _in_turn(first: Index, stop: Index) -> bool:
    """Whether ranges go down the map without gaps, as those of most windows do."""
    overlap = (first[1:] <= stop[:-1]).all() and (first <= stop).all()
    return bool(overlap and (first[:-1] <= first[1:]).all() and (stop[:-1] <= stop[1:]).all())
