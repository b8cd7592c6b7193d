"""What oneDNN reorders on every call of a convolution."""

from __future__ import annotations

import pytest

import memsim
from memsim.network import Network, Node
from memsim.network.ops.conv import Conv
from memsim.network.ops.shape import Input
from memsim.program import Role, build
from memsim.program.lowering import LOWERINGS, on_library
from memsim.program.memory.allocator import plan_memory


def one_conv(channels: int, size: int = 40, **attributes: object) -> Network:
    conv = Conv(out=16, kernel=3, padding=1, **attributes)
    return Network("one", [Node("x", Input(shape=(channels, size, size))), Node("c", conv, ("x",))])


def names(network: Network) -> list[str]:
    return [kernel.name for kernel in LOWERINGS["eager_onednn"].lower(network)]


def test_a_convolution_is_reordered_before_and_after() -> None:
    assert names(one_conv(16)) == [
        "c.reorder_input",
        "c.reorder_weights",
        "c",
        "c.reorder_output",
    ]


def test_fewer_than_eight_input_channels_are_read_as_they_lie() -> None:
    assert names(one_conv(3, 200)) == ["c.reorder_weights", "c", "c.reorder_output"]
    assert names(one_conv(8, 200))[0] == "c.reorder_input"


def test_a_small_convolution_is_a_matrix_product_on_plain_maps() -> None:
    # 20,480 elements are PyTorch's limit.
    assert names(one_conv(20, 32)) == ["c"]
    assert len(names(one_conv(21, 32))) == 4


@pytest.mark.parametrize("bias", [False, True])
def test_weights_are_fetched_once_and_read_packed(bias: bool) -> None:
    network = one_conv(16, bias=bias)
    program = build(network, buffer=1 << 20, lowering="eager_onednn")
    plain = build(network, buffer=1 << 20, lowering="eager")
    assert program.compulsory_bytes == plain.compulsory_bytes
    assert program.task_macs.sum() == plain.task_macs.sum()
    packed = next(tensor for tensor in program.tensors if tensor.name == "c.weight.packed")
    assert packed.kind == "activation"
    weights = network.params - 16 * bias
    assert memsim.run(network, lowering="eager_onednn", cache="1MB").by_role["weight"] == (
        4 * network.params
    )
    work = {
        program.kernels[number].name: int(program.task_work[program.task_kernel == number].sum())
        for number in range(4)
    }
    assert work["c.reorder_weights"] == weights
    assert work["c.reorder_input"] == 16 * 40 * 40
    assert work["c.reorder_output"] == 16 * 40 * 40


def test_without_a_cache_every_copy_goes_through_dram() -> None:
    network = one_conv(16)
    plain = memsim.run(network, lowering="eager", cache=0)
    copied = memsim.run(network, lowering="eager_onednn", cache=0)
    image, weights = 4 * 16 * 40 * 40, 4 * 16 * 16 * 9
    # Written and read: the blocked input, the packed weights, the blocked output.
    assert copied.dram_bytes - plain.dram_bytes >= 2 * (2 * image + weights)


def test_a_machine_with_onednns_kernels_runs_eager_by_them(tmp_path) -> None:
    from memsim.machine import load_machine

    edge = load_machine("textbook")
    compute = edge.compute.model_copy(update={"kernels": "onednn"})
    machine = edge.model_copy(update={"compute": compute})
    network = one_conv(16)
    assert memsim.run(network, machine=machine, lowering="eager").program.options["lowering"] == (
        "eager_onednn"
    )
    assert memsim.run(network, machine=machine).program.options["lowering"] == "fused"
    assert memsim.run(network, lowering="eager").program.options["lowering"] == "eager"


def test_a_library_without_a_variant_of_a_lowering_leaves_it() -> None:
    assert on_library("concat_free", "onednn") == "concat_free"
    assert on_library("eager", "cudnn") == "eager_cudnn"


def test_a_layer_knows_all_the_kernels_that_a_library_makes_of_it() -> None:
    kernels = LOWERINGS["eager_onednn"].lower(one_conv(16))
    assert {kernel.layers for kernel in kernels} == {("c",)}
    assert [kernel.output_role for kernel in kernels] == [Role.ACTIVATION] * 4


def test_pools_have_a_rate_of_their_own_where_the_machine_names_one() -> None:
    from fractions import Fraction

    from memsim.machine import load_machine
    from memsim.network.ops.pool import MaxPool

    network = Network(
        "pool", [Node("x", Input(shape=(8, 32, 32))), Node("p", MaxPool(kernel=2), ("x",))]
    )
    edge = load_machine("textbook")
    slow = edge.model_copy(
        update={"compute": edge.compute.model_copy(update={"pooling_per_s": Fraction(10**6)})}
    )
    assert memsim.run(network, machine=slow).time_s >= 8 * 16 * 16 * 4 / 1e6
    assert memsim.run(network, machine=edge).time_s < 1e-3


@pytest.mark.parametrize("allocator", ["caching", "arena", "fresh"])
def test_a_reordered_map_does_not_overwrite_the_one_that_it_is_copied_from(allocator: str) -> None:
    conv = Conv(out=16, kernel=3, padding=1)
    network = Network(
        "two",
        [
            Node("x", Input(shape=(16, 40, 40))),
            Node("c", conv, ("x",)),
            Node("d", conv, ("c",)),
        ],
    )
    program = build(network, buffer=1 << 20, lowering="eager_onednn")
    plan = plan_memory(program, allocator)
    place = {
        tensor.name: (int(address), int(address) + tensor.nbytes)
        for tensor, address in zip(program.tensors, plan.address, strict=True)
    }
    for kernel in program.kernels:
        begin, end = place[kernel.output.name]
        for operand in kernel.operands:
            for segment in operand.view.segments:
                low, high = place[segment.tensor]
                assert end <= low or high <= begin, (kernel.name, segment.tensor)
