"""Which rows of its operands a kernel's tasks read, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from memsim.program.kernel import Kernel
from memsim.program.rows.runs import RowRuns
from memsim.program.rows.streamed import streamed
from memsim.program.rows.touched import touched
from memsim.registry import Registry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Reading = Callable[[Kernel, int, "NDArray[np.int64]"], RowRuns]

ROWS: Registry[Reading] = Registry("reading of rows")
"""What tasks read of an operand: (kernel, operand, edges of the output strips) -> rows."""

ROWS.add("touched", touched)
ROWS.add("streamed", streamed)

__all__ = ["ROWS", "RowRuns"]
