"""Strips that fill the buffers: the tallest that fits, found without looking at every height."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from memsim.program import LOWERINGS
from memsim.program.tiling.buffers import _TileCost
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
            if width > 1:
                assert cost.tallest(width - 1, buffer) >= fits
