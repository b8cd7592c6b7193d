"""Laws of programs on random networks: 1, 2, 3, 8, 9, 10, 12 and the shape of the columns."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from memsim.engines.cache.cachepass import CachePass, cache_pass
from memsim.errors import SimulationError
from memsim.network import Network, Node
from memsim.network.ops.arrange import Slice
from memsim.network.ops.conv import Conv, ConvTranspose
from memsim.network.ops.pool import GlobalAvgPool
from memsim.network.ops.shape import Input
from memsim.program import LOWERINGS, ORDERS, Program, Role, build
from memsim.program.blocks import LARGEST_BLOCK
from memsim.program.lowering.wiring import output_roots
from tests.strategies import networks

lowerings = st.sampled_from(sorted(LOWERINGS))
orders = st.sampled_from(sorted(ORDERS))
buffers = st.sampled_from([200, 400, 1000, 4000, 100_000])
few = settings(suppress_health_check=[HealthCheck.too_slow])


def program_of(network: Network, buffer: int, **options: str) -> Program:
    try:
        return build(network, buffer=buffer, **options)
    except SimulationError:
        assume(False)
        raise


def all_bytes(program: Program) -> int:
    return int(program.block_bytes.sum())


def capacities(program: Program) -> list[int]:
    total = all_bytes(program)
    largest = int(program.block_bytes.max(initial=1))
    return sorted({0, 1, largest - 1, largest, total // 7, total // 3, total // 2, total})


@few
@given(networks(), lowerings, orders, buffers)
def test_columns_are_consistent(network: Network, lowering: str, order: str, buffer: int) -> None:
    program = program_of(network, buffer, lowering=lowering, order=order)
    assert program.task_start[0] == 0
    assert program.task_start[-1] == program.accesses
    assert (program.block_bytes >= 1).all()
    assert (program.block_bytes <= LARGEST_BLOCK).all()
    for number, tensor in enumerate(program.tensors):
        assert program.block_bytes[program.block_tensor == number].sum() == tensor.nbytes
    writes = program.access_block[program.access_write]
    assert len(np.unique(writes)) == len(writes)  # each block is written by one task, once
    kinds = np.array([tensor.kind for tensor in program.tensors])[program.block_tensor]
    computed = np.isin(kinds, ["activation", "output"])
    assert (np.sort(writes) == np.flatnonzero(computed)).all()
    first = np.full(len(program.block_bytes), program.accesses)
    np.minimum.at(first, program.access_block, np.arange(program.accesses))
    assert (first[writes] == np.flatnonzero(program.access_write)).all()  # written before read
    for task in range(program.tasks):
        begin, end = program.task_start[task], program.task_start[task + 1]
        kinds = program.access_write[begin:end]
        assert not kinds[: int(np.argmax(kinds))].any()  # reads, then writes
        assert kinds[int(np.argmax(kinds)) :].all()
        assert kinds.any()
    dead = program.access_block[program.access_last]
    assert len(np.unique(dead)) == len(dead) == len(np.unique(program.access_block))
    left_out = sum(layer.macs for layer in program.left_out)
    assert int(program.task_macs.sum()) == program.macs == network.macs - left_out


@few
@given(networks(), lowerings, buffers)
def test_a_kernel_that_streams_reads_the_whole_of_every_operand(
    network: Network, lowering: str, buffer: int
) -> None:
    program = program_of(network, buffer, lowering=lowering, rows="streamed")
    names = [tensor.name for tensor in program.tensors]
    for number, kernel in enumerate(program.kernels):
        if isinstance(kernel.op, Slice):
            continue  # a slice that leaves the network copies its channels alone
        tasks = np.flatnonzero(program.task_kernel == number)
        begin, end = program.task_start[tasks[0]], program.task_start[tasks[-1] + 1]
        blocks = np.unique(program.access_block[begin:end])
        for operand in kernel.operands:
            for segment in operand.view.segments:
                tensor = program.tensors[names.index(segment.tensor)]
                images, channels, rows, unit = tensor.shape
                part = images * (segment.stop - segment.start) * rows * unit
                of_tensor = program.block_tensor[blocks] == names.index(segment.tensor)
                read = program.block_bytes[blocks[of_tensor]].sum()
                assert read >= part
                if segment.stop - segment.start == channels:
                    assert read == tensor.nbytes


def test_a_pool_over_a_map_larger_than_the_buffers_is_streamed() -> None:
    nodes = [Node("x", Input(shape=(2, 512, 512))), Node("mean", GlobalAvgPool(), ("x",))]
    program = build(Network("squeeze", nodes), buffer=8192)
    assert program.tasks == 2
    assert cache_pass(program, 0).read_bytes == 2 * 512 * 512 * 4


@few
@given(networks(), lowerings, buffers)
def test_law_1_a_cache_that_holds_everything_moves_the_compulsory_bytes(
    network: Network, lowering: str, buffer: int
) -> None:
    program = program_of(network, buffer, lowering=lowering)
    traffic = cache_pass(program, all_bytes(program))
    assert traffic.read_bytes == program.compulsory_read_bytes
    assert traffic.write_bytes == program.compulsory_write_bytes
    roots = [network[name] for name in output_roots(network)]
    outputs = sum(layer.output.nbytes for layer in roots if not layer.op.is_input)
    assert program.compulsory_write_bytes == outputs
    written = program.touch_write & (program.touch_role == Role.OUTPUT)
    assert program.touch_bytes[written].sum() == outputs


@few
@given(networks(), lowerings, buffers)
def test_law_2_without_a_cache_every_read_goes_to_dram(
    network: Network, lowering: str, buffer: int
) -> None:
    program = program_of(network, buffer, lowering=lowering)
    reads = program.access_bytes[~program.access_write].sum()
    assert cache_pass(program, 0).read_bytes == reads


@few
@given(networks(), lowerings, orders, buffers)
def test_laws_3_and_8_traffic_never_grows_with_capacity_and_all_sums_agree(
    network: Network, lowering: str, order: str, buffer: int
) -> None:
    program = program_of(network, buffer, lowering=lowering, order=order)
    before: CachePass | None = None
    for capacity in capacities(program):
        traffic = cache_pass(program, capacity)
        total = traffic.read_bytes + traffic.write_bytes
        assert total == traffic.traffic.sum() == traffic.tensor_traffic.sum()
        assert total == traffic.load_bytes.sum() + traffic.store_bytes.sum()
        assert total >= program.compulsory_bytes
        assert traffic.peak_occupancy <= capacity
        if before is not None:
            assert traffic.read_bytes <= before.read_bytes
            assert traffic.write_bytes <= before.write_bytes
        before = traffic


@few
@given(networks(), lowerings, buffers)
def test_law_9_same_input_same_output(network: Network, lowering: str, buffer: int) -> None:
    one, other = (program_of(network, buffer, lowering=lowering) for _ in range(2))
    capacity = all_bytes(one) // 3
    assert (one.access_block == other.access_block).all()
    assert (cache_pass(one, capacity).traffic == cache_pass(other, capacity).traffic).all()


@few
@given(networks(), buffers)
def test_law_10_without_a_cache_each_lowering_moves_no_more_than_the_one_before(
    network: Network, buffer: int
) -> None:
    moved = []
    for lowering in ("concat_free", "concat_in_place", "fused", "eager"):
        traffic = cache_pass(program_of(network, buffer, lowering=lowering), 0)
        moved.append(traffic.read_bytes + traffic.write_bytes)
    assert moved == sorted(moved)


@few
@given(networks())
def test_law_12_whole_tiles_without_a_cache_move_cio(network: Network) -> None:
    """Where all rows are read; those that no window reads are counted by CIO all the same."""
    program = program_of(network, 1, lowering="concat_free", tile="whole", rows="streamed")
    traffic = cache_pass(program, 0)
    convolutions = [isinstance(kernel.op, (Conv, ConvTranspose)) for kernel in program.kernels]
    operands = traffic.traffic[convolutions][:, [Role.INPUT, Role.ACTIVATION]][:, :, :2].sum()
    computed = {
        kernel.output.name
        for kernel in program.kernels
        if isinstance(kernel.op, (Conv, ConvTranspose))
    }
    results = sum(network[name].output.nbytes for name in computed)
    cio = network.cio - sum(layer.cio for layer in program.left_out)
    assert operands + results == cio * network[network.inputs[0]].output.itemsize
