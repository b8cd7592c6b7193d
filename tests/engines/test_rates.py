"""Rates by class, tiles of channels, and machines that overlap less: off unless asked for."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest

import memsim
from memsim.engines.cache.cachepass import CachePass, cache_pass
from memsim.engines.clock.compiled_recurrence import compiled_recurrence
from memsim.engines.clock.rates import paid_macs, rate_class
from memsim.engines.clock.recurrence import finish, recurrence
from memsim.engines.clock.replay import replay
from memsim.engines.clock.steps import steps
from memsim.machine import Machine
from memsim.network import Network, Node
from memsim.network.ops.conv import Conv, ConvTranspose
from memsim.network.ops.pointwise import Relu
from memsim.network.ops.shape import Input

EDGE = memsim.load_machine("textbook")
COLUMNS = [f"{what}_{edge}" for what in ("load", "compute", "store") for edge in ("start", "end")]


def machine(**compute: Any) -> Machine:
    return EDGE.model_copy(update={"compute": EDGE.compute.model_copy(update=compute)})


def kernel(op: Any, channels: int = 16, size: int = 8):
    net = Network("tiny", [Node("x", Input(shape=(channels, size, size))), Node("c", op, ("x",))])
    return memsim.build(net, buffer=1 << 20).kernels[0]


@cache
def program() -> tuple[memsim.Program, CachePass]:
    built = memsim.build(memsim.load("hardnet39ds"), buffer=EDGE.buffer_bytes, lowering="eager")
    return built, cache_pass(built, EDGE.cache)


@pytest.mark.parametrize(
    ("op", "channels", "size", "expected"),
    [
        (Conv(out=8, kernel=3), 16, 8, "conv3x3"),
        (Conv(out=8, kernel=3, stride=2), 16, 8, "conv"),
        (Conv(out=8, kernel=3, dilation=2), 16, 8, "conv"),
        (Conv(out=8, kernel=3, groups=2), 16, 8, "conv"),
        (Conv(out=8, kernel=1), 16, 8, "conv"),
        (ConvTranspose(out=8, kernel=3), 16, 8, "conv"),
        (Conv(out=16, kernel=3, groups=16), 16, 8, "depthwise"),
        (Conv(out=8, kernel=3), 15, 8, "unaligned"),
        (Conv(out=8, kernel=2), 15, 8, "unaligned"),
        (Conv(out=7, kernel=3), 16, 8, "conv3x3"),
        (Conv(out=8, kernel=3), 16, 7, "unaligned"),
        (Conv(out=8, kernel=3, stride=2), 16, 10, "unaligned"),
        (Conv(out=16, kernel=3, groups=16), 16, 7, "depthwise"),
    ],
)
def test_the_class_of_a_convolution(op, channels, size, expected):
    found = kernel(op, channels, size)
    if expected == "unaligned" and op.kernel == 2:
        assert rate_class(found, vector=2) == "unaligned"  # 15 x 2 x 2 is even, 7 x 7 maps are not
    assert rate_class(found, vector=2) == expected
    assert rate_class(found) != "unaligned"


def test_a_class_without_a_rate_of_its_own_changes_nothing():
    built, traffic = program()
    plain = steps(built, traffic, EDGE)
    assert steps(built, traffic, machine(vector=2)).compute == plain.compute
    rates = EDGE.compute.macs_per_s
    same = rates.model_copy(update={"conv3x3": rates.conv, "unaligned": rates.conv})
    assert steps(built, traffic, machine(vector=2, macs_per_s=same)).compute == plain.compute


def test_a_slower_class_slows_its_own_kernels_alone():
    built, traffic = program()
    rates = EDGE.compute.macs_per_s
    slow = rates.model_copy(update={"unaligned": rates.conv / 10})
    change = machine(vector=2, macs_per_s=slow)
    before, after = steps(built, traffic, EDGE).compute, steps(built, traffic, change).compute
    rows = zip(built.task_kernel, before, after, strict=True)
    slower = {built.kernels[number].name for number, one, other in rows if other > one}
    assert slower
    assert slower == {k.name for k in built.kernels if rate_class(k, 2) == "unaligned"}


def test_convolutions_pay_for_whole_tiles_of_channels():
    op = Conv(out=20, kernel=3)
    net = Network("tiny", [Node("x", Input(shape=(4, 8, 8))), Node("c", op, ("x",))])
    built = memsim.build(net, buffer=1 << 20)
    assert paid_macs(built, machine(channel_tile=32)).sum() == built.task_macs.sum() * 32 // 20
    assert paid_macs(built, machine(channel_tile=20)).sum() == built.task_macs.sum()
    assert paid_macs(built, machine(channel_tile=1)) is built.task_macs


class TestWave:
    """A device computes many outputs at once; a convolution with fewer pays for as many."""

    def macs(self, op, wave: int, tile: int = 1, batch: int = 1) -> Fraction:
        nodes = [Node("x", Input(shape=(4, 8, 8))), Node("c", op, ("x",))]
        built = memsim.build(Network("tiny", nodes, batch=batch), buffer=1 << 20)
        paid = paid_macs(built, machine(channel_tile=tile, wave=wave))
        return Fraction(int(paid.sum()), int(built.task_macs.sum()))

    def test_up_to_its_outputs_a_wave_costs_nothing(self):
        op = Conv(out=20, kernel=3)  # 20 x 8 x 8 outputs
        assert self.macs(op, 20 * 64) == 1
        assert self.macs(op, 20 * 64 + 1) > 1
        assert self.macs(op, 2 * 20 * 64) == 2

    def test_outputs_are_those_of_whole_tiles_and_of_all_images(self):
        op = Conv(out=20, kernel=3)
        assert self.macs(op, 32 * 64, tile=32) == Fraction(32, 20)
        assert self.macs(op, 2 * 32 * 64, tile=32) == Fraction(64, 20)
        assert self.macs(op, 2 * 32 * 64, tile=32, batch=2) == Fraction(32, 20)

    def test_groups_are_computed_together(self):
        op = Conv(out=20, kernel=3, groups=2)
        assert self.macs(op, 20 * 64) == 1
        assert self.macs(op, 40 * 64) == 2

    def test_other_kernels_pay_for_none(self):
        assert self.macs(Conv(out=4, kernel=3, groups=4), 1 << 20) == 1  # depthwise

    def test_narrow_convolutions_pay_for_a_vector_on_a_cpu(self):
        nodes = [Node("x", Input(shape=(58, 8, 8))), Node("c", Conv(out=4, kernel=3), ("x",))]
        built = memsim.build(Network("tiny", nodes), buffer=1 << 20)
        for name, lanes in (("zen3", 8), ("xeon_avx512", 16)):
            paid = paid_macs(built, memsim.load_machine(name))
            assert paid.sum() == built.task_macs.sum() * lanes // 4


def test_depthwise_and_linear_layers_pay_for_no_tiles():
    built, _ = program()
    paid = paid_macs(built, machine(channel_tile=32))
    for number, each in enumerate(built.kernels):
        tasks = built.task_kernel == number
        if each.op_class in ("depthwise", "linear"):
            assert (paid[tasks] == built.task_macs[tasks]).all()
    assert (paid >= built.task_macs).all()


@pytest.mark.parametrize("overlap", ["all", "kernel", "none"])
def test_law_6_holds_however_much_overlaps(overlap):
    built, traffic = program()
    found = steps(built, traffic, machine(overlap=overlap))
    one, other = replay(found), recurrence(found)
    for column in COLUMNS:
        assert getattr(one, column).tolist() == getattr(other, column).tolist(), column


def test_where_nothing_overlaps_all_durations_add_up():
    built, traffic = program()
    found = steps(built, traffic, machine(overlap="none", kernel_overhead=7))
    total = sum(map(sum, (found.load, found.compute, found.store, found.latency)))
    assert recurrence(found).end == total


def test_a_task_that_loads_nothing_waits_for_the_store_all_the_same():
    nodes = [
        Node("x", Input(shape=(8, 128, 128))),
        Node("c", Conv(out=32, kernel=3), ("x",)),
        Node("r", Relu(), ("c",)),  # reads from the cache, writes the network's output
    ]
    built = memsim.build(Network("tiny", nodes), buffer=EDGE.buffer_bytes, lowering="eager")
    traffic = cache_pass(built, EDGE.with_overrides(cache="8MB").cache)
    pushed = np.flatnonzero((traffic.load_bytes[1:] == 0) & (traffic.store_bytes[:-1] > 0)) + 1
    assert len(pushed)
    found = steps(built, traffic, machine(overlap="none"))
    line = recurrence(found)
    assert (line.compute_start[pushed] == line.store_end[pushed - 1] + 1).all()
    assert line.end == sum(map(sum, (found.load, found.compute, found.store, found.latency)))


def test_kernels_one_after_another_never_overlap():
    built, traffic = program()
    line = recurrence(steps(built, traffic, machine(overlap="kernel")))
    first = np.flatnonzero(np.diff(built.task_kernel)) + 1
    before = np.maximum(line.compute_end[first - 1], line.store_end[first - 1])
    assert (line.load_start[first] >= before).all()


def test_kernels_are_issued_one_after_the_other_while_the_device_computes():
    built, traffic = program()
    plain = steps(built, traffic, machine(overlap="none"))
    found = steps(built, traffic, machine(overlap="none", launch=5_000_000))
    kernels = len(built.kernels)
    assert sorted(set(found.issued)) == [5_000_000 * number for number in range(1, kernels + 1)]
    assert found.compute == plain.compute  # a launch is no time of the device
    end = recurrence(found).end
    assert end == replay(found).end == compiled_recurrence(found).end == finish(found)
    assert end >= max(recurrence(plain).end, 5_000_000 * kernels)
    assert end <= recurrence(plain).end + 5_000_000 * kernels


def test_a_launch_that_is_shorter_than_every_kernel_costs_one_launch():
    built, traffic = program()
    busy = machine(overlap="none", kernel_overhead=1_000_000)
    queued = machine(overlap="none", kernel_overhead=1_000_000, launch=1_000_000)
    once = recurrence(steps(built, traffic, busy)).end
    assert recurrence(steps(built, traffic, queued)).end == once + 1_000_000


def test_less_overlap_takes_longer():
    built, traffic = program()
    ends = [
        recurrence(steps(built, traffic, machine(overlap=overlap))).end
        for overlap in ("all", "kernel", "none")
    ]
    assert ends[0] < ends[1] < ends[2]


def test_law_7_holds_with_rates_by_class():
    built, traffic = program()
    rates = EDGE.compute.macs_per_s.model_copy(update={"conv3x3": Fraction(10**12)})
    mine = machine(vector=2, channel_tile=32, macs_per_s=rates)
    end = recurrence(steps(built, traffic, mine)).end
    least = sum(
        Fraction(int(built.task_macs[built.task_kernel == number].sum()))
        / mine.mac_rate(rate_class(each, 2))
        for number, each in enumerate(built.kernels)
    )
    assert end >= least * 10**12


class TestBiases:
    def test_a_bias_is_a_kernel_that_reads_and_writes_the_output(self):
        network = memsim.load("squeezenet1_0")
        plain = memsim.run(network, lowering="eager", cache=0)
        split = memsim.run(network, lowering="eager_cudnn", cache=0)
        convs = [each for each in plain.layers if each.op == "conv"]
        moved = sum(2 * 4 * int(np.prod(each.output_shape)) for each in convs)
        assert split.by_role["activation"] - plain.by_role["activation"] == moved
        assert len(split.layers) - len(plain.layers) == len(convs)
        assert sum(each.cio_elements for each in split.layers) == network.cio
        assert split.program.weight_bytes == plain.program.weight_bytes

    def test_without_biases_nothing_changes(self):
        network = memsim.load("hardnet39ds")
        names = [memsim.build(network, buffer=1 << 19, lowering=each).kernels
                 for each in ("eager", "eager_cudnn")]  # fmt: skip
        assert [k.name for k in names[0]] == [k.name for k in names[1]]
