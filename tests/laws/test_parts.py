"""Weights and feature maps: two parts of the traffic that add up to it, in every result."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import memsim
from memsim.engines.bounds.bounds import coarse_bound, traffic_bound
from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.curve.curve import curve
from memsim.errors import InputError
from memsim.network import Network
from memsim.program import Role
from memsim.program.parts import Part, chosen, compulsory
from tests.laws.test_program import all_bytes, buffers, capacities, few, lowerings, program_of
from tests.strategies import networks

ONLY = [part.value for part in Part]


@few
@given(networks(), lowerings, buffers)
def test_the_curve_of_a_part_is_the_cache_pass_of_it(
    network: Network, lowering: str, buffer: int
) -> None:
    program = program_of(network, buffer, lowering=lowering)
    whole = curve(program)
    parts = {part: whole.of(part) for part in Part}
    assert whole.of(None) is whole
    for capacity in capacities(program):
        traffic = cache_pass(program, capacity).traffic
        weights = traffic[:, Role.WEIGHT].sum()
        assert parts[Part.WEIGHTS].dram_bytes(capacity) == weights
        assert parts[Part.FEATURE_MAPS].dram_bytes(capacity) == traffic.sum() - weights
        for part, found in parts.items():
            assert (found.at(capacity) == chosen(traffic, part)).all()
        steps = whole.steps
        place = steps.index(capacity)
        assert steps.weight_bytes[place] == weights
        assert steps.map_bytes[place] == traffic.sum() - weights
    for part, found in parts.items():
        least = sum(compulsory(program, part))
        assert found.dram_bytes(all_bytes(program)) == least
        size = found.smallest_within(0)
        assert size is not None
        assert found.dram_bytes(size) == least
        assert size == 0 or found.dram_bytes(size - 1) > least


@few
@given(networks(most_layers=6), lowerings, st.sampled_from([400, 4000]))
def test_the_bound_of_a_part_is_below_it_whatever_the_rest_does(
    network: Network, lowering: str, buffer: int
) -> None:
    program = program_of(network, buffer, lowering=lowering)
    for capacity in capacities(program):
        traffic = cache_pass(program, capacity).traffic
        bounds = {part: traffic_bound(program, capacity, coarse_bound, part) for part in Part}
        for part, bound in bounds.items():
            assert sum(compulsory(program, part)) <= bound <= chosen(traffic, part).sum()


@pytest.mark.parametrize("lowering", ["eager", "fused", "concat_free"])
@pytest.mark.parametrize(
    "management", ["scratchpad", pytest.param("hardware", marks=pytest.mark.release)]
)
def test_the_parts_of_every_result_add_up(lowering: str, management: str) -> None:
    options = {
        "machine": "textbook", "cache": "1MB", "lowering": lowering, "management": management,
        "clock": "recurrence",
    }  # fmt: skip
    whole = memsim.run("densenet121", **options)
    weights, maps = (memsim.run("densenet121", only=only, **options) for only in ONLY)
    assert weights.dram_bytes + maps.dram_bytes == whole.dram_bytes
    assert whole.by_part == {"weights": weights.dram_bytes, "feature-maps": maps.dram_bytes}
    assert weights.time_ps == maps.time_ps == whole.time_ps
    assert not weights.dram_write_bytes
    assert weights.compulsory_bytes + maps.compulsory_bytes == whole.compulsory_bytes
    assert weights.by_role["weight"] == whole.by_role["weight"]
    assert maps.by_role == {**whole.by_role, "weight": 0}
    assert weights.by_role == dict.fromkeys(maps.by_role, 0) | {"weight": weights.dram_bytes}
    for layer, one, other in zip(whole.layers, weights.layers, maps.layers, strict=True):
        assert layer.dram_weight_bytes == one.dram_bytes == one.dram_weight_bytes
        assert layer.dram_feature_map_bytes == other.dram_bytes == other.dram_feature_map_bytes
    for key in ("dram_weight_bytes", "dram_feature_map_bytes", "compulsory_weight_bytes",
                "compulsory_feature_map_bytes"):  # fmt: skip
        part = weights if "weight" in key else maps
        assert whole.totals[key] == part.totals[key]
        assert (maps if part is weights else weights).totals[key] == 0
    energy = [result.totals["energy_j"] for result in (whole, weights, maps)]
    assert energy[0] == energy[1] == energy[2]  # what is told changes nothing that happens


def test_curve_points_and_sizes_of_a_part_are_those_of_run() -> None:
    sizes = [300_000, 2_000_000]
    for only in (None, *ONLY):
        result = memsim.curve("densenet121", machine="textbook", sizes=sizes, only=only)
        for size, point in zip(sizes, result.points, strict=True):
            run = memsim.run("densenet121", machine="textbook", cache=size, only=only)
            assert point.dram_bytes == run.dram_bytes == result.dram_bytes(size)
            assert point.dram_weight_bytes == run.totals["dram_weight_bytes"]
            assert point.time_ps == run.time_ps
        assert result.to_dict()["totals"]["compulsory_bytes"] == result.compulsory_bytes
    found = memsim.size("densenet121", machine="textbook", within="10%", only="feature-maps")
    least = memsim.curve("densenet121", machine="textbook", only="feature-maps").compulsory_bytes
    assert found.limit_bytes == int(least * 1.1)
    here, below = (
        memsim.run("densenet121", machine="textbook", cache=size, only="feature-maps").dram_bytes
        for size in (found.cache_bytes, found.cache_bytes - 1)
    )
    assert here == found.dram_bytes <= found.limit_bytes < below


@pytest.mark.needs("scipy")
def test_bounds_and_comparisons_of_a_part() -> None:
    whole = memsim.bounds("resnet18", machine="textbook", cache="500kB")
    maps = memsim.bounds("resnet18", machine="textbook", cache="500kB", only="feature-maps")
    assert {
        policy: parts["feature-maps"] for policy, parts in whole.by_part.items()
    } == maps.policies
    assert maps.lower_bytes[0] <= min(maps.policies.values())
    assert maps.compulsory_bytes < maps.lower_bytes[0]
    compared = memsim.compare(["resnet18", "vgg16"], machine="textbook", only="weights")
    assert [each.result.only for each in compared.contenders] == [Part.WEIGHTS] * 2


def test_the_best_order_is_not_that_of_a_part() -> None:
    with pytest.raises(InputError, match=r"order is that of all traffic.*rows_outer"):
        memsim.curve("resnet18", machine="textbook", order="best", only="weights")
    assert memsim.run("resnet18", machine="textbook", order="best", only="weights").dram_bytes


def test_masks_do_not_write_to_what_they_mask() -> None:
    traffic = np.ones((2, len(Role), 3), np.int64)
    assert chosen(traffic, Part.WEIGHTS).sum() == 6
    assert traffic.sum() == traffic.size
