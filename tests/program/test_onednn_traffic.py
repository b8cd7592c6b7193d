"""What PyTorch's own kernels read and write, byte for byte where blocks begin and end."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from memsim.engines.cache.levels import READS, Levels, two_levels
from memsim.network import Network, Node
from memsim.network.ops.pointwise import BatchNorm, Relu
from memsim.network.ops.shape import Input, Upsample
from memsim.program.library.onednn import aten, direct, gemm
from memsim.program.library.onednn.aten import Map
from memsim.program.library.onednn.eager import EagerForward
from memsim.program.library.onednn.fused import FusedForward
from memsim.program.library.onednn.geometry import ITEM, Geometry, ceil
from memsim.program.library.onednn.runtime import BARE
from memsim.program.spans import Recorder, Spans
from tests.program.test_onednn import DST, OTHER, SRC, WEIGHTS, geometries

few = settings(max_examples=30, deadline=None)


def recorded(record: object, *arguments: object) -> Spans:
    trace = Recorder()
    with trace.call("layer", "kernel"):
        record(trace, *arguments)  # type: ignore[operator]
    return trace.spans()


def moved(spans: Spans, base: int, write: bool) -> int:
    """Elements read or written behind a base address, each as often as it is."""
    chosen = (spans.start >= base) & (spans.start < base + (1 << 30)) & (spans.write == write)
    assert (spans.length % ITEM == 0).all()
    return int(spans.length[chosen].sum()) // ITEM


@pytest.mark.parametrize(
    ("depth", "avx2", "avx512"),
    [
        (256, [0], [0]),
        (300, [0, 150], [0]),
        (384, [0, 192], [0]),
        (385, [0, 193], [0, 193]),
        (600, [0, 256, 428], [0, 300]),
        (769, [0, 256, 512, 641], [0, 384, 577]),
        (1024, [0, 256, 512, 768], [0, 384, 704]),
    ],
)
def test_the_terms_of_a_product_that_is_not_copied(
    depth: int, avx2: list[int], avx512: list[int]
) -> None:
    """As read off MKL: 64 x depth times depth x 204, whose rows begin in the midst of vectors."""
    for blas, starts in ((gemm.MKL_AVX2, avx2), (gemm.MKL_AVX512, avx512)):
        spans = recorded(gemm.record_product, WEIGHTS, SRC, DST, OTHER, 64, depth, 204, blas)
        rows = spans.start[(spans.start >= WEIGHTS) & (spans.start < DST)] - WEIGHTS
        first = rows[rows < depth * ITEM]  # the first row of weights
        assert sorted(set((first // ITEM).tolist())) == starts
        tiles = ceil(204, blas.tile)
        assert moved(spans, OTHER, True) == depth * 208  # columns of a tile, whole vectors
        assert moved(spans, OTHER, False) == depth * 208 * ceil(64, blas.rows)
        few = recorded(gemm.record_product, WEIGHTS, SRC, DST, OTHER, 16, depth, 204, blas)
        assert moved(few, OTHER, True) == moved(few, OTHER, False) == 0
        assert moved(few, SRC, False) == depth * 204 * ceil(16, blas.rows)
        assert moved(spans, WEIGHTS, False) == 64 * depth * tiles
        assert moved(spans, SRC, False) == depth * 204
        assert moved(spans, DST, True) == 64 * 204 * len(starts)
        assert moved(spans, DST, False) == 64 * 204 * (len(starts) - 1)


@pytest.mark.parametrize(
    ("rows", "depth", "pixels", "times"),
    [
        (64, 48, 4096, 11.13), (63, 126, 4096, 11.13), (19, 48, 4096, 4.04),
        (64, 48, 512, 11.28), (24, 96, 784, 1.01), (30, 630, 256, 5.45),
    ],
)  # fmt: skip
def test_tiles_without_a_buffer_read_columns_that_share_a_set_again(
    rows: int, depth: int, pixels: int, times: float
) -> None:
    """Callgrind counted how often each line of the columns misses a first level of 32 KiB."""
    spans = recorded(gemm.record_product, WEIGHTS, SRC, DST, OTHER, rows, depth, pixels)
    assert not moved(spans, OTHER, True)
    misses = two_levels([spans, spans], 1, Levels((1 << 20,))).first[1, 0, READS]
    assert misses / (depth * pixels * ITEM / 64) == pytest.approx(times, rel=0.1)


@pytest.mark.parametrize(
    ("depth", "avx2", "avx512"),
    [
        (256, [0], [0]),
        (300, [0, 150], [0]),
        (384, [0, 192], [0]),
        (385, [0, 192, 384], [0, 193]),
        (600, [0, 192, 384, 576], [0, 300]),
        (1024, [0, 192, 384, 576, 768, 960], [0, 384, 768]),
    ],
)
def test_the_terms_of_a_product_that_is_copied(
    depth: int, avx2: list[int], avx512: list[int]
) -> None:
    """As read off MKL: 600 x depth times depth x 600."""
    for blas, starts in ((gemm.MKL_AVX2, avx2), (gemm.MKL_AVX512, avx512)):
        spans = recorded(gemm.record_product, WEIGHTS, SRC, DST, OTHER, 600, depth, 600, blas)
        rows = spans.start[(spans.start >= WEIGHTS) & (spans.start < DST)] - WEIGHTS
        assert sorted(set((rows[rows < depth * ITEM] // ITEM).tolist())) == starts
        panels = ceil(600, blas.panel)
        assert moved(spans, WEIGHTS, False) == 600 * depth
        assert moved(spans, SRC, False) == depth * 600  # kept for the second block of weights
        padded = panels * blas.panel * depth
        assert moved(spans, OTHER, True) == 600 * depth + padded
        assert moved(spans, OTHER, False) == panels * 600 * depth + 2 * padded
        assert moved(spans, DST, True) == 600 * 600 * len(starts)
        ends = spans.start + spans.length
        assert ends[spans.start >= OTHER].max() <= OTHER + gemm.SCRATCH


@pytest.mark.parametrize("long", [(gemm.MKL_AVX2, 72), (gemm.MKL_AVX512, 192)])
def test_a_product_copies_where_both_sides_of_the_target_are_long(
    long: tuple[gemm.Blas, int],
) -> None:
    blas, size = long
    for rows, pixels in ((size, size), (size - 1, 3136), (3136, size - 1)):
        spans = recorded(gemm.record_product, WEIGHTS, SRC, DST, OTHER, rows, 64, pixels, blas)
        copies = (spans.start >= OTHER) & (spans.start < OTHER + gemm.COLUMNS)
        assert copies.any() == (min(rows, pixels) >= size)


@pytest.mark.parametrize(
    ("rows", "starts"),
    [(64, [0]), (200, [0, 48, 96, 144]), (512, [*range(0, 433, 48), 472])],
)
def test_rows_of_a_product_that_is_not_copied_come_in_chunks(rows: int, starts: list[int]) -> None:
    """As read off MKL for AVX2: the columns go through a chunk of rows before the next one."""
    spans = recorded(gemm.record_product, WEIGHTS, SRC, DST, OTHER, rows, 64, 49)
    written = (spans.start[spans.write & (spans.start < OTHER)] - DST) // ITEM
    first = written[written % 49 == 0] // 49  # rows of the first tile, in their order
    turns = [0, *(np.flatnonzero(np.diff(np.flatnonzero(written % 49 == 0)) > 1) + 1)]
    assert [int(first[turn]) for turn in turns] == starts
    assert moved(spans, SRC, False) == len(starts) * 64 * 49


@few
@given(geometries())
def test_unfolding_reads_for_each_tap_the_rows_under_it(g: Geometry) -> None:
    spans = recorded(aten.record_im2col, SRC, g, DST)
    reads, writes = [], []
    for channel in range(g.ic):
        for tap in range(g.kh * g.kw):
            rows = [row * g.sh + tap // g.kw * g.dh - g.top for row in range(g.oh)]
            begin = min(max(rows[0], 0), g.ih)
            end = max(min(rows[-1] + 1, g.ih), begin)
            if end > begin:
                width = g.iw * ITEM
                reads.append(((channel * g.ih + begin) * width, (end - begin) * width))
            writes.append(DST + len(writes) * g.oh * g.ow * ITEM)
    found = zip(spans.start[~spans.write], spans.length[~spans.write], strict=True)
    assert [(int(start), int(length)) for start, length in found] == reads
    assert spans.start[spans.write].tolist() == writes
    assert (spans.length[spans.write] == g.oh * g.ow * ITEM).all()


@few
@given(geometries())
def test_a_pool_reads_for_each_output_row_the_rows_of_its_windows(g: Geometry) -> None:
    for last in (False, True):
        source = Map(SRC, g.ic, g.ih, g.iw, last)
        target = Map(DST, g.ic, g.oh, g.ow, last)
        spans = recorded(aten.record_pool, source, target, g, OTHER)
        planes, wide = (1, g.ic) if last else (g.ic, 1)
        reads, writes = [], []
        for plane in range(planes):
            for row in range(g.oh):
                rows = [row * g.sh - g.top + tap * g.dh for tap in range(g.kh)]
                width = g.iw * wide * ITEM
                reads += [(plane * g.ih + y) * width for y in rows if 0 <= y < g.ih]
                writes.append((plane * g.oh + row) * g.ow * wide)
        assert spans.start[~spans.write].tolist() == reads
        assert (spans.length[~spans.write] == g.iw * wide * ITEM).all()
        values = spans.start[spans.write & (spans.start < OTHER)] - DST
        positions = spans.start[spans.write & (spans.start >= OTHER)] - OTHER
        assert values.tolist() == [each * ITEM for each in writes]
        assert positions.tolist() == [each * 8 for each in writes]


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("inputs", "outputs"), [(8, 8), (16, 40), (24, 72)])
def test_a_pointwise_convolution_reads_its_pixels_for_every_four_blocks_of_outputs(
    stride: int, inputs: int, outputs: int
) -> None:
    g = Geometry(inputs, outputs, 6, 8, 6 // stride, 8 // stride, sh=stride, sw=stride)
    spans = recorded(direct.record_pointwise, g, SRC, WEIGHTS, DST)
    turns = ceil(outputs, 32)
    pixels = g.oh * g.ow
    assert moved(spans, SRC, False) == turns * inputs * pixels
    assert moved(spans, WEIGHTS, False) == g.oh * inputs * outputs
    assert moved(spans, DST, True) == outputs * pixels
    assert moved(spans, DST, False) == 0
    weights = np.unique(spans.start[(spans.start >= WEIGHTS) & (spans.start < DST)] - WEIGHTS)
    assert weights.tolist() == [each * inputs * 8 * ITEM for each in range(outputs // 8)]
    results = np.sort(spans.start[spans.write] - DST)
    assert results.tolist() == [at * g.ow * 8 * ITEM for at in range(outputs // 8 * g.oh)]
    read = {int(start) for start in spans.start[spans.start < WEIGHTS]}
    columns = [0] if stride == 1 else range(0, 8, stride)
    assert read == {
        ((block * 6 + row) * 8 + column) * 8 * ITEM
        for block in range(inputs // 8)
        for row in range(0, 6, stride)
        for column in columns
    }


def test_a_layer_s_parameters_lie_where_they_lay_in_the_pass_before() -> None:
    nodes = Node("x", Input(shape=(3, 8, 8))), Node("n", BatchNorm(), ("x",))
    network = Network("tiny", [*nodes, Node("r", Relu(), ("n",))])
    forward = EagerForward(network, BARE)
    assert forward.cold.start.tolist() == forward.steady.start.tolist()
    two = Network("two", [*nodes, Node("m", BatchNorm(), ("n",))])
    parameters = EagerForward(two, BARE).steady.start
    lengths = EagerForward(two, BARE).steady.length
    first, second = np.unique(parameters[lengths == 4 * 3 * ITEM])  # scale, shift, mean, variance
    assert second - first == 64  # 48 B, on a line of its own
    assert [(call.layer, call.kind) for call in forward.calls if call.layer] == [
        ("n", "batchnorm"), ("r", "relu"),
    ]  # fmt: skip


def test_fused_maps_are_channels_last_and_eager_ones_are_not() -> None:
    nodes = Node("x", Input(shape=(3, 8, 8))), Node("n", BatchNorm(), ("x",))
    network = Network("tiny", nodes)
    assert FusedForward(network, BARE).values["n"].map.last
    assert not EagerForward(network, BARE).values["n"].map.last


@pytest.mark.parametrize(("side", "copies"), [(32, True), (33, False)])
def test_eager_upsamples_small_maps_on_channels_last(side: int, copies: bool) -> None:
    """Both maps are copied into channels last, and the result back: rows + columns at most 128."""
    network = Network(
        "up", [Node("x", Input(shape=(5, side, side))), Node("u", Upsample(factor=2), ("x",))]
    )
    spans = EagerForward(network, BARE).steady
    small, large = network["x"].output.nbytes, network["u"].output.nbytes
    read, written = (int(spans.length[spans.write == write].sum()) for write in (False, True))
    assert read == (2 * (small + large) if copies else small)
    assert written == (small + 3 * large if copies else large)


@given(geometries())
@few
def test_a_layout_copy_reads_and_writes_every_number_once(geometry: Geometry) -> None:
    plain = Map(SRC, geometry.ic, geometry.ih, geometry.iw)
    for back in (False, True):
        spans = recorded(aten.record_layout, plain, DST, back)
        source, target = (DST, SRC) if back else (SRC, DST)
        read = spans.start[~spans.write] - source
        assert sorted(read.tolist()) == list(range(0, plain.nbytes, ITEM))
        assert moved(spans, target, True) == plain.nbytes // ITEM
        ends = spans.start[spans.write] + spans.length[spans.write]
        assert (spans.start[spans.write][1:] == ends[:-1]).all()  # the target in its order
