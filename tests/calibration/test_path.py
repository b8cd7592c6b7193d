"""The critical path adds up to the time."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from memsim.calibration.path import critical_path, everything
from memsim.engines.clock.recurrence import recurrence
from memsim.engines.clock.steps import Steps


@st.composite
def random_steps(draw: st.DrawFn) -> Steps:
    tasks = draw(st.integers(0, 30))
    times = st.lists(st.integers(0, 5), min_size=tasks, max_size=tasks)
    load, compute, store = draw(times), draw(times), draw(times)
    latency = draw(st.integers(0, 3))
    waits = draw(st.lists(st.booleans(), min_size=tasks, max_size=tasks))
    issued = draw(st.none() | st.just(sorted(draw(st.lists(st.integers(0, 90), min_size=tasks,
                                                           max_size=tasks)))))  # fmt: skip
    late = [latency if time else 0 for time in load]
    return Steps(load, compute, store, late, waits, issued)


@given(random_steps())
def test_it_adds_up_to_the_time(steps: Steps) -> None:
    line = recurrence(steps)
    assert critical_path(steps, line).time(steps) == line.end


@given(random_steps())
def test_where_nothing_overlaps_it_is_everything(steps: Steps) -> None:
    load = [time or 1 for time in steps.load]
    serial = Steps(load, steps.compute, steps.store, steps.latency, [True] * len(steps.load))
    line = recurrence(serial)
    assert everything(len(serial.load)).time(serial) == line.end
    assert critical_path(serial, line).time(serial) == line.end


def test_what_is_hidden_is_not_on_it() -> None:
    steps = Steps([9, 9, 9], [1, 1, 1], [0, 0, 0], [0, 0, 0], [False] * 3)
    path = critical_path(steps, recurrence(steps))
    assert path.load.tolist() == [True, True, True]
    assert path.compute.tolist() == [False, False, True]
    assert not path.store.any()
    assert isinstance(path.load, np.ndarray)
