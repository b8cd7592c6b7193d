"""A scratchpad with LRU replacement, one step after the other: what an order has cost so far."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator

import numpy as np

from memsim.program.ordering.search import State
from memsim.program.ordering.steps import Steps, bits

Held = OrderedDict[int, bool]
"""The blocks that are held, the least recently used first, and whether each is dirty."""


class LruSteps:
    """The traffic of any order of steps in a scratchpad with LRU replacement.

    A block that gives way is read again, or it would be dead and gone. So with each eviction the
    traffic rises above the compulsory by the block's bytes, and by as many if it has to be written
    back. That counts what is to come as soon as it is certain, so a sequence of steps tells what
    every order costs at least that begins with it.

    Parameters
    ----------
    steps : Steps
    capacity : int
        Bytes.

    Attributes
    ----------
    work : int
        Accesses to blocks that have been simulated so far, and blocks of held ones copied.

    Examples
    --------
    >>> import memsim
    >>> from memsim.engines.cache.cachepass import cache_pass
    >>> program = memsim.build(memsim.load("squeezenet1_0"), buffer=65536)
    >>> lru = LruSteps(Steps(program), 300_000)
    >>> traffic = cache_pass(program, 300_000)
    >>> lru.cost(range(len(lru.steps))) == traffic.read_bytes + traffic.write_bytes
    True
    """

    def __init__(self, steps: Steps, capacity: int) -> None:
        self.steps, self.capacity, self.work = steps, capacity, 0
        program = steps.program
        step_of = np.zeros(len(program.kernels), np.int64)
        for number, kernels in enumerate(steps.kernels):
            step_of[kernels] = number
        touch_step = step_of[program.task_kernel[program.touch_task]]
        touching = [0] * len(program.cell_bytes)
        width = len(steps)
        pairs = np.unique(program.touch_cell.astype(np.int64) * width + touch_step)
        for pair in pairs.tolist():
            touching[pair // width] |= 1 << pair % width
        # The last touch of a cell in each step.
        key = touch_step * len(touching) + program.touch_cell
        last = np.zeros(len(key), np.bool_)
        last[len(key) - 1 - np.unique(key[::-1], return_index=True)[1]] = True
        through = program.cell_is_output[program.touch_cell]
        dirties = program.touch_write & ~through
        self._accesses: list[list[tuple[int, int, bool, bool, int]]] = [[] for _ in steps.kernels]
        touch = program.access_touch
        order = np.argsort(touch_step[touch], kind="stable")
        for block, size, writes, dirty, ends, cell, number in zip(
            program.access_block[order].tolist(),
            program.access_bytes[order].tolist(),
            program.access_write[order].tolist(),
            dirties[touch[order]].tolist(),
            last[touch[order]].tolist(),
            program.touch_cell[touch[order]].tolist(),
            touch_step[touch[order]].tolist(),
            strict=True,
        ):
            # Who else has to run before the block can die here; -1 where it is touched once more.
            others = touching[cell] & ~(1 << number) if ends else -1
            self._accesses[number].append((block, size, writes, dirty, others))
        self._size = program.block_bytes.tolist()

    def spent(self, most: int) -> Callable[[], bool]:
        """What tells, from now on, whether so much work has been done."""
        limit = self.work + most
        return lambda: self.work > limit

    def start(self) -> State:
        """Nothing has run."""
        cost = self.steps.program.compulsory_bytes
        return State(0, self.steps.ready(0), cost, 0, (0, ()), more=(OrderedDict(), 0))

    def cost(self, order: range | tuple[int, ...]) -> int:
        """The traffic of an order."""
        done, held, used, cost = 0, Held(), 0, self.steps.program.compulsory_bytes
        for step in order:
            used, more = self._run(step, done, held, used)
            done |= 1 << step
            cost += more
        return cost

    def expand(self, state: State) -> Iterator[State]:
        """The states that are one step longer."""
        held, used = state.more
        for step in bits(state.ready):
            now = held.copy()
            self.work += len(held)
            filled, more = self._run(step, state.done, now, used)
            done = state.done | 1 << step
            yield State(
                done,
                self.steps.next_ready(state.ready, done, step),
                state.cost + more,
                0,
                (done, tuple(now.items())),
                state.depth + 1,
                state,
                step,
                (now, filled),
            )

    def _run(self, step: int, done: int, held: Held, used: int) -> tuple[int, int]:
        """Run a step; return the bytes that are held then, and what was added to the traffic."""
        accesses, capacity, sizes = self._accesses[step], self.capacity, self._size
        left, cost = ~done, 0
        self.work += len(accesses)
        for block, size, writes, dirties, others in accesses:
            dies = others >= 0 and not others & left
            dirty = False
            if block in held:
                dirty = held.pop(block)
                used -= size
            else:
                while used and used + size > capacity:
                    victim, stale = held.popitem(last=False)
                    used -= sizes[victim]
                    cost += sizes[victim] * (1 + stale)
                if used + size > capacity:  # larger than the cache: it does not stay
                    if not dies:
                        cost += size * (1 + dirties)
                    continue
            if not dies:
                held[block] = dirties if writes else dirty
                used += size
        return used, cost
