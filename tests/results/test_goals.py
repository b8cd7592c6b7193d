"""Questions the other way round: the number that is told keeps to the goal, and one less fails."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memsim
from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.cache.task_pass import TaskPasses
from memsim.machine.cache import Cache
from memsim.results.inverse.smallest import Smallest
from memsim.results.inverse.workload import Workload
from memsim.results.run import Result
from memsim.simulate.preparation import prepare_all
from tests.strategies import networks

NETS = ("patterns/harmonic", "patterns/dense")


@pytest.fixture(scope="module", name="nets")
def _nets() -> list[memsim.Network]:
    return [memsim.load(name, dtype="int8", input_shape="3x40x40") for name in NETS]


def run(network: memsim.Network, over: str, number: int, **options: object) -> Result:
    """What happens with the number that was told."""
    return memsim.run(network, machine="edge", clock="recurrence", **{over: number, **options})


def fails(goal: dict[str, object], *runs: Result) -> bool:
    """Whether runs, one after the other, miss a goal: by hand, from what runs tell."""
    ((name, value),) = goal.items()
    time = sum(each.time_ps for each in runs)
    if name == "time":
        return time > int(str(value).removesuffix("us")) * 10**6
    if name == "fps":
        return time * int(str(value)) > 10**12
    if name == "stall":
        computing = sum(sum(each.steps.compute) for each in runs)
        return (time - computing) * 100 > time * int(str(value).removesuffix("%"))
    if name == "energy":
        return sum(each.totals["energy_j"] for each in runs) > float(str(value)[:-2]) * 1e-6
    if name == "within":
        least = sum(each.compulsory_bytes for each in runs)
        return sum(each.dram_bytes for each in runs) * 100 > least * (100 + int(str(value)))
    return sum(each.dram_bytes for each in runs) > int(str(value))


GOALS = [
    ("cache", {"time": "3000us"}, {}),
    ("cache", {"fps": 205}, {"order": "best"}),
    ("cache", {"stall": "20%"}, {}),
    ("cache", {"energy": "700uJ"}, {}),
    ("cache", {"within": 50}, {}),
    ("cache", {"traffic": 4_000_000}, {}),
    ("bandwidth", {"time": "3000us"}, {"cache": "100kB"}),
    ("bandwidth", {"fps": 200}, {"cache": "100kB", "policy": "fifo"}),
    ("bandwidth", {"stall": "20%"}, {"cache": "100kB", "order": "best"}),
    ("macs", {"time": "5000us"}, {"cache": "100kB"}),
    ("macs", {"fps": 150}, {"cache": "100kB", "bandwidth": "50GB/s"}),
]


@pytest.mark.parametrize(("over", "goal", "options"), GOALS)
def test_one_less_fails(nets, over: str, goal: dict, options: dict) -> None:
    found = memsim.size(nets, over=over, machine="edge", **goal, **options)
    assert isinstance(found, Smallest)
    alone = [[net] for net in nets]
    groups = [*([part] for part in alone), alone, [nets]]
    for answer, parts in zip(found.answers, groups, strict=True):
        number = answer.number

        def missed(number: int, parts=parts) -> bool:
            return any(
                fails(goal, *(run(net, over, number, **options) for net in part)) for part in parts
            )

        if number is None:
            assert answer.together == "in turn"
            assert missed(10**12)
            continue
        assert not missed(number)
        if number > 1 or (over == "cache" and number):
            assert missed(number - 1)
    most = max(answer.number for answer in found.answers[:2])
    assert found.number >= most if over == "cache" else found.number == most


def test_the_largest_engine_that_memory_keeps_up_with(nets) -> None:
    found = memsim.size(nets, stall="20%", over="macs", machine="edge", cache="100kB")
    assert found.is_largest
    goal = {"stall": "20%"}
    for net, answer in zip(nets, found.answers[:2], strict=True):
        assert not fails(goal, run(net, "macs", answer.number, cache="100kB"))
        assert fails(goal, run(net, "macs", answer.number + 1, cache="100kB"))
    assert found.answers[2].number == min(answer.number for answer in found.answers[:2])


def test_a_larger_cache_may_take_longer(nets) -> None:
    """So no promise of larger ones is made: of every smaller one at which traffic changes it is."""
    work = Workload(*prepare_all(nets[0], machine="edge"))
    sizes = work.breakpoints.tolist()
    times = [work.at(size).time_ps for size in sizes]
    some = slice(None, None, len(sizes) // 12)
    assert times[some] == [run(nets[0], "cache", size).time_ps for size in sizes[some]]
    rises = [i for i in range(1, len(sizes)) if times[i] > min(times[:i])]
    assert rises
    for place in rises[:2]:
        limit = min(times[:place])  # met by a smaller cache, and by this one not
        found = memsim.size(nets[0], time=Fraction(limit, 10**12), machine="edge")
        assert not found.is_certain
        assert found.number < sizes[place]
        assert run(nets[0], "cache", found.number).time_ps <= limit < times[place]
        assert all(
            time > limit for size, time in zip(sizes, times, strict=True) if size < found.number
        )


@settings(max_examples=15, deadline=None)
@given(networks(), st.integers(0, 200_000), st.sampled_from(["lru", "fifo"]))
def test_tasks_move_what_a_cache_pass_says(network, capacity: int, policy: str) -> None:
    program = memsim.build(network, buffer=64 * 1024)
    cache = Cache(size=capacity, policy=policy)
    told, tasks = cache_pass(program, cache), TaskPasses(program, cache).at(capacity)
    for name in ("load_bytes", "store_bytes", "waits"):
        assert np.array_equal(getattr(told, name), getattr(tasks, name)), name


def test_of_a_cache_of_sets_the_sizes_looked_at(nets) -> None:
    options = {"machine": "edge", "management": "hardware", "ways": 8}
    loose = memsim.size(nets[0], fps=10, **options)
    assert loose.number == min(loose.sampled)


def test_of_a_cache_of_lines_one_byte_less_fails() -> None:
    tiny = memsim.load("patterns/harmonic", input_shape="3x12x12", dtype="int8")
    options = {"management": "hardware", "ways": 0}
    found = memsim.size(tiny, time="1720us", machine="edge", **options)
    (answer,) = found.answers
    assert not answer.is_first
    goal = {"time": "1720us"}
    assert answer.number is not None
    assert not fails(goal, run(tiny, "cache", answer.number, **options))
    assert fails(goal, run(tiny, "cache", answer.number - 1, **options))


def test_a_goal_out_of_reach_tells_the_best(nets) -> None:
    with pytest.raises(memsim.SimulationError) as caught:
        memsim.size(nets, time="1us", machine="edge")
    assert len(caught.value.problems) == len(nets)
    found = memsim.size(nets, fps=230, machine="edge", order="best")
    in_turn = found.answers[-1]
    assert (in_turn.together, in_turn.number) == ("in turn", None)
    best = max(
        10**12 / sum(run(net, "cache", size, order="best").time_ps for net in nets)
        for size in (0, 10**6)
    )
    assert in_turn.reached >= best
    assert "none" in str(found)


def test_what_is_told_of_several(nets) -> None:
    found = memsim.size(nets, fps=150, over="bandwidth", machine="edge")
    rows = found.rows()
    assert [row["together"] for row in rows] == ["alone", "alone", "each", "in turn"]
    assert all(row["frames_per_s"] >= 150 > row["frames_per_s_with_less"] for row in rows)
    told = found.to_dict()
    assert (told["schema"], told["goal"], told["limit"]) == ("memsim.size/2", "fps", 150)
    assert told["every_larger_does_it"]
