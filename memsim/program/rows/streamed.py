"""Ranges of rows: what a kernel moves that streams its inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memsim.network.ops import Operator
from memsim.program.rows.runs import RowRuns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]


def streamed(op: Operator, rows: int, output: int, edges: Index) -> RowRuns:
    """All rows from the first to the last that a strip touches, as kernels that stream ranges.

    Without gaps between strips, the first from row 0 and the last to the end: the kernel's tasks
    together read the whole of every input, as CIO counts it.
    """
    first, last = op.input_rows(edges[:-1], edges[1:], (1, rows, 1), (1, output, 1))
    first, last = np.clip(first, 0, rows), np.clip(last, 0, rows)
    first[0], last[-1] = 0, rows
    last[:-1] = np.maximum(last[:-1], first[1:])
    return RowRuns.ranges(first, last)
