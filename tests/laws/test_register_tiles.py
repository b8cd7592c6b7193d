"""Laws of programs in register tiles, on random networks.

Random networks are small, so that the nearest cache, below which nothing is told apart, has to be
small as well.
"""

from __future__ import annotations

from collections import Counter
from typing import Any
from unittest import mock

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.clock.recurrence import recurrence
from memsim.engines.clock.replay import replay
from memsim.engines.clock.steps import steps
from memsim.engines.curve.curve import curve
from memsim.errors import SimulationError
from memsim.machine import load_machine
from memsim.machine.cache import Cache
from memsim.network import Network
from memsim.program import LOWERINGS, Program, Role, build
from memsim.program.tiling import LARGER_OUTER, ORDERS
from tests.strategies import networks

few = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
lowerings = st.sampled_from(sorted(LOWERINGS))
orders = st.sampled_from([*ORDERS, LARGER_OUTER])
tiles = st.tuples(st.integers(1, 5), st.integers(1, 5)).map(lambda tile: f"{tile[0]}x{tile[1]}")
nearest = st.sampled_from([1, 16, 64, 256, 1024])
scratches = st.sampled_from([0, 64, 100, 1000])

LARGE = 1 << 20
"""Buffers that hold every kernel of a random network: one task each."""


def plain(network: Network, buffer: int = LARGE, **options: Any) -> Program:
    try:
        return build(network, buffer=buffer, **options)
    except SimulationError:  # it computes nothing, or the buffers are too small
        assume(False)
        raise


def tiled(network: Network, tile: str, near: int, **options: Any) -> Program:
    with mock.patch("memsim.program.tiling.registers.NEAREST", near):
        return plain(network, register_tile=tile, **options)


def touched(program: Program) -> Counter[tuple[int, int, bool]]:
    """Bytes by kernel and tensor, read and written, each cell once."""
    kernel = program.task_kernel[program.touch_task]
    keys = np.stack([kernel, program.touch_cell, program.touch_write], axis=1)
    found: Counter[tuple[int, int, bool]] = Counter()
    for number, cell, write in np.unique(keys, axis=0).tolist():
        key = number, int(program.cell_tensor[cell]), bool(write)
        found[key] += int(program.cell_bytes[cell])
    return found


@few
@given(networks(), lowerings, orders, tiles, nearest)
def test_kernels_touch_exactly_what_they_touch_as_one_task(
    network: Network, lowering: str, order: str, tile: str, near: int
) -> None:
    whole = plain(network, lowering=lowering, tile="whole")
    program = tiled(network, tile, near, lowering=lowering, order=order)
    assert touched(program) == touched(whole)
    assert program.compulsory_bytes == whole.compulsory_bytes
    assert program.task_macs.sum() == whole.task_macs.sum()
    assert program.task_work.sum() == whole.task_work.sum()


@few
@given(networks(), lowerings, orders, tiles, nearest)
def test_a_task_goes_through_weights_once_and_what_is_written_is_written_once(
    network: Network, lowering: str, order: str, tile: str, near: int
) -> None:
    program = tiled(network, tile, near, lowering=lowering, order=order)
    weights = program.touch_role == Role.WEIGHT
    keys = np.stack([program.touch_task, program.touch_cell], axis=1)[weights]
    assert len(np.unique(keys, axis=0)) == len(keys)
    written = program.touch_cell[program.touch_write]
    assert len(np.unique(written)) == len(written)
    first = np.full(len(program.cell_bytes), len(program.touch_cell))
    np.minimum.at(first, program.touch_cell, np.arange(len(program.touch_cell)))
    assert (first[written] == np.flatnonzero(program.touch_write)).all()  # before it is read
    assert (np.diff(program.touch_start) > 0).all()  # no task without anything to do


@few
@given(networks(), lowerings, orders)
def test_one_tile_that_holds_everything_is_the_plain_program(
    network: Network, lowering: str, order: str
) -> None:
    assume(network.batch == 1)  # several are computed image by image where maps are large
    expected = plain(network, lowering=lowering, tile="whole")
    program = tiled(network, "9999x9999", LARGE, lowering=lowering, order=order)
    for name in ("task_kernel", "task_macs", "touch_start", "touch_cell", "cell_box"):
        assert np.array_equal(getattr(program, name), getattr(expected, name)), name


@few
@given(networks(), lowerings, orders, tiles, nearest, scratches, st.sampled_from([0.1, 0.4, 0.9]))
def test_a_curve_is_what_each_cache_of_its_kind_moves(
    network: Network, lowering: str, order: str, tile: str, near: int, scratch: int, share: float
) -> None:
    options = {"lowering": lowering, "order": order, "kernel_scratch": scratch}
    program = tiled(network, tile, near, **options)
    size = int(program.block_bytes.sum() * share) // 64 * 64
    for kind in (Cache(size=size), Cache(size=size, management="hardware", layout="nhwc")):
        found, every = cache_pass(program, kind), curve(program, kind)
        assert every.read_bytes(size) == found.read_bytes
        assert every.dram_bytes(size) == found.read_bytes + found.write_bytes
        larger = cache_pass(program, kind.resized(2 * size))
        assert larger.read_bytes + larger.write_bytes <= found.read_bytes + found.write_bytes


@few
@given(networks(), lowerings, orders, tiles, nearest, scratches, st.sampled_from([0.1, 0.9]))
def test_both_clocks_agree(
    network: Network, lowering: str, order: str, tile: str, near: int, scratch: int, share: float
) -> None:
    options = {"lowering": lowering, "order": order, "kernel_scratch": scratch}
    program = tiled(network, tile, near, **options)
    machine = load_machine("textbook")
    traffic = cache_pass(program, int(program.block_bytes.sum() * share))
    durations = steps(program, traffic, machine)
    assert replay(durations).end == recurrence(durations).end


@few
@given(networks(), lowerings, st.sampled_from([*ORDERS]), st.sampled_from([400, 4000]))
def test_without_a_tile_nothing_changes(
    network: Network, lowering: str, order: str, buffer: int
) -> None:
    expected = plain(network, buffer, lowering=lowering, order=order)
    with mock.patch("memsim.program.tiling.registers.cut", side_effect=AssertionError):
        again = plain(network, buffer, lowering=lowering, order=order, register_tile="none")
    assert expected.options == again.options
    assert np.array_equal(expected.touch_cell, again.touch_cell)
