"""The critical path: which loads, computations and stores a time consists of.

A timeline is a maximum of sums. Walked backwards from its end, every step begins where another
one ended, and the durations on the way add up to the whole time. So on the path a time is linear
in seconds per byte, per MAC and per kernel, which is what a fit needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.clock.steps import Steps, Timeline

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Path:
    """What lies on a critical path: bool arrays, one entry per task.

    ``issuing`` are the picoseconds before the first of it, in which the host issues kernels.
    """

    load: Mask
    latency: Mask
    compute: Mask
    store: Mask
    issuing: int = 0

    def time(self, steps: Steps) -> int:
        """The durations on the path, summed: picoseconds."""
        pairs = (
            (self.load, steps.load),
            (self.latency, steps.latency),
            (self.compute, steps.compute),
            (self.store, steps.store),
        )
        took = sum(int(np.array(times, np.int64)[mask].sum()) for mask, times in pairs)
        return self.issuing + took


def everything(tasks: int) -> Path:
    """The path of a machine on which nothing overlaps."""
    every = np.ones(tasks, np.bool_)
    return Path(every, every, every, every)


def critical_path(steps: Steps, line: Timeline) -> Path:
    """Walk a timeline backwards.

    Where two steps end at the same time the walk follows the computation first, then the
    transfer: a choice, but the same one every time.

    Parameters
    ----------
    steps : Steps
    line : Timeline
        Of these steps.

    Examples
    --------
    Two tasks, bound by their computation:

    >>> from memsim.engines.clock.recurrence import recurrence
    >>> steps = Steps([5, 5], [10, 10], [3, 3], [1, 1], [False, False])
    >>> path = critical_path(steps, recurrence(steps))
    >>> path.load.tolist(), path.compute.tolist(), path.store.tolist()
    ([True, False], [True, True], [False, True])
    >>> path.time(steps) == recurrence(steps).end
    True
    """
    return _Walk(steps, line).run()


class _Walk:
    def __init__(self, steps: Steps, line: Timeline) -> None:
        self.steps = steps
        self.start = {
            "load": line.load_start.tolist(),
            "compute": line.compute_start.tolist(),
            "store": line.store_start.tolist(),
        }
        self.end = {
            "load": line.load_end.tolist(),
            "compute": line.compute_end.tolist(),
            "store": line.store_end.tolist(),
        }
        self.on = {name: [False] * len(steps.compute) for name in ("load", "compute", "store")}
        self.late = [False] * len(steps.compute)
        self.issued = steps.issued or [0] * len(steps.compute)
        self.issuing = 0

    def run(self) -> Path:
        tasks = len(self.steps.compute)
        at: tuple[str, int] | None = None
        if tasks:
            at = ("compute", tasks - 1)
            last = max(range(tasks), key=self.end["store"].__getitem__)
            if self.end["store"][last] > self.end["compute"][-1]:
                at = ("store", last)
        while at is not None:
            name, task = at
            self.on[name][task] = True
            at = self._before(name, task)
        masks = {name: np.array(marks, np.bool_) for name, marks in self.on.items()}
        late = np.array(self.late, np.bool_)
        return Path(masks["load"], late, masks["compute"], masks["store"], self.issuing)

    def _before(self, name: str, task: int) -> tuple[str, int] | None:
        """The step whose end let this one begin; None at time 0."""
        begin = self.start[name][task]
        if name == "compute":
            if self.end["load"][task] + self.steps.latency[task] == begin and (
                not task or self.end["compute"][task - 1] < begin
            ):
                self.late[task] = True
                return "load", task
            candidates = [("compute", task - 1), ("store", task - 2)]
        elif name == "load":
            if begin == self.issued[task]:
                self.issuing = begin
                return None
            before = task - 1 if self.steps.waits[task] else task - 2
            candidates = [("compute", before), *self._channel(task)]
        else:
            if task + 1 < len(self.issued) and begin == self.issued[task + 1]:
                self.issuing = begin  # it is asked for after the load of the next task
                return None
            candidates = [("compute", task), ("load", task + 1), *self._channel(task + 1)]
        if begin == 0:
            return None
        for other, number in candidates:
            if 0 <= number < len(self.steps.compute) and self.end[other][number] == begin:
                return other, number
        raise AssertionError(f"nothing ends when {name} {task} begins")  # a timeline of other steps

    def _channel(self, task: int) -> list[tuple[str, int]]:
        """Transfers that may have kept the channel busy before the load of a task."""
        return [
            (name, number)
            for number in range(task - 1, max(task - 4, -1), -1)
            for name in ("store", "load")
        ]
