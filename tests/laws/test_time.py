"""Law 6: the replay's time is the recurrence's. Law 7: its bounds. Boundary-exact timing."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from memsim.engines.clock.compiled_recurrence import compiled_recurrence
from memsim.engines.clock.recurrence import finish, recurrence
from memsim.engines.clock.replay import replay
from memsim.engines.clock.steps import Steps, Timeline

COLUMNS = [f"{what}_{edge}" for what in ("load", "compute", "store") for edge in ("start", "end")]


@st.composite
def random_steps(draw: st.DrawFn) -> Steps:
    tasks = draw(st.integers(0, 40))
    times = st.lists(st.integers(0, 5), min_size=tasks, max_size=tasks)
    load, compute, store = draw(times), draw(times), draw(times)
    latency = draw(st.integers(0, 3))
    waits = [draw(st.booleans()) and i > 0 and store[i - 1] > 0 < load[i] for i in range(tasks)]
    issued = draw(st.none() | st.just(draw(queues(tasks))))
    return Steps(load, compute, store, [latency if time else 0 for time in load], waits, issued)


@st.composite
def queues(draw: st.DrawFn, tasks: int) -> list[int]:
    """When each task's kernel is issued: the tasks of a kernel together, kernels in turn."""
    launch, first = draw(st.integers(0, 12)), draw(st.lists(st.booleans(), min_size=tasks,
                                                           max_size=tasks))  # fmt: skip
    return [launch * (1 + sum(first[:i])) for i in range(tasks)]


def same(one: Timeline, other: Timeline) -> None:
    for column in COLUMNS:
        assert getattr(one, column).tolist() == getattr(other, column).tolist(), column


@given(random_steps())
def test_replay_equals_recurrence(steps: Steps) -> None:
    same(replay(steps), recurrence(steps))


@given(random_steps())
def test_the_compiled_recurrence_is_the_plain_one(steps: Steps) -> None:
    same(compiled_recurrence(steps), recurrence(steps))


@given(random_steps())
def test_the_end_alone_is_the_end_of_the_recurrence(steps: Steps) -> None:
    assert finish(steps) == recurrence(steps).end


@given(random_steps())
def test_hardware_never_overlaps_with_itself(steps: Steps) -> None:
    line = replay(steps)
    busy = [
        span
        for pair in zip(
            zip(line.load_start, line.load_end, strict=True),
            zip(line.store_start, line.store_end, strict=True),
            strict=True,
        )
        for span in pair
        if span[0] < span[1]
    ]
    busy.sort()
    assert all(a[1] <= b[0] for a, b in pairwise(busy))
    assert (line.compute_start[1:] >= line.compute_end[:-1]).all()
    assert (line.compute_start >= line.load_end + np.array(steps.latency, dtype=int)).all()
    assert (line.store_start >= line.compute_end).all()
    assert (line.load_start[2:] >= line.compute_end[:-2]).all()  # two input buffers
    assert (line.compute_start[2:] >= line.store_end[:-2]).all()  # two output buffers


@given(random_steps())
def test_time_lies_between_the_busiest_engine_and_the_sum_of_all(steps: Steps) -> None:
    end = replay(steps).end
    dram, compute, issued = sum(steps.load) + sum(steps.store), sum(steps.compute), steps.issued
    last = max(issued or [0], default=0)
    assert max(dram, compute, last) <= end <= last + dram + compute + sum(steps.latency)


def times(load: list[int], compute: list[int], store: list[int], **other: list[int]) -> Timeline:
    tasks = len(load)
    waits = [bool(w) for w in other.get("waits", [0] * tasks)]
    latency, issued = other.get("latency", [0] * tasks), other.get("issued")
    steps = Steps(load, compute, store, latency, waits, issued)
    line = replay(steps)
    same(line, recurrence(steps))
    same(line, compiled_recurrence(steps))
    assert finish(steps) == line.end
    return line


def test_the_second_load_overlaps_the_first_computation() -> None:
    assert times([5, 5], [7, 7], [0, 0]).compute_start.tolist() == [5, 12]


def test_computation_does_not_start_a_picosecond_before_the_data_arrive() -> None:
    assert times([5], [1], [0], latency=[3]).compute_start.tolist() == [8]


def test_the_third_load_waits_for_the_first_computation_and_not_longer() -> None:
    assert times([1, 1, 1], [9, 9, 9], [0, 0, 0]).load_start.tolist() == [0, 1, 10]


def test_the_third_load_waits_for_the_first_store() -> None:
    line = times([1, 1, 1], [9, 9, 9], [4, 0, 0])
    assert (line.store_start[0], line.load_start[2]) == (10, 14)


def test_the_third_computation_waits_for_the_output_buffer() -> None:
    line = times([1, 0, 0], [1, 1, 1], [50, 0, 0])
    assert line.compute_start.tolist() == [1, 2, 52]


def test_a_load_that_fetches_what_was_just_stored_waits_for_it() -> None:
    free = times([1, 1], [9, 9], [4, 0])
    bound = times([1, 1], [9, 9], [4, 0], waits=[0, 1])
    assert free.load_start.tolist() == [0, 1]
    assert bound.load_start.tolist() == [0, 14]
    assert bound.end - free.end == 5


def test_a_kernel_does_not_begin_before_it_is_issued_and_not_a_picosecond_later() -> None:
    line = times([2, 2], [5, 5], [0, 0], waits=[0, 1], issued=[10, 20])
    assert line.load_start.tolist() == [10, 20]  # the device waits for the host
    assert line.end == 27


def test_while_the_device_computes_the_host_issues() -> None:
    for launch, end in ((1, 22), (10, 31), (11, 33), (12, 36), (13, 39)):
        # Kernels of 10 and 11, and a short one of 0: pipelined, the slower side rules.
        issued = [launch, 2 * launch, 3 * launch]
        line = times([0, 0, 0], [10, 11, 0], [0, 0, 0], waits=[0, 1, 1], issued=issued)
        assert line.end == end == max(launch + 21, 2 * launch + 11, 3 * launch), launch


def test_the_last_store_of_a_kernel_does_not_wait_for_the_next_to_be_issued() -> None:
    line = times([0, 0], [5, 5], [3, 0], waits=[0, 1], issued=[1, 50])
    assert (line.store_start[0], line.store_end[0], line.compute_start[1]) == (6, 9, 50)


def test_no_tasks_take_no_time() -> None:
    assert times([], [], []).end == 0
