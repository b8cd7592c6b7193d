"""The rows under the windows: what a kernel needs that addresses each row by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memsim.errors import Problem, SimulationError
from memsim.program.kernel import Kernel
from memsim.program.rows.runs import RowRuns, merged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]

MOST_ROWS = 100_000_000
"""Most rows that the strips of one kernel may read apart from one another, with repetition."""


def touched(kernel: Kernel, operand: int, edges: Index) -> RowRuns:
    """The rows that some output row of a strip touches, and no others."""
    op = kernel.operands[operand].op
    source, output = kernel.source(operand).box, kernel.output.image.box
    rows = source[1]
    first, stop, step = op.touched_rows(np.arange(edges[-1]), source, output)
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
            message = f"{kernel.name} reads more than {MOST_ROWS:,} rows apart from one another"
            raise SimulationError(Problem(message, hint="larger buffers, a smaller input"))
        steps = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count - low, count)
        row = np.repeat(begin, count) + step * steps
        strip, low, high = merged(np.repeat(strip, count), row, row + 1)
    return RowRuns(np.searchsorted(strip, np.arange(len(edges))), low, high)
