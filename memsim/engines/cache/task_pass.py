"""What each task loads and stores at one capacity of many: all that the time depends on.

A cache pass also says to whom bytes are charged. Where only times are asked for, at thousands of
capacities, this is several times faster; it is of a scratchpad with LRU replacement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.cache.compiled_order import DIRTY, HELD, NEWER, OLDER
from memsim.engines.cache.managements import MANAGEMENTS
from memsim.engines.cache.managements.scratchpad import Scratchpad, written_through
from memsim.engines.cache.trace import KIND, LAST, READ, WRITE
from memsim.engines.compiled import compiled
from memsim.machine.cache import Cache
from memsim.program.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TaskTraffic:
    """What each task moves, as :class:`~memsim.engines.cache.cachepass.CachePass` has it.

    Attributes
    ----------
    load_bytes, store_bytes : int64 arrays, per task
    waits : bool array, per task
    """

    load_bytes: Ints
    store_bytes: Ints
    waits: Flags


class TaskPasses:
    """The task traffic of one program at any capacity.

    Parameters
    ----------
    program : Program
    cache : Cache
        All of it but its size matters.

    Examples
    --------
    >>> import memsim
    >>> result = memsim.run("resnet18", cache=500_000)
    >>> tasks = TaskPasses(result.program, result.machine.cache).at(500_000)
    >>> bool((tasks.load_bytes == result.traffic.load_bytes).all())
    True
    """

    def __init__(self, program: Program, cache: Cache) -> None:
        self.program, self.cache = program, cache
        self.is_fast = self.serves(cache)
        if not self.is_fast:
            return
        management = MANAGEMENTS[cache.management]
        trace = management.trace(program, cache)
        touch = trace.touch
        self._trace = (
            np.array(trace.start, np.int64),
            np.array(trace.block, np.int32),
            np.array(trace.code, np.uint8),
            np.array(trace.size, np.int64),
            np.array(program.touch_cell[touch], np.int64),
            np.array(program.touch_write[touch], np.bool_),
        )
        self._blocks, self._cells = len(trace.size), len(program.cell_bytes)
        results = written_through(program)
        written = program.touch_write[results.at]
        task = program.touch_task[results.at].astype(np.int64)
        self._moved = np.zeros((2, program.tasks), np.int64)
        np.add.at(self._moved[0], task[~written], results.amount[~written])
        np.add.at(self._moved[1], task[written], results.amount[written])
        order = np.argsort(task[written], kind="stable")
        self._results = np.array(
            np.stack([task[written][order], results.unit[written][order].astype(np.int64)], axis=1)
        )

    @staticmethod
    def serves(cache: Cache) -> bool:
        """Whether a cache is a scratchpad with LRU replacement; others take a pass each time."""
        return isinstance(MANAGEMENTS[cache.management], Scratchpad) and cache.policy == "lru"

    def at(self, capacity: int) -> TaskTraffic:
        """What each task moves at a capacity in bytes."""
        if not self.is_fast:
            told = cache_pass(self.program, self.cache.resized(capacity))
            return TaskTraffic(told.load_bytes, told.store_bytes, told.waits)
        state = np.zeros((self._blocks + 1, 4), np.int64)
        state[-1, :2] = self._blocks
        moved, waits = self._moved.copy(), np.zeros(self.program.tasks, np.bool_)
        stored = np.full((self._cells, 2), -2, np.int64)
        serve_tasks(*self._trace, self._results, capacity, state, stored, moved, waits)
        return TaskTraffic(moved[0], moved[1], waits)


@compiled(
    "void(int64[::1], int32[::1], uint8[::1], int64[::1], int64[::1], boolean[::1], int64[:,::1], "
    "int64, int64[:,::1], int64[:,::1], int64[:,::1], boolean[::1])"
)
def serve_tasks(
    start: Ints,
    block: NDArray[np.int32],
    code: NDArray[np.uint8],
    size: Ints,
    cell: Ints,
    write: Flags,
    results: Ints,
    capacity: int,
    state: Ints,
    stored: Ints,
    moved: Ints,
    waits: Flags,
) -> None:
    """Do what :func:`memsim.engines.cache.compiled_order.serve` does, and charge tasks at once.

    ``cell`` and ``write`` are per access; ``results`` has rows of task and cell of what is
    written through. ``state`` is as there, but ``DIRTY`` is one more than the cell that made the
    block dirty. ``stored`` keeps of each cell the last two
    tasks that stored it. ``moved`` has two rows, loads and stores, and holds the results.
    """
    ring = len(size)
    used = 0
    given = 0
    for task in range(len(start) - 1):
        for at in range(start[task], start[task + 1]):
            b = block[at]
            dies = code[at] & LAST
            kind = code[at] & KIND
            dirties = kind == WRITE
            side = 1 if write[at] else 0
            if state[b, HELD]:  # held: take it out of the ring
                older = state[b, OLDER]
                newer = state[b, NEWER]
                state[older, NEWER] = newer
                state[newer, OLDER] = older
                used -= size[b]
            else:
                if kind == READ:
                    moved[side, task] += size[b]
                    last = stored[cell[at], 0]
                    if last == task:
                        last = stored[cell[at], 1]
                    if last == task - 1 and task > 0:
                        waits[task] = True
                state[b, DIRTY] = 0
                while used + size[b] > capacity and used > 0:
                    victim = state[ring, NEWER]
                    newer = state[victim, NEWER]
                    state[ring, NEWER] = newer
                    state[newer, OLDER] = ring
                    state[victim, HELD] = 0
                    used -= size[victim]
                    if state[victim, DIRTY]:
                        moved[side, task] += size[victim]
                        from_ = state[victim, DIRTY] - 1
                        if side and stored[from_, 0] != task:
                            stored[from_, 1] = stored[from_, 0]
                            stored[from_, 0] = task
                if used + size[b] > capacity:  # larger than the cache: it does not stay
                    if dirties and not dies:
                        moved[side, task] += size[b]
                        if side and stored[cell[at], 0] != task:
                            stored[cell[at], 1] = stored[cell[at], 0]
                            stored[cell[at], 0] = task
                    continue
            state[b, HELD] = not dies
            if not dies:
                if dirties:
                    state[b, DIRTY] = cell[at] + 1
                newest = state[ring, OLDER]
                state[newest, NEWER] = b
                state[b, OLDER] = newest
                state[b, NEWER] = ring
                state[ring, OLDER] = b
                used += size[b]
        while given < len(results) and results[given, 0] == task:
            done = results[given, 1]
            if stored[done, 0] != task:
                stored[done, 1] = stored[done, 0]
                stored[done, 0] = task
            given += 1
