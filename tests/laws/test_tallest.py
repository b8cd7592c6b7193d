"""Strips that fill the buffers: the tallest that fits, found without looking at every height."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from memsim.network import Network, Node
from memsim.network.ops.conv import Conv
from memsim.network.ops.shape import Input
from memsim.program import LOWERINGS
from memsim.program.tiling.buffers import _TileCost, largest
from tests.laws.test_program import program_of
from tests.strategies import networks


@settings(max_examples=60)
@given(networks(), st.sampled_from(sorted(LOWERINGS)), st.data())
def test_it_is_the_last_that_fits_of_all_heights(network, lowering, data):
    for kernel in program_of(network, 100_000, lowering=lowering).kernels:
        if kernel.untiled:
            continue
        cost, (_, channels, height, _) = _TileCost(kernel), kernel.output.grid
        width = data.draw(st.integers(1, channels))
        needs = [cost.bytes(rows, width) for rows in range(1, height + 1)]
        assert needs == sorted(needs)
        for buffer in {0, needs[0] - 1, needs[0], needs[len(needs) // 2], needs[-1] - 1, needs[-1]}:
            fits = sum(need <= buffer for need in needs)
            assert cost.tallest(width, buffer) == fits
            assert cost.tallest(width, buffer, known=fits // 2) == fits
            if width > 1:
                assert cost.tallest(width - 1, buffer) >= fits


def equal(size, most):
    step = -(-size // -(-size // most))
    return -(-size // step)


@settings(max_examples=100)
@given(
    st.integers(1, 24), st.integers(1, 24), st.sampled_from((1, 2, "each")), st.integers(1, 40),
    st.sampled_from((1, 3, 5)), st.integers(1, 3), st.floats(0, 1),
)  # fmt: skip
def test_the_tile_that_streams_least_is_found_without_trying_all(
    inputs, outputs, groups, height, taps, batch, share
):
    """Among all numbers of channel blocks, with the tallest strip of each, up to those of which a
    block holds the whole map of all images."""
    groups = inputs if groups == "each" else groups
    inputs, outputs = inputs + -inputs % groups, outputs + -outputs % groups
    layers = [Node("x", Input(shape=(inputs, height, 9)))]
    layers += [Node("c", Conv(out=outputs, kernel=taps, groups=groups), ("x",))]
    (kernel,) = LOWERINGS["fused"].lower(Network("one", layers, batch=batch))
    cost = _TileCost(kernel)
    least, most = cost.bytes(1, 1), cost.bytes(height, outputs)
    size = int(least + share * share * (most - least))
    found = []
    for blocks in sorted({-(-outputs // width) for width in range(1, outputs + 1)}):
        width = -(-outputs // blocks)
        rows = sum(cost.bytes(rows, width) <= size for rows in range(1, height + 1))
        if rows:
            strips = equal(height, rows)
            several = cost.most_images(width, size, batch) if strips == 1 else 1
            of_images = equal(batch, several)
            streamed = cost.streamed(of_images, strips, blocks)
            found.append((streamed, of_images * strips * blocks, blocks, strips, of_images))
            if strips == of_images == 1:
                break
    assert largest(kernel, size, True) == min(found)[:1:-1]
