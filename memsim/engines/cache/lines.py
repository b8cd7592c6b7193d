"""Lines: what a hardware cache sees of a program, an address space cut into lines.

Every touch of a cell becomes accesses to the lines that its bytes lie in, in the order of the
tensor's layout, each line once where neighbouring bytes share it. A cache of lines knows no
lifetimes: what is dead stays until something takes its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.errors import Problem, SimulationError
from memsim.program.memory.allocator import plan_memory
from memsim.program.memory.placement import Placement
from memsim.program.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

MOST_LINES = 400_000_000
"""Longest trace of lines: some 10 GB of columns."""


@dataclass(frozen=True, slots=True)
class LineAccesses:
    """Accesses to lines in program order.

    Attributes
    ----------
    line : int32 array, per access
        Line number: address // line size.
    touch : int32 array, per access
        The touch it is part of.
    lines : int
        Lines of the address space.
    """

    line: NDArray[np.int32]
    touch: NDArray[np.int32]
    lines: int


def line_accesses(
    program: Program, line: int = 64, layout: str = "nchw", allocator: str = "caching"
) -> LineAccesses:
    """Turn touches of cells into accesses to lines.

    Parameters
    ----------
    program : Program
    line : int
        Bytes of a line.
    layout : str
        ``nchw``: a row of one channel is contiguous; ``nhwc``: all channels of a pixel are.
        Parameters of one output channel are contiguous in both.
    allocator : str
        Who gives tensors their addresses.

    Raises
    ------
    SimulationError
        If the trace would be too long.
    """
    plan = plan_memory(program, allocator)
    placement = Placement.of(program, plan, layout)
    if int(placement.runs[program.touch_cell].sum()) > MOST_LINES:
        raise _too_long(program)
    touch, begin, length = placement.spans(program.touch_cell.astype(np.int64))
    first, last = begin // line, (begin + length - 1) // line
    lines = last - first + 1
    total = int(lines.sum())
    if total > MOST_LINES:
        raise _too_long(program)
    within = np.arange(total) - np.repeat(np.cumsum(lines) - lines, lines)
    numbers = (np.repeat(first, lines) + within).astype(np.int32)
    owners = np.repeat(touch.astype(np.int32), lines)
    new = np.ones(total, np.bool_)
    new[1:] = (numbers[1:] != numbers[:-1]) | (owners[1:] != owners[:-1])
    return LineAccesses(numbers[new], owners[new], -(-placement.total_bytes // line))


def changes_owner(tensor: NDArray[np.int64], line: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Whether each access is the first to its line since another tensor had it."""
    order = np.argsort(line, kind="stable")
    owner, place = tensor[order], line[order]
    changed = np.ones(len(order), np.bool_)
    changed[1:] = (owner[1:] != owner[:-1]) | (place[1:] != place[:-1])
    in_order = np.empty(len(order), np.bool_)
    in_order[order] = changed
    return in_order


def _too_long(program: Program) -> SimulationError:
    return SimulationError(
        Problem(
            f"{program.network.name} accesses more than {MOST_LINES:,} lines",
            hint="a smaller input or batch, a longer line, or management scratchpad",
        )
    )
