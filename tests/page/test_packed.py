"""What the page carries is the curve, the engine's times, and nothing else."""

from __future__ import annotations

import gzip
import random
from base64 import b64encode
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import memsim
from memsim.errors import InputError
from memsim.page.latency import rule
from memsim.page.latency_grid import FACTORS, MOST, LatencyGrid
from memsim.page.packed_curve import packed_curve
from memsim.page.template import PACKAGE, asset, packed
from memsim.page.varints import deltas, varints
from tests.page.packed import numbers, traffic_at


@given(st.lists(st.integers(0, 2**53)))
def test_varints_decode_to_what_was_encoded(column: list[int]) -> None:
    assert numbers(varints(column)) == column


@given(st.lists(st.integers(0, 2**40)))
def test_deltas_add_up_to_what_was_encoded(column: list[int]) -> None:
    column.sort()
    assert np.cumsum(numbers(deltas(column)), dtype=np.int64).tolist() == column


@pytest.mark.parametrize("number", [-1, 2**53 + 1])
def test_a_number_that_a_browser_would_round_is_refused(number: int) -> None:
    with pytest.raises(InputError, match="whole numbers from 0"):
        varints([number])


@pytest.mark.parametrize(
    ("network", "options"),
    [
        ("hardnet68", {}),
        ("densenet121", {"lowering": "concat_free"}),
        ("patterns/log", {"management": "hardware"}),
    ],
)
def test_the_packed_curve_is_the_curve(network: str, options: dict[str, str]) -> None:
    result = memsim.curve(network, **options)  # type: ignore[arg-type]
    curve, columns = result.curve, packed_curve(result)
    kernels = len(result.program.kernels)
    sizes = curve.steps.cache_bytes
    edges = [int(size) for size in sizes[:: max(len(sizes) // 4, 1)]]
    for capacity in {0, 1, *edges, *(edge - 1 for edge in edges if edge), 10**12}:
        found = traffic_at(columns, capacity, kernels)
        assert np.array_equal(found, curve.at(capacity)), capacity


@pytest.mark.slow
def test_half_a_million_rows_are_short() -> None:
    result = memsim.curve("fc_densenet103")
    assert len(result.curve.nbytes) > 500_000
    assert len(packed(packed_curve(result))) < 200_000


@pytest.mark.needs("playwright.sync_api")
def test_a_browser_reads_what_was_packed(browser: Any) -> None:
    noise = [random.Random(1).randrange(2**53) for _ in range(20_000)]
    values = [None, {"a": "<script>\u2028é"}, [7] * 100_000, noise, {"": [[], *noise[:9]] * 999}]
    tab = browser.new_page()
    tab.goto("about:blank")
    program = f"text => {{ {asset(PACKAGE, 'unpack.js')}; return unpacked(text); }}"
    for value in values:
        assert tab.evaluate(program, packed(value)) == value
    stored = gzip.compress(b"[1,2,3]" + b" " * 70_000, 0)  # blocks that are not compressed
    assert tab.evaluate(program, b64encode(stored).decode()) == [1, 2, 3]
    tab.close()


def test_the_times_of_the_grid_are_those_of_a_run() -> None:
    result = memsim.curve("hardnet68")
    grid = LatencyGrid.of(result.machine, 200_000)
    table = grid.times(result)
    for row, capacity in list(enumerate(grid.capacities))[::4]:
        for column, rate in list(enumerate(grid.bandwidths))[::5]:
            place = (row + column) % len(grid.mac_rates)
            macs = grid.mac_rates[place]
            run = memsim.run("hardnet68", cache=capacity, bandwidth=rate, macs=macs)
            assert table[row][column][place] == run.time_ps


def test_the_grid_holds_the_machine_itself_and_stays_small() -> None:
    machine = memsim.load_machine("textbook")
    grid = LatencyGrid.of(machine, 10**13)
    assert machine.cache_bytes in grid.capacities
    assert machine.dram.bandwidth in grid.bandwidths
    assert grid.capacities[-1] >= 10**13
    assert len(grid.capacities) <= MOST + 2
    assert not grid.half_way
    assert "half-way" not in rule(grid)
    assert "half-way" in rule(LatencyGrid.of(machine, 10**6))
    assert len(grid.bandwidths) == len(FACTORS)
