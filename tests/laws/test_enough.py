"""The smallest rate that is enough: one less is not, and what is said to be monotone is."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import memsim
from memsim.engines.clock.crossing import crossing
from memsim.engines.clock.ends import Channel
from memsim.engines.clock.enough import Enough
from memsim.engines.clock.steps import LONGEST
from memsim.engines.compiled import INFINITE
from memsim.network import Network
from memsim.program.lowering import LOWERINGS
from memsim.results.grid import Grid
from memsim.results.inverse.workload import Workload
from memsim.simulate.preparation import prepare_all
from memsim.units import LIMIT, PICOSECONDS
from tests.laws.test_grid import MACHINES, RATES
from tests.strategies import networks

GOALS = st.fractions(Fraction(1, 4), 8)
"""Longest times, in times of the machine's own."""

SHARES = st.fractions(0, Fraction(99, 100))


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    network: Network = draw(networks())
    machine = draw(st.sampled_from(MACHINES)) if network.dtypes == ("fp32",) else "textbook"
    lowering = draw(st.sampled_from([*LOWERINGS]))
    assume(LOWERINGS[lowering].lower(network))  # something is computed
    options: dict[str, Any] = {
        "machine": machine,
        "lowering": lowering,
        "policy": draw(st.sampled_from(["lru", "fifo", "belady"])),
        "buffer": "1MiB",
    }
    return Grid(*prepare_all(network, "run", **options))


def enough(cache: int, *grids: Grid) -> Enough:
    """Networks that run one after the other with one cache."""
    works = [Workload(grid.programs, grid.machine) for grid in grids]
    told = [work.traffic(cache) for work in works]
    ends = [work.ends(order) for work, (order, _) in zip(works, told, strict=True)]
    return Enough(ends, [traffic for _, traffic in told])


def time(grid: Grid, cache: int, **rates: int | Fraction) -> tuple[int, int]:
    """Picoseconds of the whole, and of its stalls; none where that is beyond 13 days."""
    machine = grid.machine.with_overrides(cache=cache, **rates)
    try:
        facts = Grid(grid.programs, machine).facts([cache])
    except memsim.SimulationError:
        return 1 << 62, 0 if "macs" in rates else 1 << 62
    return facts["time_ps"].item(), facts["stall_ps"].item()


@settings(max_examples=15)
@given(
    grid=grids(), cache=st.integers(0, 60_000), goal=GOALS, share=SHARES, macs=RATES,
    both=st.booleans(),
)  # fmt: skip
def test_one_byte_per_second_less_is_too_slow(
    grid: Grid, cache: int, goal: Fraction, share: Fraction, macs: Fraction, both: bool
) -> None:
    limit = max(1, int(goal * time(grid, cache, macs=macs)[0]))
    asked: dict[str, Any] = {"time_ps": limit} | ({"stall": share} if both else {})
    least = enough(cache, grid).bandwidth(**asked, mac_rate=macs)

    def kept(bandwidth: int) -> bool:
        took, stalled = time(grid, cache, bandwidth=bandwidth, macs=macs)
        return took <= limit and not (both and stalled > share * took)

    assert 1 <= least <= LIMIT or least == INFINITE
    if least == INFINITE:
        assert not kept(LIMIT)
    else:
        assert kept(least)
        assert least == 1 or not kept(least - 1)


@settings(max_examples=15)
@given(grid=grids(), cache=st.integers(0, 60_000), goal=GOALS, bandwidth=RATES)
def test_one_mac_per_second_less_is_too_slow(
    grid: Grid, cache: int, goal: Fraction, bandwidth: Fraction
) -> None:
    limit = max(1, int(goal * time(grid, cache, bandwidth=bandwidth)[0]))
    least = enough(cache, grid).mac_rate(limit, bandwidth)

    def kept(macs: int) -> bool:
        return time(grid, cache, bandwidth=bandwidth, macs=macs)[0] <= limit

    if least == INFINITE:
        assert not kept(LIMIT)
    else:
        assert kept(least)
        assert least == 1 or not kept(least - 1)


@settings(max_examples=15)
@given(grid=grids(), cache=st.integers(0, 60_000), share=SHARES, bandwidth=RATES)
def test_one_mac_per_second_more_waits_too_much(
    grid: Grid, cache: int, share: Fraction, bandwidth: Fraction
) -> None:
    most = enough(cache, grid).most_macs(share, bandwidth)

    def kept(macs: int) -> bool:
        took, stalled = time(grid, cache, bandwidth=bandwidth, macs=macs)
        return stalled <= share * took

    assert most == 0 or kept(most)
    assert most == LIMIT or not kept(most + 1)


