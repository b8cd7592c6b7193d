"""Durations of a task by hand: bytes over a rate of one per picosecond, and one thing changed."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

import memsim
from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.clock.rates import paid_macs
from memsim.engines.clock.recurrence import recurrence
from memsim.engines.clock.steps import LONGEST, Steps, first_of_kernel, steps
from memsim.errors import SimulationError
from memsim.machine import Machine
from memsim.network import Network, Node
from memsim.network.ops.base import Operator
from memsim.network.ops.conv import Conv
from memsim.network.ops.pointwise import Relu
from memsim.network.ops.pool import MaxPool
from memsim.network.ops.shape import Input
from memsim.results.run import Result
from memsim.units import duration

EDGE = memsim.load_machine("textbook")
ONE = Fraction(10**12)
"""One per picosecond."""

LOAD, STORE, MACS = 2 * 16 * 4 + 3 * 2 * 4, 3 * 16 * 4, 2 * 3 * 16
"""Of the convolution below: input and weights, output, multiply-accumulates."""


def machine(cache: Any = None, dram: Any = None, compute: Any = None) -> Machine:
    """One byte, MAC and operation per picosecond; no latency, no overhead, bursts of a byte."""
    rates = EDGE.compute.macs_per_s.model_copy(update={"conv": ONE})
    computes = {"macs_per_s": rates, "elementwise_per_s": ONE, "kernel_overhead": 0}
    drams = {"bandwidth": ONE, "efficiency": Fraction(1), "latency": 0, "burst": 1}
    return EDGE.model_copy(
        update={
            "cache": EDGE.cache.model_copy(update={"bandwidth": None, **(cache or {})}),
            "dram": EDGE.dram.model_copy(update={**drams, **(dram or {})}),
            "compute": EDGE.compute.model_copy(update={**computes, **(compute or {})}),
        }
    )


def program(*ops: Operator, batch: int = 1) -> memsim.Program:
    """Operators one after the other on a 2 x 4 x 4 fp32 map, each a kernel, a task per image."""
    nodes = [Node("x", Input(shape=(2, 4, 4)))]
    for number, op in enumerate(ops):
        nodes.append(Node(f"n{number}", op, (nodes[-1].name,)))
    network = Network("tiny", nodes, batch=batch)
    return memsim.build(network, buffer=1 << 20, lowering="eager", images="apart")


def durations(*ops: Operator, batch: int = 1, **changes: Any) -> Steps:
    built = program(*ops, batch=batch)
    return steps(built, cache_pass(built, 1 << 20), machine(**changes))


def test_bytes_and_macs_over_their_rates() -> None:
    found = durations(Conv(out=3))
    assert (found.load, found.store, found.compute) == ([LOAD], [STORE], [MACS])
    assert (found.latency, found.waits) == ([0], [False])


def test_transfers_are_whole_bursts() -> None:
    for burst, load in ((LOAD, LOAD), (LOAD - 1, 2 * (LOAD - 1)), (LOAD + 1, LOAD + 1)):
        assert durations(Conv(out=3), dram={"burst": burst}).load == [load]
    assert durations(Conv(out=3), dram={"burst": 128}).store == [256]


def test_only_part_of_the_peak_can_be_used() -> None:
    assert durations(Conv(out=3), dram={"efficiency": Fraction(1, 2)}).load == [2 * LOAD]


def test_the_latency_is_that_of_loads_that_move_something() -> None:
    found = durations(Conv(out=3), Relu(), dram={"latency": 7})
    assert found.load == [LOAD, 0]  # the second reads what lies in the cache
    assert found.latency == [7, 0]


def test_a_kernel_pays_its_overhead_with_its_first_task() -> None:
    found = durations(Conv(out=3), Relu(), batch=2, compute={"kernel_overhead": 5})
    assert found.compute == [MACS + 5, MACS, 48 + 5, 48]
    assert first_of_kernel(program(Conv(out=3), Relu(), batch=2)).tolist() == [1, 0, 1, 0]


def test_the_cache_may_be_slower_than_the_macs() -> None:
    exchanged = LOAD + STORE
    assert durations(Conv(out=3), cache={"bandwidth": ONE}).compute == [exchanged]
    slower = ONE * exchanged / (MACS + 1)
    assert durations(Conv(out=3), cache={"bandwidth": slower}).compute == [MACS + 1]
    as_fast = ONE * exchanged / MACS
    assert durations(Conv(out=3), cache={"bandwidth": as_fast}).compute == [MACS]


def test_where_nothing_overlaps_what_goes_through_the_cache_adds_up() -> None:
    exchanged = LOAD + STORE
    for rate in (ONE, 100 * ONE, ONE / 3):
        found = durations(Conv(out=3), cache={"bandwidth": rate}, compute={"overlap": "none"})
        assert found.compute == [MACS + duration(exchanged, rate)]
    kernelwise = {"cache": {"bandwidth": ONE}, "compute": {"overlap": "kernel"}}
    assert durations(Conv(out=3), **kernelwise).compute == [exchanged]


def test_windows_without_macs_run_at_the_pooling_rate() -> None:
    looked_at = 2 * 2 * 2 * 4  # 2 x 2 x 2 outputs of 4 inputs each
    slow = {"pooling_per_s": ONE / 3}
    assert durations(MaxPool(kernel=2)).compute == [looked_at]
    assert durations(MaxPool(kernel=2), compute=slow).compute == [3 * looked_at]
    assert durations(Relu(), compute=slow).compute == [32]
    # A window that is the whole map is a sum, as fast as any.
    assert durations(MaxPool(kernel=4), compute=slow).compute == [32]


def test_a_rate_of_depthwise_convolutions_is_theirs_alone() -> None:
    rates = EDGE.compute.macs_per_s.model_copy(update={"conv": ONE, "depthwise": ONE / 4})
    own = {"macs_per_s": rates}
    assert durations(Conv(out=2, groups=2), compute=own).compute == [4 * 32]
    assert durations(Conv(out=2), compute=own).compute == [64]


def test_a_group_pays_for_its_own_tiles_of_channels() -> None:
    built = program(Conv(out=20), Conv(out=20, groups=2))  # 10 channels per group
    for tile, paid in ((8, [24, 32]), (10, [20, 20]), (11, [22, 22]), (16, [32, 32])):
        tiled = paid_macs(built, machine(compute={"channel_tile": tile}))
        assert (tiled * 20 // built.task_macs).tolist() == paid


def test_durations_are_rounded_up() -> None:
    assert [duration(amount, 4 * ONE) for amount in (0, 1, 4, 5)] == [0, 1, 1, 2]
    assert durations(Conv(out=3), dram={"bandwidth": 7 * ONE}).load == [-(-LOAD // 7)]


def test_the_longest_time_is_allowed_and_not_a_picosecond_more() -> None:
    rest = LONGEST - (LOAD + STORE + MACS)
    for part, name in (("dram", "latency"), ("compute", "kernel_overhead")):
        assert durations(Conv(out=3), **{part: {name: rest}})
        with pytest.raises(SimulationError, match="the simulated time is beyond 13 days"):
            durations(Conv(out=3), **{part: {name: rest + 1}})
    with pytest.raises(SimulationError, match="the simulated time is beyond"):
        durations(Conv(out=3), dram={"bandwidth": Fraction(LOAD * 10**12, LONGEST + 1)})


class TestOverlap:
    def test_where_nothing_overlaps_each_task_waits_for_the_store_before(self) -> None:
        found = durations(Conv(out=3), Relu(), batch=2, compute={"overlap": "none"})
        assert found.waits == [True] * 4
        assert found.store == [0, 0, STORE, STORE]
        assert found.load == [LOAD, 128, 0, 1]  # nothing to load, but a store to wait for

    def test_kernels_that_do_not_overlap_wait_at_their_first_task(self) -> None:
        found = durations(Conv(out=3), Relu(), batch=2, compute={"overlap": "kernel"})
        assert found.waits == [True, False, True, False]


class TestResult:
    """What a result says of hand-made durations."""

    def result(self, *tasks: tuple[int, int, int]) -> Result:
        load, compute, store = (list(column) for column in zip(*tasks, strict=True))
        built = program(Conv(out=3), batch=len(tasks))
        none = [0] * len(tasks)
        made = Steps(load, compute, store, none, [False] * len(tasks))
        traffic = cache_pass(built, 1 << 20)
        return Result(built, machine(), traffic, made, recurrence(made))

    def test_waiting_for_data_is_a_stall_on_a_load(self) -> None:
        assert self.result((5, 1, 0), (3, 1, 0)).stalls == {"load": 5 + 2, "store": 0}

    def test_waiting_for_an_empty_buffer_is_a_stall_on_a_store(self) -> None:
        result = self.result((1, 1, 50), (0, 1, 0), (0, 1, 0))
        assert result.stalls == {"load": 1, "store": 49}
        assert result.totals["stall_on_load_s"] == 1e-12
        assert result.totals["stall_on_store_s"] == 49e-12
        assert result.totals["stall_s"] == 50e-12

    def test_the_last_stores_are_stalls_too(self) -> None:
        assert self.result((2, 3, 4)).stalls == {"load": 2, "store": 4}

    def test_the_dram_time_of_a_layer_is_that_of_its_loads_and_stores(self) -> None:
        (layer,) = self.result((2, 3, 4), (5, 6, 7)).layers
        assert (layer.dram_ps, layer.compute_ps) == (2 + 4 + 5 + 7, 3 + 6)

    @pytest.mark.parametrize(
        ("task", "bound"),
        [
            ((50, 50, 0), "memory"),  # waits for half of its time
            ((25, 50, 25), "memory"),  # the last store is a wait, too
            ((49, 51, 0), "both"),
            ((45, 55, 0), "both"),
            ((10, 90, 0), "both"),  # a tenth
            ((9, 91, 0), "compute"),
            ((0, 7, 0), "compute"),
        ],
    )
    def test_a_layer_is_bound_by_what_its_time_goes_by_with(
        self, task: tuple[int, int, int], bound: str
    ) -> None:
        assert self.result(task).layers[0].bound == bound

    @pytest.mark.parametrize(("overhead", "bound"), [(50, "compute"), (51, "overhead")])
    def test_a_layer_whose_kernel_mostly_starts_is_bound_by_overhead(
        self, overhead: int, bound: str
    ) -> None:
        (layer,) = self.result((0, 100, 0)).layers
        assert replace(layer, overhead_ps=overhead).bound == bound

    def test_the_overhead_of_a_layer_is_told(self) -> None:
        built = program(Conv(out=3), batch=2)
        slow = machine(compute={"kernel_overhead": 5_000_000})
        traffic = cache_pass(built, 1 << 20)
        made = steps(built, traffic, slow)
        (layer,) = Result(built, slow, traffic, made, recurrence(made)).layers
        assert layer.overhead_ps == 5_000_000
        assert layer.bound == "overhead"

    def test_a_layer_ends_when_it_is_computed_and_the_last_with_its_stores(self) -> None:
        built = program(Conv(out=3), Relu())
        made = Steps([5, 0], [10, 3], [0, 4], [0, 0], [False, False])
        result = Result(built, machine(), cache_pass(built, 1 << 20), made, recurrence(made))
        assert [layer.time_ps for layer in result.layers] == [15, 3 + 4]
        assert [layer.stall_ps for layer in result.layers] == [5, 0]
