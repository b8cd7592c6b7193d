"""The replay's time in closed form: a few maxima per task, no events."""

from __future__ import annotations

import numpy as np

from memsim.engines.clock.steps import Steps, Timeline


def recurrence(steps: Steps) -> Timeline:
    """When every load, compute and store happens, in closed form.

    The DRAM channel serves L1 L2 S1 L3 S2 ...; S(i) goes before L(i+1) where that load waits
    for it. Two buffers: L(i) needs the input buffer that task i-2 computed from, C(i) the
    output buffer that S(i-2) emptied. A load also waits until the host has issued its kernel,
    and what comes after it on the channel waits with it.
    """
    load, compute, store = steps.load, steps.compute, steps.store
    tasks = len(compute)
    issued = steps.issued or [0] * tasks
    start = {name: [0] * tasks for name in ("load", "compute", "store")}
    end = {name: [0] * tasks for name in ("load", "compute", "store")}
    channel = 0  # when the DRAM channel is free

    def transfer(name: str, task: int, ready: int, time: int) -> None:
        nonlocal channel
        begin = max(ready, channel) if time else ready
        start[name][task], end[name][task] = begin, begin + time
        if time:
            channel = begin + time

    for i in range(tasks):
        before, previous = (end["compute"][j] if j >= 0 else 0 for j in (i - 2, i - 1))
        if i and steps.waits[i]:
            transfer("store", i - 1, previous, store[i - 1])
        asked = max(previous if steps.waits[i] else before, issued[i])
        transfer("load", i, asked, load[i])
        if i and not steps.waits[i]:
            transfer("store", i - 1, max(previous, asked), store[i - 1])
        arrived = end["load"][i] + steps.latency[i]
        begin = max(arrived, previous, end["store"][i - 2] if i >= 2 else 0)
        start["compute"][i], end["compute"][i] = begin, begin + compute[i]
    if tasks:
        transfer("store", tasks - 1, end["compute"][-1], store[-1])
    columns = (
        np.array(side[name], dtype=np.int64)
        for name in ("load", "compute", "store")
        for side in (start, end)
    )
    return Timeline(*columns)


def _nothing_overlaps(steps: Steps) -> bool:
    """Whether every task loads when the one before it is stored."""
    return (
        steps.issued is None
        and all(steps.waits[1:])
        and not any(
            stored and not load for stored, load in zip(steps.store, steps.load[1:], strict=False)
        )
    )


def finish(steps: Steps) -> int:
    """When the last task of :func:`recurrence` is computed and stored, and nothing else.

    It is asked at many bandwidths, so it keeps no more than the two tasks before.

    Examples
    --------
    >>> finish(Steps([5, 5], [10, 10], [3, 3], [1, 1], [False, False]))
    29
    >>> finish(Steps([5, 5], [10, 10], [3, 3], [1, 1], [True, True]))  # one after the other
    38
    """
    if _nothing_overlaps(steps):
        return sum(map(sum, (steps.load, steps.compute, steps.store, steps.latency)))
    channel = computed = before = stored = emptied = last = 0
    pending = -1  # the store of the task before; -1: there is no such task
    issues = steps.issued or [0] * len(steps.load)
    for load, compute, store, latency, waits, issued in zip(
        steps.load, steps.compute, steps.store, steps.latency, steps.waits, issues, strict=True
    ):
        if waits and pending >= 0:  # that store goes first
            stored = computed
            if pending:
                stored = channel = max(stored, channel) + pending
            last = max(last, stored)
        arrived = asked = max(computed if waits else before, issued)
        if load:
            arrived = channel = max(asked, channel) + load
        if not waits and pending >= 0:
            stored = max(computed, asked)
            if pending:
                stored = channel = max(stored, channel) + pending
            last = max(last, stored)
        begin = max(arrived + latency, computed, emptied)
        before, computed = computed, begin + compute
        emptied, pending = stored, store
    if pending > 0:
        last = max(last, max(computed, channel) + pending)
    return max(last, computed)
