"""Rows: which rows of its operands a kernel's tasks read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.errors import Problem, SimulationError
from memsim.program.kernel import Kernel
from memsim.registry import Registry

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]

MOST_ROWS = 100_000_000
"""Most rows that the strips of one kernel may read apart from one another, with repetition."""


@dataclass(frozen=True, slots=True)
class RowRuns:
    """Rows that strips access: for each strip runs of neighbouring rows, from the top down.

    Attributes
    ----------
    start : array of int, strips + 1
        First run of each strip.
    low, high : array of int, one entry per run
        First row and row behind the last.

    Examples
    --------
    >>> whole = RowRuns.ranges(np.array([0, 2]), np.array([3, 5]))
    >>> [column.tolist() for column in whole.of(np.array([1, 0, 1]))]
    [[0, 1, 2], [2, 0, 2], [5, 3, 5]]
    """

    start: Index
    low: Index
    high: Index

    @classmethod
    def ranges(cls, low: Index, high: Index) -> RowRuns:
        """One run for each strip."""
        return cls(np.arange(len(low) + 1), low, high)

    @classmethod
    def whole(cls, strips: int, rows: int) -> RowRuns:
        """All rows for each strip."""
        return cls.ranges(np.zeros(strips, np.int64), np.full(strips, rows, np.int64))

    def of(self, strip: Index) -> tuple[Index, Index, Index]:
        """The runs of accesses, whose strips are given: the access of each run, and the run."""
        count = np.diff(self.start)[strip]
        access = np.repeat(np.arange(len(strip)), count)
        run = np.arange(len(access)) - np.repeat(np.cumsum(count) - count, count)
        run = run + self.start[strip][access]
        return access, self.low[run], self.high[run]

    @property
    def counts(self) -> Index:
        """How many rows each strip accesses."""
        total = np.concatenate([[0], np.cumsum(self.high - self.low)])
        counts: Index = np.diff(total[self.start])
        return counts


Reading = Callable[[Kernel, int, "Index"], RowRuns]

ROWS: Registry[Reading] = Registry("reading of rows")
"""What tasks read of an operand: (kernel, operand, edges of the output strips) -> rows."""


@ROWS.register("touched")
def touched(kernel: Kernel, operand: int, edges: Index) -> RowRuns:
    """The rows that some output row of a strip touches, and no others."""
    view, op = kernel.operands[operand].view, kernel.operands[operand].op
    rows = view.shape[1]
    first, stop, step = op.touched_rows(np.arange(edges[-1]), view.shape, kernel.output.image)
    # Every step-th row: count in steps from the first such row of the input.
    begin = first % step
    low = np.maximum(first // step, 0)
    high = -((begin - np.minimum(stop, rows)) // step)
    strip = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
    some = low < high
    group, low, high = _merged((strip * step + begin)[some], low[some], high[some])
    strip, begin = np.divmod(group, step)
    if step > 1:
        count = high - low
        if count.sum() > MOST_ROWS:
            message = f"{kernel.name} reads more than {MOST_ROWS:,} rows apart from one another"
            raise SimulationError(Problem(message, hint="larger buffers, a smaller input"))
        steps = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count - low, count)
        row = np.repeat(begin, count) + step * steps
        strip, low, high = _merged(np.repeat(strip, count), row, row + 1)
    return RowRuns(np.searchsorted(strip, np.arange(len(edges))), low, high)


@ROWS.register("streamed")
def streamed(kernel: Kernel, operand: int, edges: Index) -> RowRuns:
    """All rows from the first to the last that a strip touches, as kernels that stream ranges.

    Without gaps between strips, the first from row 0 and the last to the end: the kernel's tasks
    together read the whole of every input, as CIO counts it.
    """
    view, op = kernel.operands[operand].view, kernel.operands[operand].op
    rows = view.shape[1]
    first, last = op.input_rows(edges[:-1], edges[1:], view.shape, kernel.output.image)
    first, last = np.clip(first, 0, rows), np.clip(last, 0, rows)
    first[0], last[-1] = 0, rows
    last[:-1] = np.maximum(last[:-1], first[1:])
    return RowRuns.ranges(first, last)


def _merged(group: Index, low: Index, high: Index) -> tuple[Index, Index, Index]:
    """Ranges of each group, in order, those that meet or overlap as one."""
    names, group = np.unique(group, return_inverse=True)
    apart = int(high.max(initial=0)) + 2  # ranges of two groups never meet
    low, high = low + group * apart, high + group * apart
    order = np.argsort(low, kind="stable")
    low, high = low[order], np.maximum.accumulate(high[order])
    begins = np.flatnonzero(low > np.concatenate([[-1], high[:-1]]))
    low, high = low[begins], np.maximum.reduceat(high, begins) if len(begins) else high
    group = low // apart
    return names[group], low - group * apart, high - group * apart
