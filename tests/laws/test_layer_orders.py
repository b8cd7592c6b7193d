"""Orders of layers: each is the same network, and none of all there are beats the exact ones."""

from __future__ import annotations

from itertools import islice, pairwise
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.curve import least_traffic
from memsim.engines.curve.least_traffic import least_traffic_order
from memsim.engines.curve.lru_steps import LruSteps
from memsim.machine.cache import Cache
from memsim.network import Network, Node
from memsim.network.ops import OPERATORS
from memsim.network.ops.conv import Conv
from memsim.network.ops.pool import MaxPool
from memsim.network.ops.shape import Input
from memsim.program import Program, build
from memsim.program.ordering import Steps
from memsim.program.ordering import peak as peaks
from memsim.program.ordering.depth import depth_first_order
from memsim.program.ordering.peak import Lives, least_peak_order
from tests.laws.test_listing import facts
from tests.laws.test_program import few, lowerings, program_of
from tests.strategies import networks

MOST_ORDERS = 400


@st.composite
def wired(draw: st.DrawFn) -> Network:
    """Convolutions and poolings of maps that were made at any time, and sums and concats of them.

    All that nobody reads is stacked at the end, as the cells of searched networks do it.
    """
    nodes = [Node("input", Input(shape=(2, 8, 8)))]
    size = {"input": (2, 8)}
    for at in range(draw(st.integers(3, 7))):
        source = draw(st.sampled_from(list(size)))
        channels, side = size[source]
        name = f"n{at}"
        if draw(st.integers(0, 3)) == 0 and side > 2:
            nodes.append(Node(name, MaxPool(kernel=2, stride=2), (source,)))
            size[name] = channels, side // 2
            continue
        alike = [other for other in size if size[other] == size[source] and other != source]
        if alike and draw(st.booleans()):
            other = draw(st.sampled_from(alike))
            kind = draw(st.sampled_from(["add", "concat"]))
            nodes.append(Node(name, OPERATORS[kind](), (source, other)))
            size[name] = channels * (1 + (kind == "concat")), side
            continue
        out = draw(st.sampled_from([1, 2, 8, 16]))
        nodes.append(Node(name, Conv(out=out, kernel=3, bias=False), (source,)))
        size[name] = out, side
    return Network("wired", nodes)


def in_order(steps: Steps, order: tuple[int, ...], **options: Any) -> Program:
    """The program of a network that is listed in an order of steps."""
    return build(steps.listed(order), **options)


def moved(program: Program, cache: Cache | int) -> int:
    traffic = cache_pass(program, cache)
    return traffic.read_bytes + traffic.write_bytes


@few
@given(wired() | networks(), lowerings, st.sampled_from([400, 4000]), st.data())
def test_an_order_runs_the_same_kernels_one_after_the_other_as_it_says(
    network: Network, lowering: str, buffer: int, data: st.DataObject
) -> None:
    plain = program_of(network, buffer, lowering=lowering)
    steps = Steps(plain)
    orders = list(islice(steps.all_orders(), 50))
    assert orders[0] == tuple(range(len(steps)))
    assert steps.forced == (len(orders) == 1)
    order = data.draw(st.sampled_from(orders))
    program = in_order(steps, order, buffer=buffer, lowering=lowering)
    names = [plain.kernels[at].name for step in order for at in steps.kernels[step]]
    assert [kernel.name for kernel in program.kernels] == names
    assert facts(program) == facts(plain)
    assert program.network.params == network.params
    assert int(program.live_bytes.max()) == Lives(steps).peak(order)
    size = data.draw(st.integers(0, 6000))
    assert moved(program, size) == LruSteps(steps, size).cost(order)


@settings(few, max_examples=200)
@given(wired(), lowerings)
def test_no_order_has_a_lower_peak_than_the_least(network: Network, lowering: str) -> None:
    plain = program_of(network, 4000, lowering=lowering)
    steps = Steps(plain)
    orders = list(islice(steps.all_orders(), MOST_ORDERS))
    assume(len(orders) < MOST_ORDERS)
    found, lives = least_peak_order(steps), Lives(steps)
    assert found.search == "exact"
    all_peaks = [lives.peak(order) for order in orders]
    assert lives.least <= min(all_peaks)
    if found.orders:
        program = in_order(steps, found.orders[0], buffer=4000, lowering=lowering)
        assert int(program.live_bytes.max()) == min(all_peaks) < all_peaks[0]
    else:
        assert all_peaks[0] == min(all_peaks)


@settings(few, max_examples=200)
@given(wired(), lowerings, st.integers(0, 6000))
def test_no_order_moves_less_than_the_least(network: Network, lowering: str, size: int) -> None:
    steps = Steps(program_of(network, 4000, lowering=lowering))
    orders = list(islice(steps.all_orders(), MOST_ORDERS))
    assume(len(orders) < MOST_ORDERS)
    found, lru = least_traffic_order(steps, Cache(size=size)), LruSteps(steps, size)
    assert found.search == "exact"
    costs = [lru.cost(order) for order in orders]
    if found.orders:
        program = in_order(steps, found.orders[0], buffer=4000, lowering=lowering)
        assert moved(program, size) == min(costs) < costs[0]
    else:
        assert costs[0] == min(costs)


@settings(few, max_examples=50)
@given(wired(), st.integers(0, 6000), st.sampled_from(["fifo", "belady"]))
def test_other_policies_take_all_orders_where_they_are_few(
    network: Network, size: int, policy: str
) -> None:
    steps = Steps(program_of(network, 4000))
    orders = list(islice(steps.all_orders(), least_traffic.MOST_ORDERS + 1))
    found = least_traffic_order(steps, Cache(size=size, policy=policy))
    if len(orders) <= least_traffic.MOST_ORDERS:
        assert found.search == "exact"
        assert found.orders == tuple(orders[1:])
    else:
        assert found.search == "beam"
        assert set(found.orders) <= set(steps.all_orders())


@settings(few, max_examples=50)
@given(wired(), st.integers(0, 6000))
def test_a_beam_finds_orders_of_the_network_and_none_that_costs_more(
    network: Network, size: int
) -> None:
    steps = Steps(program_of(network, 4000))
    assume(not steps.forced)
    lives, lru = Lives(steps), LruSteps(steps, size)
    file = tuple(range(len(steps)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(peaks, "best_first", lambda *_: (None, False))
        patch.setattr(least_traffic, "MOST_WORK", 0)
        peak, traffic = least_peak_order(steps), least_traffic_order(steps, Cache(size=size))
    assert peak.search == "beam"
    assert traffic.search == "beam" or lru.cost(file) == steps.program.compulsory_bytes
    for found, cost in ((peak, lives.peak), (traffic, lru.cost)):
        for order in found.orders:
            program = in_order(steps, order, buffer=4000)
            assert len(program.kernels) == len(steps.program.kernels)
            assert cost(order) < cost(file)


@few
@given(wired())
def test_depth_first_goes_on_with_what_has_just_become_ready(network: Network) -> None:
    steps = Steps(program_of(network, 4000, lowering="eager"))
    (order,) = depth_first_order(steps).orders
    assert sorted(order) == list(range(len(steps)))
    done = 0
    for step, following in pairwise(order):
        assert not steps.before[step] & ~done
        done |= 1 << step
        ready = [each for each in steps.after[step] if not steps.before[each] & ~done]
        assert not ready or following == ready[0]
