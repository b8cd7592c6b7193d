"""Policies served cell by cell: the blocks that a program accesses together, in one step."""

from __future__ import annotations

from collections.abc import Callable

from memsim.engines.cache.cells.events import CellEvents
from memsim.engines.cache.cells.farthest import cell_belady
from memsim.engines.cache.cells.fifo import cell_fifo
from memsim.engines.cache.trace import PartTrace

LONG_CELLS: dict[str, Callable[[PartTrace, int], CellEvents]] = {
    "belady": cell_belady,
    "fifo": cell_fifo,
}
"""Policies whose long traces are served so; short ones are served block by block, in Python."""