@given(
    moved=st.lists(st.integers(0, 10**10), min_size=1, max_size=8),
    bytes_=st.integers(10**3, LIMIT),
    efficiency=st.fractions(Fraction(1, 10**4), 1, max_denominator=10**4),
)  # fmt: skip
def test_a_transfer_takes_its_bytes_over_the_rate_rounded_up(
    moved: list[int], bytes_: int, efficiency: Fraction
) -> None:
    rate = bytes_ * efficiency
    assume(max(moved) * PICOSECONDS / rate < LONGEST)
    none = np.zeros(len(moved), np.int64)
    instant = np.array([not each for each in moved])
    channel = Channel(np.array([moved, moved]), none, none > 0, instant)
    wanted = [-(-each * PICOSECONDS // rate) for each in moved]
    loads, stores = channel.durations_at(rate)[0].tolist()
    assert stores == wanted
    assert loads == [each or 1 for each in wanted]


@settings(max_examples=15)
@given(
    grid=grids(), cache=st.integers(0, 60_000),
    bandwidths=st.lists(RATES, min_size=2, max_size=6),
    macs=st.lists(RATES, min_size=2, max_size=6),
)  # fmt: skip
def test_rates_are_monotone(
    grid: Grid, cache: int, bandwidths: list[Fraction], macs: list[Fraction]
) -> None:
    facts = grid.facts([cache], sorted(bandwidths), sorted(macs))
    took, stalled = facts["time_ps"][0], facts["stall_ps"][0]
    assert (np.diff(took, axis=0) <= 0).all()
    assert (np.diff(took, axis=1) <= 0).all()
    assert (np.diff(stalled, axis=0) <= 0).all()  # and their part of the time: computing stays
    assert (np.diff(stalled, axis=1) >= 0).all()  # and their part of the time: that falls


def test_a_larger_cache_may_take_longer() -> None:
    """So a smallest rate is told of one capacity, and not of those above it."""
    grid = Grid.of(memsim.curve("resnet18", machine="textbook"))
    sizes = [524_288, 589_824]
    facts = grid.facts(sizes)
    assert facts["dram_bytes"][0] > facts["dram_bytes"][1]
    assert facts["time_ps"].ravel().tolist() == [5_093_180_520, 5_134_520_520]
    small, large = (enough(size, grid).bandwidth(5_100_000_000) for size in sizes)
    assert small < large


def test_by_hand() -> None:
    """One convolution of one task: load, compute, store, with nothing to hide behind."""
    text = "{name: n, input: [4, 8, 8], layers: [{conv: {out: 4, kernel: 1}}]}"
    machine = memsim.load_machine("textbook")
    run = memsim.run(memsim.loads(text), machine=machine)
    [load], [store], [compute] = (
        each.tolist() for each in (run.traffic.load_bytes, run.traffic.store_bytes,
                                   np.array(run.steps.compute))
    )  # fmt: skip
    rest = compute + run.steps.latency[0]
    limit = rest + 1_000_000  # a microsecond for all transfers

    def fits(bandwidth: int) -> bool:
        rate = bandwidth * machine.dram.efficiency
        return sum(-(-moved * 10**12 // rate) for moved in (load, store)) <= 10**6

    estimate = int((load + store) * 10**6 / machine.dram.efficiency)
    least = next(each for each in range(estimate - 5, estimate + 10**6) if fits(each))
    grid = Grid({"rows_outer": run.program}, machine)
    assert enough(run.traffic.capacity, grid).bandwidth(limit) == least


def test_networks_one_after_the_other() -> None:
    first, second = (Grid.of(memsim.curve(each)) for each in ("resnet18", "mobilenetv2"))
    sizes, limit = [0, 10**6], 25 * 10**9
    for size in sizes:
        rate = enough(size, first, second).bandwidth(limit)
        took = [
            sum(time(grid, size, bandwidth=each)[0] for grid in (first, second))
            for each in (rate, rate - 1)
        ]
        assert took[0] <= limit < took[1]


@given(
    slow=st.integers(1, 10**6), gap=st.integers(1, LIMIT - 10**6), where=st.fractions(0, 1),
    kind=st.sampled_from(["hyperbola", "cliff", "plateau"]),
)  # fmt: skip
def test_the_search_ends_at_the_first_that_is_not_late(
    slow: int, gap: int, where: Fraction, kind: str
) -> None:
    edge = slow + max(1, int(where * gap))
    asked = 0

    def late(rate: int) -> float:
        nonlocal asked
        asked += 1
        if kind == "hyperbola":
            return float(Fraction(10**12, rate) - Fraction(10**12, edge))
        if kind == "plateau":
            return 1 if rate < edge else 0
        return float("inf") if rate < edge else -1

    assert crossing(late, slow, slow + gap) == edge
    assert asked < 80
