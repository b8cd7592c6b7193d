"""How on-chip memory is managed: what of a program the cache sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.lines import line_accesses
from memsim.engines.cache.trace import NEW, READ, WRITE, WRITE_ALLOCATE, Trace
from memsim.engines.cache.transfers import scratchpad_codes
from memsim.machine import Machine
from memsim.program.program import Program
from memsim.registry import Registry

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Lines:
    """The memory system that a hardware cache is part of; a scratchpad ignores it.

    Parameters
    ----------
    line : int
        Bytes of a line.
    ways : int or None
        Lines of a set; None: fully associative.
    index : str
        How a line finds its set: ``plain`` (line number modulo sets) or ``hashed``.
    fetch_on_write : bool
        Whether a write that misses fetches its line first.
    layout : str
        ``nchw`` or ``nhwc``.
    allocator : str
        Who gives tensors their addresses: ``caching``, ``arena`` or ``fresh``.
    """

    line: int = 64
    ways: int | None = None
    index: str = "plain"
    fetch_on_write: bool = True
    layout: str = "nchw"
    allocator: str = "caching"

    @classmethod
    def of(cls, program: Program, machine: Machine) -> Lines:
        """What a program and a machine say."""
        cache = machine.cache
        return cls(
            cache.line,
            cache.ways,
            cache.index,
            cache.fetch_on_write,
            str(program.options["layout"]),
            str(program.options["allocator"]),
        )


Management = Callable[[Program, Lines], Trace]

MANAGEMENTS: Registry[Management] = Registry("management")
"""Managements by name: (program, lines) -> what the cache is asked for."""


@MANAGEMENTS.register("scratchpad")
def scratchpad(program: Program, lines: Lines | None = None) -> Trace:
    """Blocks with their lifetimes: a dead block is dropped, never written back."""
    return Trace(
        program.task_start,
        program.access_block,
        scratchpad_codes(program)[program.access_touch],
        program.block_bytes,
        program.access_touch,
    )


@MANAGEMENTS.register("hardware")
def hardware(program: Program, lines: Lines | None = None) -> Trace:
    """Lines of an address space, which knows no lifetimes: lines are evicted or overwritten."""
    lines = lines or Lines()
    seen = line_accesses(program, lines.line, lines.layout, lines.allocator)
    write = WRITE_ALLOCATE if lines.fetch_on_write else WRITE
    code = np.where(program.touch_write[seen.touch], write, READ)
    code += NEW * _new(program.cell_tensor[program.touch_cell[seen.touch]], seen.line, seen.lines)
    tasks = program.touch_task[seen.touch]
    start = np.searchsorted(tasks, np.arange(program.tasks + 1))
    return Trace(
        start.astype(np.int64),
        seen.line,
        code.astype(np.uint8),
        np.full(seen.lines, lines.line, np.int64),
        seen.touch,
    )


def _new(tensor: NDArray[np.int32], line: NDArray[np.int32], lines: int) -> NDArray[np.bool_]:
    """Whether each access is the first to its line since another tensor had it."""
    order = np.argsort(line, kind="stable")
    owner, place = tensor[order], line[order]
    new = np.ones(len(order), np.bool_)
    new[1:] = (owner[1:] != owner[:-1]) | (place[1:] != place[:-1])
    found = np.empty(len(order), np.bool_)
    found[order] = new
    return found
