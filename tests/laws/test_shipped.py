"""The laws of the design on every shipped network, every lowering.

By default on one network of each kind; on the others with ``-m slow``, as ``.ci/run`` does.
"""

from __future__ import annotations

from functools import lru_cache

import pytest

import memsim
from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.clock.recurrence import recurrence
from memsim.engines.clock.replay import replay
from memsim.engines.clock.steps import steps
from memsim.network.ops.conv import Conv, ConvTranspose
from memsim.program import LOWERINGS, Program, Role, build
from memsim.units import PICOSECONDS, duration
from tests.shipped import on_shipped

NAMES, CASES = on_shipped(), on_shipped(LOWERINGS)
CROPPED = (128, 192)
"""Larger inputs are cropped: the laws do not depend on it, the time they take does."""


@lru_cache(maxsize=1)
def network(name: str) -> memsim.Network:
    loaded = memsim.load(name)
    channels, height, width = loaded[loaded.inputs[0]].output.image
    if max(height, width) <= max(CROPPED):
        return loaded
    try:
        return memsim.load(name, input_shape=(channels, *CROPPED))
    except memsim.InputError:  # a detector's last maps need its whole input
        return loaded


@lru_cache(maxsize=1)
def program(name: str, lowering: str) -> Program:
    return build(
        network(name), buffer=memsim.load_machine("textbook").buffer_bytes, lowering=lowering
    )


@pytest.mark.parametrize(("name", "lowering"), CASES)
def test_traffic(name: str, lowering: str) -> None:
    """Laws 1, 2, 3, 8."""
    built = program(name, lowering)
    everything = int(built.block_bytes.sum())
    whole = cache_pass(built, everything)
    assert whole.read_bytes == built.compulsory_read_bytes
    assert whole.write_bytes == built.compulsory_write_bytes
    reads = int(built.touch_bytes[~built.touch_write].sum())
    before = None
    for capacity in (0, 100_000, 1_000_000, everything // 2):
        traffic = cache_pass(built, capacity)
        assert traffic.traffic.sum() == traffic.tensor_traffic.sum()
        assert traffic.traffic.sum() == traffic.load_bytes.sum() + traffic.store_bytes.sum()
        assert traffic.traffic.sum() >= built.compulsory_bytes
        if before is None:
            assert traffic.read_bytes == reads
        else:
            assert traffic.read_bytes <= before.read_bytes
            assert traffic.write_bytes <= before.write_bytes
        before = traffic


@pytest.mark.parametrize(
    ("name", "lowering", "machine"),
    on_shipped(LOWERINGS, ["textbook"]) + on_shipped(["fused"], ["gtx1080"]),
)
def test_time(name: str, lowering: str, machine: str) -> None:
    """Laws 6 and 7."""
    described = memsim.load_machine(machine)
    built = program(name, lowering)
    traffic = cache_pass(built, 500_000)
    durations = steps(built, traffic, described)
    line = replay(durations)
    closed = recurrence(durations)
    for column in ("load_start", "load_end", "compute_start", "compute_end", "store_end"):
        assert (getattr(line, column) == getattr(closed, column)).all()
    moved = traffic.read_bytes + traffic.write_bytes
    assert line.end >= duration(moved, described.dram_bytes_per_s)
    macs = {kernel.op_class: 0 for kernel in built.kernels}
    for kernel in built.kernels:
        macs[kernel.op_class] += kernel.macs
    assert line.end >= sum(
        count * PICOSECONDS / described.mac_rate(name) for name, count in macs.items()
    )
    whole = sum(durations.load) + sum(durations.compute) + sum(durations.store)
    assert line.end <= whole + sum(durations.latency)


@pytest.mark.parametrize("name", NAMES)
def test_without_a_cache_each_lowering_moves_no_more_than_the_one_before(name: str) -> None:
    """Law 10."""
    moved = [
        cache_pass(program(name, lowering), 0).traffic.sum()
        for lowering in ("concat_free", "concat_in_place", "fused", "eager")
    ]
    assert moved == sorted(moved)


BETWEEN = {"shufflenetv2"}
"""Half of a shuffled map lies in two places, and the channels between them are read with it."""


@pytest.mark.parametrize("name", NAMES)
def test_whole_tiles_without_a_cache_move_cio(name: str) -> None:
    """Law 12: CIO counts rows that no window reads as well."""
    loaded = network(name)
    built = build(loaded, buffer=1, lowering="concat_free", tile="whole", rows="streamed")
    traffic = cache_pass(built, 0)
    convolutions = [isinstance(kernel.op, (Conv, ConvTranspose)) for kernel in built.kernels]
    operands = traffic.traffic[convolutions][:, [Role.INPUT, Role.ACTIVATION]][:, :, :2].sum()
    written = {
        kernel.output.name
        for kernel in built.kernels
        if isinstance(kernel.op, (Conv, ConvTranspose))
    }
    results = sum(loaded[each].output.nbytes for each in written)
    itemsize = loaded[loaded.inputs[0]].output.itemsize
    if name in BETWEEN:
        assert loaded.cio * itemsize < operands + results < 1.05 * loaded.cio * itemsize
    else:
        assert operands + results == loaded.cio * itemsize


@pytest.mark.parametrize("name", NAMES)
def test_same_input_same_output(name: str) -> None:
    """Law 9."""
    one, other = (memsim.run(network(name), cache="300kB") for _ in range(2))
    assert one.to_dict() == other.to_dict()
