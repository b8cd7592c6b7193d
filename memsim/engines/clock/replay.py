"""The replay: a SimPy model of the machine, task after task.

Three pieces of hardware: the DRAM channel serves one transfer at a time; the DMA engine loads
and stores in a fixed order, with two input and two output buffers; the compute engine works on
one task at a time. Where a host issues kernels, one after the other, neither begins a kernel
before it is issued. Time is in integer picoseconds.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import simpy

from memsim.engines.clock.steps import Steps, Timeline

Process = Generator[simpy.Event, None, None]

KEPT = 8
"""Tasks whose signals are remembered; the engines are never more than two tasks apart."""


class Signal(simpy.Event):
    """An event that happens a given time after it is announced.

    Unlike a :class:`simpy.Timeout` it can be waited for before anybody knows when it will be.
    """

    def announce(self, delay: int) -> None:
        """Let it happen ``delay`` from now."""
        self._ok = True
        self._value = None
        self.env.schedule(self, delay=delay)


class Signals(dict[int, Signal]):
    """The signals of the tasks at hand, each made when somebody first asks for it."""

    def __init__(self, env: simpy.Environment) -> None:
        super().__init__()
        self.env = env

    def __missing__(self, task: int) -> Signal:
        signal = self[task] = Signal(self.env)
        return signal


class Dram:
    """One channel that serves transfers in the order in which they are asked for.

    It keeps the time at which it will be free instead of a queue of requests: for a channel
    served in order the two are the same, and this is several times faster.
    """

    def __init__(self) -> None:
        self.free = 0

    def transfer(self, now: int, duration: int) -> tuple[int, int]:
        """Reserve the channel; return when the transfer starts and ends."""
        start = now if now > self.free else self.free
        self.free = start + duration
        return start, self.free


class Replay:
    """One run of the model; :func:`replay` builds and runs it.

    Transfers of nothing take no time on the channel and nobody waits for them.
    """

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.issued = steps.issued or [0] * len(steps.compute)
        self.env = env = simpy.Environment()
        self.dram = Dram()
        self.loaded, self.computed, self.stored = Signals(env), Signals(env), Signals(env)
        self.loads: list[tuple[int, int]] = []
        self.computes: list[tuple[int, int]] = []
        self.stores: list[tuple[int, int]] = []
        env.process(self.dma())
        env.process(self.compute())

    def dma(self) -> Process:
        """Load and store: L1 L2 S1 L3 S2 ..., S(i) before L(i+1) where that waits for it."""
        computed, waits = self.computed, self.steps.waits
        tasks = len(self.steps.compute)
        for i in range(tasks):
            if i and waits[i]:
                yield computed[i - 1]
                self._store(i - 1)
            if i >= 2:
                yield computed[i - 2]  # its input buffer is free again
            if self.issued[i] > self.env.now:
                yield self.env.timeout(self.issued[i] - self.env.now)
            self._load(i)
            if i and not waits[i]:
                yield computed[i - 1]
                self._store(i - 1)
        if tasks:
            yield computed[tasks - 1]
            self._store(tasks - 1)

    def _load(self, i: int) -> None:
        now, duration = int(self.env.now), self.steps.load[i]
        if duration:
            span = self.dram.transfer(now, duration)
            self.loaded[i].announce(span[1] + self.steps.latency[i] - now)
        self.loads.append(span if duration else (now, now))

    def _store(self, i: int) -> None:
        now, duration = int(self.env.now), self.steps.store[i]
        if duration:
            span = self.dram.transfer(now, duration)
            self.stored[i].announce(span[1] - now)
        self.stores.append(span if duration else (now, now))

    def compute(self) -> Process:
        """Compute each task once its data are there and an output buffer is empty."""
        env, load, store = self.env, self.steps.load, self.steps.store
        for i, duration in enumerate(self.steps.compute):
            if load[i]:
                yield self.loaded[i]
            elif self.issued[i] > env.now:
                yield env.timeout(self.issued[i] - env.now)
            if i >= 2 and store[i - 2]:
                yield self.stored[i - 2]
            start = int(env.now)
            self.computes.append((start, start + duration))
            done = self.computed[i]
            done.announce(duration)
            yield done
            self._forget(i - KEPT)

    def _forget(self, task: int) -> None:
        """Nobody waits for so old a task any more."""
        for signals in (self.loaded, self.computed, self.stored):
            signals.pop(task, None)


def replay(steps: Steps) -> Timeline:
    """Run the model event by event, in SimPy.

    Parameters
    ----------
    steps : Steps
        Durations per task.

    Returns
    -------
    Timeline

    Examples
    --------
    Two tasks: the second load overlaps the first computation.

    >>> line = replay(Steps([5, 5], [10, 10], [3, 3], [1, 1], [False, False]))
    >>> line.compute_start.tolist(), line.store_end.tolist()
    ([6, 16], [19, 29])
    """
    run = Replay(steps)
    run.env.run()
    columns = []
    for spans in (run.loads, run.computes, run.stores):
        pairs = np.array(spans, dtype=np.int64).reshape(-1, 2)
        columns += [pairs[:, 0], pairs[:, 1]]
    return Timeline(*columns)
