"""Every point of a grid is what a run tells there, to the byte and the picosecond."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import memsim
from memsim.engines.clock.ends import Ends
from memsim.engines.clock.recurrence import finish
from memsim.network import Network
from memsim.program.kernel import Cause, Role
from memsim.program.lowering import LOWERINGS
from memsim.program.parts import Part
from memsim.results.grid import Grid
from memsim.simulate.preparation import prepare_all
from tests.strategies import networks

MACHINES = ["gtx1080", "jetson_nano", "textbook", "titan_v"]
"""Their rules differ: overlap, launches, efficiencies, latencies."""

RATES = st.fractions(Fraction(1, 3), Fraction(10**12)).map(lambda rate: rate * 10**6)

TOTALS = (
    "dram_bytes", "dram_read_bytes", "dram_write_bytes", "dram_weight_bytes",
    "dram_feature_map_bytes", "compulsory_bytes", "time_ps", "energy_j", "energy_dram_j",
    "energy_onchip_j", "energy_mac_j", "onchip_bytes", "peak_occupancy_bytes",
    "peak_live_activation_bytes",
)  # fmt: skip
"""Facts that a run's totals have, too."""


def told(value: Any) -> Any:
    """A number of an array as totals have it."""
    return None if isinstance(value, float) and np.isnan(value) else value


def check(grid: Grid, where: tuple[int, int, int], run: memsim.Result, facts: Any) -> None:
    for name in TOTALS:
        assert told(facts[name][where].item()) == run.totals[name], name
    assert facts["stall_ps"][where] == run.time_ps - sum(run.steps.compute)
    split = facts["by_role_and_cause"][where]
    for role in Role:
        assert facts[f"{role.name.lower()}_bytes"][where] == run.by_role[role.name.lower()]
        for cause in Cause:
            found = run.by_role_and_cause[role.name.lower()][cause.name.lower()]
            assert split[role, cause] == found


@settings(max_examples=20)
@given(
    network=networks(),
    machine=st.sampled_from(MACHINES),
    lowering=st.sampled_from([*LOWERINGS]),
    order=st.sampled_from(["rows_outer", "weights_outer", "best"]),
    policy=st.sampled_from(["lru", "lru", "fifo", "belady"]),
    capacities=st.lists(st.integers(0, 60_000), min_size=1, max_size=3),
    bandwidths=st.lists(RATES, min_size=1, max_size=2),
    macs=st.lists(RATES, min_size=1, max_size=2),
    frames=st.sampled_from([1, 1, 2]),
)
def test_points_of_random_networks(
    network: Network, machine: str, lowering: str, order: str, policy: str,
    capacities: list[int], bandwidths: list[Fraction], macs: list[Fraction], frames: int,
) -> None:  # fmt: skip
    options = {"machine": machine, "lowering": lowering, "order": order, "policy": policy,
               "frames": frames, "buffer": "1MiB"}  # fmt: skip
    if network.dtypes != ("fp32",):
        options["machine"] = "textbook"
    assume(LOWERINGS[lowering].lower(network))  # something is computed
    programs, resolved = prepare_all(network, "run", **options)
    grid = Grid(programs, resolved)
    facts = grid.facts(capacities, bandwidths, macs)
    assert facts["time_ps"].shape == (len(capacities), len(bandwidths), len(macs))
    for i, cache in enumerate(capacities):
        for j, bandwidth in enumerate(bandwidths):
            for k, rate in enumerate(macs):
                run = memsim.run(
                    network, cache=cache, bandwidth=bandwidth, macs=rate, clock="recurrence",
                    **options,
                )  # fmt: skip
                check(grid, (i, j, k), run, facts)


@pytest.mark.parametrize("only", [None, *Part])
@pytest.mark.parametrize("network", ["hardnet68", "mobilenetv2"])
def test_points_of_shipped_networks(network: str, only: Part | None) -> None:
    part = None if only is None else only.value
    grid = Grid.of(memsim.curve(network, only=part))
    facts = grid.facts([0, 300_000, 2_000_000], [Fraction(10**10)])
    for i, cache in enumerate((0, 300_000, 2_000_000)):
        check(grid, (i, 0, 0), memsim.run(network, cache=cache, bandwidth=10**10, only=part), facts)


@pytest.mark.parametrize(
    "options",
    [
        {"management": "hardware", "machine": "textbook"},
        {"management": "hardware", "machine": "textbook", "ways": 16},
        {"machine": "zen3", "library": "none"},
        {"machine": "zen3"},
    ],
    ids=str,
)
def test_points_of_hardware_caches(options: dict[str, Any]) -> None:
    network = memsim.load("patterns/harmonic", input_shape=(16, 8, 8))
    sizes = [1 << 17, 1 << 18]
    programs, machine = prepare_all(network, "run", cache=sizes[0], **options)
    facts = Grid(programs, machine).facts(sizes)
    for i, cache in enumerate(sizes):
        run = memsim.run(network, cache=cache, **options)
        check(Grid(programs, machine), (i, 0, 0), run, facts)


@given(
    tasks=st.lists(
        st.tuples(*[st.integers(0, 5)] * 4, st.booleans(), st.integers(0, 3)), min_size=1,
        max_size=12,
    )
)  # fmt: skip
def test_the_compiled_loop_is_the_plain_one(tasks: list[tuple[Any, ...]]) -> None:
    from memsim.engines.clock.ends import finish_each
    from memsim.engines.clock.steps import Steps

    load, compute, store, latency, waits, gaps = (
        list(column) for column in zip(*tasks, strict=True)
    )
    issued = np.cumsum(gaps).tolist()
    plain = finish(Steps(load, compute, store, latency, waits, issued))
    ends = np.zeros((1, 1), np.int64)
    finish_each(
        np.array([[load, store]], np.int64), np.array(latency, np.int64),
        np.array(waits, np.bool_), np.array([compute], np.int64), np.array(issued, np.int64), ends,
    )  # fmt: skip
    assert ends.item() == plain


def test_what_does_not_depend_on_an_axis_takes_no_memory() -> None:
    facts = Grid.of(memsim.curve("patterns/dense")).facts([0, 10**6], [Fraction(10**9)] * 5)
    assert facts["dram_bytes"].shape == (2, 5, 1)
    assert facts["dram_bytes"].strides[1:] == (0, 0)


def test_a_time_beyond_what_is_simulated_is_refused() -> None:
    grid = Grid.of(memsim.curve("resnet18"))
    with pytest.raises(memsim.SimulationError, match="beyond 13 days"):
        grid.facts([0], [Fraction(1)])


def test_a_rate_that_no_machine_has_is_refused() -> None:
    result = memsim.run("patterns/dense")
    with pytest.raises(memsim.InputError):
        Ends(result.program, result.machine, [Fraction(0)])
