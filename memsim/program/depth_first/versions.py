"""Versions: a row that is computed anew is another block in the same place.

A group that recomputes writes a row of a map between its kernels once for each strip that needs it,
and the strip's own tasks alone read what it wrote. So each time is a block by itself, that is born,
read and dead within a strip; that all of them lie at one address only a cache with addresses sees.
Whoever reads a program finds each block written once, as in every other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.program.columns import Columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]


def apart(
    columns: Columns,
    cells: dict[str, NDArray[Any]],
    tensors: Index,
    turn: Index,
) -> dict[str, NDArray[Any]]:
    """Give each strip cells of its own, of maps that strips compute anew.

    Parameters
    ----------
    columns : Columns
        Tasks and what they touch; their cells are renumbered.
    cells : dict of arrays
        The columns of a program that describe cells and blocks.
    tensors : array of int
        The numbers of these maps.
    turn : array of int, per task
        Its strip.

    Returns
    -------
    dict of arrays
        Cells and blocks anew: those of one place lie side by side.
    """
    again = np.isin(cells["cell_tensor"], tensors)
    chosen = np.flatnonzero(again[columns.cell])
    strip = np.repeat(turn, np.diff(columns.task_start))[chosen]
    strips = int(turn.max(initial=0)) + 1
    used, place = np.unique(columns.cell[chosen].astype(np.int64) * strips + strip,
                            return_inverse=True)  # fmt: skip
    of, first, times = np.unique(used // strips, return_index=True, return_counts=True)
    count = np.ones(len(again), np.int64)
    count[of] = times
    number = np.zeros(len(columns.cell), np.int64)
    number[chosen] = (np.arange(len(used)) - np.repeat(first, times))[place]
    columns.cell = ((np.cumsum(count) - count)[columns.cell] + number).astype(np.int32)
    cell = np.repeat(np.arange(len(again)), count)
    begin, blocks = cells["cell_block"][:-1][cell], np.diff(cells["cell_block"])[cell]
    end = np.cumsum(blocks)
    block = np.repeat(begin - (end - blocks), blocks) + np.arange(int(end[-1]))
    return {
        "cell_tensor": cells["cell_tensor"][cell],
        "cell_bytes": cells["cell_bytes"][cell],
        "cell_box": cells["cell_box"][cell],
        "cell_block": np.append(0, end),
        "block_bytes": cells["block_bytes"][block],
    }
