"""Laws of batches on random networks: twice the images, groups of images, and one image."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from memsim.engines.cache.cachepass import CachePass, cache_pass
from memsim.engines.clock.recurrence import recurrence
from memsim.engines.clock.replay import replay
from memsim.engines.clock.steps import steps
from memsim.engines.curve.curve import curve
from memsim.machine import load_machine
from memsim.network import Network
from memsim.program import Program, Role
from memsim.program.tiling import APART, IMAGES, TOGETHER
from tests.laws.test_program import (
    all_bytes,
    buffers,
    capacities,
    few,
    lowerings,
    orders,
    program_of,
)
from tests.laws.test_time import same
from tests.strategies import networks

settings_of_images = st.sampled_from(IMAGES)
batches = networks(most_layers=8, most_batch=5)
plain = st.sampled_from(["eager", "fused", "concat_free"])
"""Lowerings that do not copy weights into feature maps."""


def by_role(traffic: CachePass) -> list[int]:
    moved: list[int] = traffic.traffic.sum(axis=(0, 2)).tolist()
    return moved


def doubled(network: Network) -> Network:
    return network.with_options(batch=2 * network.batch)


@few
@given(batches, lowerings, orders, buffers, settings_of_images)
def test_twice_the_images_are_twice_the_compulsory_feature_maps_and_the_same_weights(
    network: Network, lowering: str, order: str, buffer: int, images: str
) -> None:
    options = {"lowering": lowering, "order": order, "images": images}
    one, two = (program_of(each, buffer, **options) for each in (network, doubled(network)))
    before, after = (by_role(cache_pass(each, all_bytes(each))) for each in (one, two))
    for role in Role:
        times = 1 if role is Role.WEIGHT else 2
        assert after[role] == times * before[role], role.name
    assert two.task_macs.sum() == 2 * one.task_macs.sum()


@few
@given(batches, plain, buffers)
def test_without_a_cache_images_apart_move_everything_once_more_for_each(
    network: Network, lowering: str, buffer: int
) -> None:
    one, two = (
        program_of(each, buffer, lowering=lowering, images=APART)
        for each in (network.with_options(batch=1), network.with_options(batch=2))
    )
    before, after = (cache_pass(each, 0) for each in (one, two))
    prologues = sum(  # scales and shifts of a prologue, read by a kernel's first task alone
        one.tensors[one.cell_tensor[one.touch_cell[touch]]].nbytes
        for touch in np.flatnonzero(one.touch_role == Role.WEIGHT).tolist()
        if not _of_kernel(one, touch)
    )
    expected = [2 * moved for moved in by_role(before)]
    expected[Role.WEIGHT] -= prologues
    assert by_role(after) == expected
    assert (two.tasks, two.task_work.sum()) == (2 * one.tasks, 2 * one.task_work.sum())


def _of_kernel(program: Program, touch: int) -> bool:
    """Whether a touch of parameters is of the kernel's own."""
    kernel = program.kernels[program.task_kernel[program.touch_task[touch]]]
    tensor = program.tensors[program.cell_tensor[program.touch_cell[touch]]]
    return tensor.name in {weights.name for weights in kernel.weights}


@few
@given(networks(most_batch=1), lowerings, orders, buffers)
def test_one_image_is_neither_together_nor_apart(
    network: Network, lowering: str, order: str, buffer: int
) -> None:
    options = {"lowering": lowering, "order": order}
    one, other = (program_of(network, buffer, images=images, **options) for images in IMAGES)
    for column in fields(Program):
        ours, theirs = getattr(one, column.name), getattr(other, column.name)
        if isinstance(ours, np.ndarray):
            assert np.array_equal(ours, theirs), column.name


@few
@given(batches, lowerings, orders, buffers)
def test_a_task_writes_the_same_part_of_neighbouring_images(
    network: Network, lowering: str, order: str, buffer: int
) -> None:
    program = program_of(network, buffer, lowering=lowering, order=order)
    assert int(program.task_macs.sum()) == program.macs
    for task in range(program.tasks):
        touches = np.arange(program.touch_start[task], program.touch_start[task + 1])
        boxes = program.cell_box[program.touch_cell[touches[program.touch_write[touches]]]]
        parts = [set(map(tuple, boxes[boxes[:, 0] == i, 1:].tolist())) for i in _range(boxes[:, 0])]
        assert all(part == parts[0] for part in parts)
        if len(parts) > 1:  # whole maps
            rows = program.kernels[program.task_kernel[task]].output.shape[2]
            assert (boxes[:, 1].min(), boxes[:, 2].max()) == (0, rows)
    written = program.touch_cell[program.touch_write]
    assert len(np.unique(written)) == len(written)  # each cell once


def _range(numbers: np.ndarray) -> range:
    return range(int(numbers.min()), int(numbers.max()) + 1)


@few
@given(batches, lowerings, orders, buffers, st.integers(0, 10**6))
def test_the_curve_is_the_pass_and_sums_agree(
    network: Network, lowering: str, order: str, buffer: int, seed: int
) -> None:
    program = program_of(network, buffer, lowering=lowering, order=order)
    found = curve(program)
    edges = np.random.default_rng(seed).choice(found.steps.cache_bytes, 3)
    for capacity in {*capacities(program), *edges.tolist(), *np.maximum(edges - 1, 0).tolist()}:
        traffic = cache_pass(program, capacity)
        assert (found.at(capacity) == traffic.traffic).all()
        total = traffic.traffic.sum()
        assert total == traffic.tensor_traffic.sum() == found.dram_bytes(capacity)
        assert total == traffic.load_bytes.sum() + traffic.store_bytes.sum()
        assert total >= program.compulsory_bytes


@few
@given(batches, lowerings, orders, buffers, st.sampled_from(["textbook", "gtx1080"]))
def test_the_replay_is_the_recurrence(
    network: Network, lowering: str, order: str, buffer: int, name: str
) -> None:
    machine = load_machine(name)
    program = program_of(network, buffer, lowering=lowering, order=order)
    durations = steps(program, cache_pass(program, all_bytes(program) // 3), machine)
    same(replay(durations), recurrence(durations))


@few
@given(batches, plain)
def test_whole_tiles_move_the_same_feature_maps_for_images_together_and_apart(
    network: Network, lowering: str
) -> None:
    """So law 12, which counts no weights, holds for both."""
    moved = []
    for images in (TOGETHER, APART):
        program = program_of(network, 1, lowering=lowering, tile="whole", images=images)
        assert program.tasks == len(program.kernels) * (network.batch if images == APART else 1)
        moved.append(by_role(cache_pass(program, 0)))
        moved[-1][Role.WEIGHT] = 0
    assert moved[0] == moved[1]
