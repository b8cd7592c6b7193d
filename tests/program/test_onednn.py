"""The kernels of PyTorch and oneDNN: what they touch, and mechanisms by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memsim.engines.cache.levels import Levels, two_levels
from memsim.errors import SimulationError
from memsim.network import Network, Node
from memsim.network.ops.arrange import Concat, Flatten
from memsim.network.ops.conv import Conv, ConvTranspose
from memsim.network.ops.linear import Linear
from memsim.network.ops.pointwise import Add, BatchNorm, Relu, Relu6
from memsim.network.ops.pool import GlobalAvgPool, MaxPool
from memsim.network.ops.shape import Input
from memsim.program.library.onednn import (
    FORWARDS,
    Forward,
    brgemm,
    depthwise,
    direct,
    gemm,
    reorder,
)
from memsim.program.library.onednn.blocking import choose
from memsim.program.library.onednn.eager import EagerForward, EagerInPlaceForward, uses_onednn
from memsim.program.library.onednn.forward import SPACE
from memsim.program.library.onednn.fused import FusedAddsApart, FusedForward
from memsim.program.library.onednn.geometry import ITEM, Geometry, ceil
from memsim.program.library.onednn.process import Process
from memsim.program.library.onednn.processor import Processor, register_block
from memsim.program.library.onednn.runtime import BARE, Runtime
from memsim.program.spans import Recorder, Spans
from tests.strategies import modelled, networks

SRC, WEIGHTS, DST, OTHER = 0, 1 << 30, 2 << 30, 3 << 30

few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def geometries(draw: st.DrawFn, single: bool = False) -> Geometry:
    kh, kw = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    sh, sw = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    dh, dw = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    top, left = draw(st.integers(0, (kh - 1) * dh)), draw(st.integers(0, (kw - 1) * dw))
    ih, iw = draw(st.integers(kh * dh, 12)), draw(st.integers(kw * dw, 12))
    oh = (ih + 2 * top - (kh - 1) * dh - 1) // sh + 1
    ow = (iw + 2 * left - (kw - 1) * dw - 1) // sw + 1
    ic, oc = draw(st.integers(1, 40)), draw(st.integers(1, 70))
    groups = draw(st.integers(2, 20)) if single else draw(st.sampled_from([1, 1, 1, 3]))
    if single:
        ic = oc = 1
    return Geometry(ic, oc, ih, iw, oh, ow, kh, kw, sh, sw, dh, dw, top, left, groups)


def touched(spans: Spans, base: int, size: int, write: bool) -> np.ndarray:
    """Which of ``size`` bytes from ``base`` on are read or written."""
    found = np.zeros(size + 1, np.int64)
    chosen = (spans.write == write) & (spans.start >= base) & (spans.start < base + (1 << 30))
    start, length = spans.start[chosen] - base, spans.length[chosen]
    assert (start + length).max(initial=0) <= size
    np.add.at(found, start, 1)
    np.subtract.at(found, start + length, 1)
    return np.cumsum(found)[:-1] > 0


def rows_read(g: Geometry) -> set[int]:
    """Input rows that some window covers."""
    rows = {y * g.sh - g.top + tap * g.dh for y in range(g.oh) for tap in range(g.kh)}
    return {row for row in rows if 0 <= row < g.ih}


def recorded(record: object, *arguments: object) -> Spans:
    trace = Recorder()
    with trace.call("layer", "kernel"):
        record(trace, *arguments)  # type: ignore[operator]
    return trace.spans()


@few
@given(geometries())
def test_brgemm_writes_all_of_its_output_and_reads_all_weights(g: Geometry) -> None:
    blocking = choose(g, Processor())
    spans = recorded(brgemm.record_brgemm, g, blocking, SRC, WEIGHTS, DST)
    assert touched(spans, DST, g.oc * g.groups * g.oh * g.ow * ITEM, True).all()
    read = touched(spans, WEIGHTS, brgemm.packed_bytes(g, blocking), False)
    taps = {t for y in range(g.oh) for t in range(g.kh)
            if 0 <= y * g.sh - g.top + t * g.dh < g.ih}  # fmt: skip
    shape = (g.groups, ceil(g.oc, blocking.oc), g.kh, -1)
    found = read.reshape(shape)[:, :, sorted(taps)].mean(axis=-1)
    for block in range(shape[1]):
        here = min(blocking.oc, g.oc - block * blocking.oc)
        tail = block > 0 and here < blocking.oc
        passes = blocking.tail_passes if tail else blocking.passes
        parts = brgemm.shares(here, blocking.oc, passes, 8)
        whole = max(begin + share for begin, share in parts)
        assert (found[:, block] >= whole - 1e-9).all()
    source = touched(spans, SRC, g.ic * g.groups * g.ih * g.iw * ITEM, False)
    rows = source.reshape(g.ih, -1).any(axis=1)
    assert set(np.flatnonzero(rows)) == (set(range(g.ih)) if blocking.flat else rows_read(g))


@few
@given(geometries())
def test_direct_writes_all_of_its_output_and_reads_all_weights(g: Geometry) -> None:
    blocked = g.groups * (-(-g.oc // 8) * 8)
    spans = recorded(direct.record_direct, g, SRC, WEIGHTS, DST)
    assert touched(spans, DST, blocked * g.oh * g.ow * ITEM, True).all()
    read = touched(spans, WEIGHTS, direct.packed_bytes(g), False)
    assert read.any()
    if len(rows_read(g)) == g.ih and g.top + g.bottom <= 0:
        assert read.all()


@few
@given(geometries(single=True), st.booleans())
def test_depthwise_goes_through_memory_once(g: Geometry, last: bool) -> None:
    channels = g.groups if last else -(-g.groups // 8) * 8
    spans = recorded(depthwise.record_depthwise, g, SRC, WEIGHTS, DST, last)
    size = channels * g.oh * g.ow * ITEM
    assert touched(spans, DST, size, True).all()
    assert int(spans.length[spans.write].sum()) == size
    assert touched(spans, WEIGHTS, depthwise.packed_bytes(g), False).all()


@few
@given(geometries())
def test_packing_reads_all_weights_once_and_writes_all_of_the_packed_ones(g: Geometry) -> None:
    spans = recorded(reorder.record_weights, g, SRC, DST)
    assert touched(spans, SRC, g.weights * ITEM, False).all()
    assert int(spans.length[~spans.write].sum()) == g.weights * ITEM
    assert touched(spans, DST, direct.packed_bytes(g), True).all()


@few
@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 9), st.booleans())
def test_a_reordered_map_is_read_and_written_whole(c: int, h: int, w: int, back: bool) -> None:
    spans = recorded(reorder.record_map, c, h, w, SRC, DST, back)
    plain, blocked = c * h * w * ITEM, direct.blocked_bytes(c, h, w)
    for base, size, write in ((SRC, plain, back), (DST, blocked, not back)):
        assert touched(spans, base, size, write).all()


@few
@given(st.integers(1, 90), st.integers(1, 900), st.integers(1, 600))
def test_a_product_reads_both_factors_and_writes_all(rows: int, depth: int, pixels: int) -> None:
    spans = recorded(gemm.record_product, WEIGHTS, SRC, DST, OTHER, rows, depth, pixels)
    assert touched(spans, WEIGHTS, rows * depth * ITEM, False).all()
    assert touched(spans, SRC, depth * pixels * ITEM, False).all()
    assert touched(spans, DST, rows * pixels * ITEM, True).all()
    touched(spans, OTHER, gemm.SCRATCH, True)


def network_of(*nodes: Node, shape: tuple[int, int, int] = (64, 28, 28)) -> Network:
    return Network("small", [Node("x", Input(shape=shape)), *nodes])


def kinds(forward: Forward) -> list[str]:
    return [call.kind for call in forward.calls]


@few
@given(networks(most_layers=6).filter(modelled), st.sampled_from(sorted(FORWARDS)))
def test_a_pass_gives_back_what_it_takes_and_the_next_one_is_alike(
    network: Network, mode: str
) -> None:
    forward = FORWARDS[mode](network.with_options(batch=1, dtype="fp32"), BARE)
    cold, steady = forward.cold, forward.steady
    assert cold.nbytes == steady.nbytes
    assert (cold.write == steady.write).all()
    assert (cold.call == steady.call).all()
    assert {call.layer for call in forward.calls} <= {"", *(layer.name for layer in network)}


@few
@given(networks(most_layers=6).filter(modelled), st.sampled_from(sorted(FORWARDS)))
def test_a_cache_with_room_for_everything_misses_each_line_once(
    network: Network, mode: str
) -> None:
    forward = FORWARDS[mode](network.with_options(batch=1, dtype="fp32"), BARE)
    lines: set[int] = set()
    for start, length in zip(forward.cold.start, forward.cold.length, strict=True):
        lines.update(range(int(start) // 64, int(start + length - 1) // 64 + 1))
    levels = Levels((1 << 26,), 64)
    found = two_levels([forward.cold, forward.cold], len(forward.calls), levels).last[:, 0]
    assert found[0, :, :2].sum() == len(lines)
    assert found[1].sum() == 0  # nothing moves from then on


def test_only_fp32() -> None:
    network = network_of(Node("c", Conv(out=8, kernel=3), ("x",)))
    with pytest.raises(SimulationError, match="modelled in fp32"):
        FusedForward(network.with_options(dtype="fp16"), BARE)


def test_eager_reorders_a_large_convolution_on_every_call() -> None:
    network = network_of(Node("c", Conv(out=64, kernel=3), ("x",)))
    forward = EagerForward(network, BARE)
    map_bytes, weights = 64 * 28 * 28 * ITEM, 64 * 64 * 9 * ITEM
    for spans in (forward.cold, forward.steady):
        # the input in blocks, packed weights, the output in blocks (8 chunks, but its sums are
        # written again for each input block), and the output in nchw
        written = int(spans.length[spans.write].sum())
        assert written == map_bytes + weights + 8 * map_bytes + map_bytes


def test_eager_unfolds_a_small_convolution() -> None:
    network = network_of(Node("c", Conv(out=512, kernel=3), ("x",)), shape=(512, 4, 4))
    assert not uses_onednn(Geometry.of(network["c"]))
    spans = EagerForward(network, BARE).steady
    columns, output = 512 * 9 * 16 * ITEM, 512 * 16 * ITEM
    assert int(spans.length[spans.write].sum()) == columns + 18 * output  # 4608 terms, 256 each


def test_eager_multiplies_pointwise_convolutions_in_place() -> None:
    network = network_of(Node("c", Conv(out=16), ("x",)))
    forward = EagerForward(network, BARE)
    written = touched(forward.steady, 2 * SPACE, 1 << 20, True)
    assert written.sum() == 16 * 784 * ITEM


def test_max_pooling_writes_positions_of_eight_bytes() -> None:
    network = network_of(Node("p", MaxPool(kernel=2), ("x",)))
    for forward in (EagerForward(network, BARE), FusedForward(network, BARE)):
        spans = forward.steady
        assert int(spans.length[spans.write].sum()) == 64 * 14 * 14 * (ITEM + 8)


def test_where_activations_and_residual_sums_work_in_place_batch_norms_do_not() -> None:
    network = network_of(
        Node("n", BatchNorm(), ("x",)),
        Node("r", Relu(), ("n",)),
        Node("m", BatchNorm(), ("r",)),
        Node("a", Add(), ("m", "r")),
    )
    forward = EagerInPlaceForward(network, BARE)
    address = {name: forward.values[name].map.address for name in "xnrma"}
    assert address["n"] == address["r"] != address["x"]
    assert address["m"] == address["a"] != address["r"]
    forward = EagerForward(network, BARE)
    address = {name: forward.values[name].map.address for name in "nrma"}
    assert len({address["n"], address["r"], address["m"]}) == 2  # n is free when m is made
    assert address["n"] != address["r"] != address["m"] != address["a"]


def residual() -> Network:
    return network_of(
        Node("c", Conv(out=64, kernel=3), ("x",)),
        Node("n", BatchNorm(), ("c",)),
        Node("r", Relu(), ("n",)),
        Node("d", Conv(out=64, kernel=3), ("r",)),
        Node("a", Add(), ("d", "r")),
        Node("s", Relu(), ("a",)),
    )


def test_which_layers_are_calls_of_their_own_in_each_mode() -> None:
    assert kinds(FusedForward(residual(), BARE)) == ["start", "conv", "conv"]
    apart = ["start", "conv", "conv", "add", "relu"]
    assert kinds(FusedAddsApart(residual(), BARE)) == apart
    every = ["start", "conv", "batchnorm", "relu", "conv", "add", "relu"]
    assert kinds(EagerForward(residual(), BARE)) == every
    assert kinds(EagerInPlaceForward(residual(), BARE)) == every


def test_a_fused_sum_reads_its_other_operand_once_and_writes_a_new_map() -> None:
    forward = FusedForward(residual(), BARE)
    address = {name: value.map.address for name, value in forward.values.items()}
    assert {"x", "r", "s"} == set(address)  # what lies in the convolutions never exists
    assert address["s"] != address["r"]
    size = 64 * 28 * 28 * ITEM
    last = forward.steady.call == 2
    start, length = forward.steady.start[last], forward.steady.length[last]
    there = (start >= address["r"]) & (start < address["r"] + size)
    plain = FusedForward(residual_free(), BARE).steady
    source = length[there & ~forward.steady.write[last]].sum()
    before = plain.length[(plain.call == 2) & ~plain.write].sum()
    weights = length[~there & ~forward.steady.write[last]].sum()
    assert source + weights - before == size  # the operand, on top of the convolution's reads
    written = forward.steady.write[last]
    assert length[written].sum() == size
    assert (start[written] >= address["s"]).all()


def residual_free() -> Network:
    return network_of(
        Node("c", Conv(out=64, kernel=3), ("x",)),
        Node("n", BatchNorm(), ("c",)),
        Node("r", Relu(), ("n",)),
        Node("d", Conv(out=64, kernel=3), ("r",)),
        Node("s", Relu(), ("d",)),
    )


def test_an_activation_that_the_library_does_not_know_after_a_sum_runs_in_place() -> None:
    nodes = (
        Node("c", Conv(out=64, kernel=3), ("x",)),
        Node("d", Conv(out=64, kernel=3), ("c",)),
        Node("a", Add(), ("d", "c")),
        Node("s", Relu6(), ("a",)),
    )
    forward = FusedForward(network_of(*nodes), BARE)
    assert kinds(forward) == ["start", "conv", "conv", "relu6"]
    assert forward.values["s"].map.address == forward.values["a"].map.address


def test_a_batch_norm_that_cannot_be_folded_writes_a_map_and_its_activation_over_it() -> None:
    nodes = (
        Node("c", Conv(out=64, kernel=3), ("x",)),
        Node("k", Concat(), ("x", "c")),
        Node("n", BatchNorm(), ("k",)),
        Node("r", Relu(), ("n",)),
        Node("d", Conv(out=64), ("r",)),
        Node("o", Relu(), ("k",)),
        Node("e", Add(), ("k", "o")),
        Node("f", Conv(out=64), ("e",)),
        Node("z", Add(), ("d", "f")),
    )
    forward = FusedForward(network_of(*nodes), BARE)
    value = {name: each.map.address for name, each in forward.values.items()}
    assert value["n"] == value["r"] != value["k"]
    assert value["o"] != value["k"]  # it is read again


def test_a_flattened_map_is_copied_where_channels_come_last() -> None:
    nodes = Node("f", Flatten(), ("x",)), Node("l", Linear(out=10), ("f",))
    network = network_of(*nodes)
    assert kinds(FusedForward(network, BARE)) == ["start", "flatten", "linear"]
    assert kinds(EagerForward(network, BARE)) == ["start", "linear"]


def test_a_batch_moves_the_maps_of_every_image_and_the_weights_once_each_time() -> None:
    network = network_of(
        Node("c", Conv(out=64, kernel=3), ("x",)),
        Node("n", BatchNorm(), ("c",)),
        Node("p", MaxPool(kernel=2), ("n",)),
        Node("d", Conv(out=64), ("p",)),
        Node("k", Concat(), ("p", "d")),
        Node("g", GlobalAvgPool(), ("k",)),
        Node("l", Linear(out=10), ("g",)),
    )
    for mode in FORWARDS:
        one = FORWARDS[mode](network, BARE).steady
        three = FORWARDS[mode](network.with_options(batch=3), BARE).steady
        assert three.length[three.write].sum() >= 2.5 * one.length[one.write].sum()
        assert three.length[~three.write].sum() <= 3 * one.length[~one.write].sum()


def test_a_block_of_channels_is_computed_for_all_images_where_weights_stay() -> None:
    network = network_of(Node("c", Conv(out=256, kernel=3), ("x",)), shape=(256, 48, 48))
    forward = FusedForward(network.with_options(batch=2), BARE)
    conv = forward.steady.call == 1
    start, write = forward.steady.start[conv], forward.steady.write[conv]
    image = 256 * 48 * 48 * ITEM
    at = forward.values["c"].map.address
    outputs = start[write & (start >= at)] - at
    turns = np.flatnonzero(np.diff(outputs // image) != 0)
    assert len(turns) == 2 * 256 // forward.chosen["c"].blocking.oc - 1  # type: ignore[union-attr]


def test_padding_that_differs_from_side_to_side_is_a_copy_before_the_convolution() -> None:
    network = network_of(Node("c", Conv(out=64, kernel=3, padding=(1, 1, 0, 0)), ("x",)))
    for mode in FORWARDS:
        forward = FORWARDS[mode](network, BARE)
        assert kinds(forward) == ["start", "pad", "conv"]
        pad = forward.steady.call == 1
        length, write = forward.steady.length[pad], forward.steady.write[pad]
        assert length[write].sum() == 64 * 29 * 29 * ITEM
        assert length[~write].sum() == 64 * 28 * 28 * ITEM


def test_a_transposed_convolution_reads_the_rows_that_meet_each_output_row() -> None:
    network = network_of(
        Node("t", ConvTranspose(out=16, kernel=4, stride=2, padding=1), ("x",)), shape=(8, 6, 6)
    )
    g = Geometry.of(network["t"])
    spans = recorded(direct.record_transposed, g, SRC, WEIGHTS, DST)
    assert touched(spans, DST, 16 * 12 * 12 * ITEM, True).all()
    assert touched(spans, SRC, 8 * 6 * 6 * ITEM, False).all()
    assert touched(spans, WEIGHTS, g.weights * ITEM, False).all()
    row = 8 * 6 * ITEM  # two rows meet each output row, but for the first and the last
    assert spans.length[(spans.start < WEIGHTS)].sum() == (2 * 12 - 2) * row
    size = 16 * 12 * 12 * ITEM
    packed = g.weights * ITEM
    for mode, written in (("fused", packed + size), ("eager", 8 * 36 * ITEM + packed + 2 * size)):
        steady = FORWARDS[mode](network, BARE).steady
        assert steady.length[steady.write].sum() == written


def test_each_pass_of_a_register_block_reads_the_lines_of_its_channels() -> None:
    """Rows of 24 channels are a line and a half: two rows lie in three lines."""
    assert brgemm.shares(24, 24, 1, 8) == ((0, 1),)
    # 16 channels lie in all lines; what is behind them in two of three
    assert brgemm.shares(20, 24, 2, 8) == ((0, 1), (pytest.approx(1 / 3), 2 / 3))
    assert brgemm.shares(26, 32, 2, 8) == ((0, 1), (0.5, 0.5))
    assert brgemm.shares(32, 32, 2, 8) == ((0, 0.5), (0.5, 0.5))
    assert brgemm.shares(16, 32, 1, 8) == ((0, 0.5),)
    assert brgemm.shares(2, 24, 1, 8) == ((0, 2 / 3),)
    assert brgemm.shares(64, 64, 1, 16) == ((0, 1),)
    assert brgemm.shares(40, 48, 2, 16) == ((0, 2 / 3), (2 / 3, 1 / 3))


def test_weights_beyond_the_cache_stream_once_per_register_block() -> None:
    """3x3, 296 to 24 channels on 14x14: 4 register blocks of 4, 4, 4 and 2 pixels per row."""
    network = network_of(Node("c", Conv(out=24, kernel=3), ("x",)), shape=(296, 14, 14))
    weights = 24 * 296 * 9 * ITEM // 64
    forward = FusedForward(network, BARE)
    sizes = (128 * 1024, 1 << 20)
    small, large = two_levels([forward.cold], 2, Levels(sizes)).last[0, :, 1, 0]
    source = 296 * 14 * 14 * ITEM // 64
    assert large == pytest.approx(weights + source, abs=16)
    streams = 4 * (12 + 2 * 2 / 3)  # per row; the first and the last have two of three taps
    rows = 3 * 14 * (1 + 6 / 14)  # of the source: three taps, two more pixels per register block
    assert small == pytest.approx(streams * weights + rows * source / 14, rel=0.01)


def test_the_register_block_covers_virtual_padding() -> None:
    # not 3 pixels: 56 = 18 x 3 + 2 < 3
    assert register_block(56, 32, 3, 3, Processor()) == (4, 3)
    assert register_block(14, 8, 16, 1, Processor()) == (14, 1)


def test_copies_of_weights_on_the_way_leave_holes_of_their_size() -> None:
    """Where a batch norm is folded, two copies lie there at a time; else one, which is reused."""
    alone = network_of(
        Node("c", Conv(out=640, kernel=3), ("x",)), Node("d", Conv(out=640, kernel=3), ("c",))
    )
    network = network_of(
        Node("c", Conv(out=640, kernel=3), ("x",)), Node("n", BatchNorm(), ("c",)),
        Node("d", Conv(out=640, kernel=3), ("n",)), Node("o", BatchNorm(), ("d",)),
    )  # fmt: skip
    weights = 640 * 640 * 9 * 4

    def holes(forward: Forward) -> list[int]:
        assert isinstance(forward.heap, Process)
        return [size for size in forward.heap.heap.bins.sizes.values() if size >= weights]

    assert not holes(EagerForward(network, Runtime()))
    (hole,) = holes(FusedForward(network, Runtime()))
    assert hole < 3 * weights
    assert not holes(FusedForward(alone, Runtime()))
