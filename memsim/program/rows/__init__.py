"""Which rows of its operands a kernel's tasks read, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from memsim.network.ops import Operator
from memsim.program.rows.runs import RowRuns, TooManyRows
from memsim.program.rows.streamed import streamed
from memsim.program.rows.touched import touched
from memsim.registry import Registry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Reading = Callable[[Operator, int, int, "NDArray[np.int64]"], RowRuns]

ROWS: Registry[Reading] = Registry("reading of rows")
"""What tasks read of an operand: (operator that is asked, rows of the operand, rows of the output,
edges of the output's strips) -> rows."""

ROWS.add("touched", touched)
ROWS.add("streamed", streamed)

__all__ = ["ROWS", "RowRuns", "TooManyRows"]
