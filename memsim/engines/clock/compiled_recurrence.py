"""The recurrence, compiled: for programs of very many tasks and for sweeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.clock.steps import Steps, Timeline
from memsim.engines.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


def compiled_recurrence(steps: Steps) -> Timeline:
    """Do what :func:`memsim.engines.clock.recurrence.recurrence` does.

    Examples
    --------
    >>> line = compiled_recurrence(Steps([5, 5], [10, 10], [3, 3], [1, 1], [False, False]))
    >>> line.compute_start.tolist(), line.store_end.tolist()
    ([6, 16], [19, 29])
    """
    durations = np.array([steps.load, steps.compute, steps.store, steps.latency], np.int64)
    columns = np.zeros((6, len(steps.compute)), np.int64)
    issued = np.array(steps.issued or [0] * len(steps.compute), np.int64)
    advance(durations, np.array(steps.waits, np.bool_), issued, columns)
    return Timeline(*columns)


@compiled("void(int64[:,::1], boolean[::1], int64[::1], int64[:,::1])")
def advance(durations: Ints, waits: NDArray[np.bool_], issued: Ints, columns: Ints) -> None:
    """Fill the rows of ``columns``: start and end of loads, of computations and of stores.

    The rows of ``durations`` are loads, computations, stores and latencies.
    """
    tasks = durations.shape[1]
    channel = 0
    for i in range(tasks + 1):
        previous = columns[3, i - 1] if i >= 1 else 0
        before = columns[3, i - 2] if i >= 2 else 0
        bound = i < tasks and waits[i]
        for turn in range(2):
            if (turn == 0) == bound:  # the store of the task before
                if i == 0:
                    continue
                row = 4
                task = i - 1
                time = durations[2, task]
                begin = previous
                if turn == 1 and i < tasks:  # it is asked for after the load is
                    begin = max(begin, issued[i])
            else:
                if i == tasks:
                    continue
                row = 0
                task = i
                time = durations[0, task]
                begin = max(previous if bound else before, issued[i])
            if time > 0:
                begin = max(begin, channel)
                channel = begin + time
            columns[row, task] = begin
            columns[row + 1, task] = begin + time
        if i < tasks:
            arrived = columns[1, i] + durations[3, i]
            emptied = columns[5, i - 2] if i >= 2 else 0
            begin = max(arrived, previous, emptied)
            columns[2, i] = begin
            columns[3, i] = begin + durations[1, i]
