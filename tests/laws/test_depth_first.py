"""Laws of depth first on random networks: every range of layers is a group that runs."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.curve.curve import curve
from memsim.errors import InputError, SimulationError
from memsim.program import Program, build
from tests.laws.test_program import buffers, capacities, few, lowerings, orders
from tests.strategies import networks


@st.composite
def programs(draw: st.DrawFn) -> tuple[Program, Program]:
    """A network's program layer by layer, and with some range of its layers depth first."""
    network = draw(networks())
    options: dict[str, Any] = {
        "lowering": draw(lowerings),
        "order": draw(orders),
        "buffer": draw(buffers),
    }
    options["rows"] = draw(st.sampled_from(["touched", "streamed"]))
    options["register_tile"] = draw(st.sampled_from([None, None, "2x3"]))
    names = [layer.name for layer in network]
    low = draw(st.integers(0, len(names) // 2))
    high = draw(st.integers(len(names) // 2, len(names) - 1))
    try:
        plain = build(network, **options)
    except SimulationError:  # nothing to compute, or small buffers
        assume(False)
        raise
    group = [f"{names[low]}..{names[high]}"]
    options["strip"] = draw(st.none() | st.integers(1, 4))
    try:
        fused = build(network, schedule="depth_first", group=group, **options)
    except InputError:  # a range of one kernel
        assume(False)
        raise
    return plain, fused


@settings(few, max_examples=50)
@given(programs(), st.data())
def test_depth_first_is_another_order_of_the_same_work(
    drawn: tuple[Program, Program], data: st.DataObject
) -> None:
    plain, fused = drawn
    assert fused.tensors == plain.tensors
    assert fused.compulsory_write_bytes == plain.compulsory_write_bytes
    assert fused.compulsory_read_bytes == plain.compulsory_read_bytes
    for column in ("task_macs", "task_work"):
        ours, theirs = (np.zeros(len(plain.kernels), np.int64) for _ in range(2))
        np.add.at(ours, fused.task_kernel, getattr(fused, column))
        np.add.at(theirs, plain.task_kernel, getattr(plain, column))
        if column == "task_macs":
            assert ours.tolist() == theirs.tolist()
    writes = fused.touch_cell[fused.touch_write]
    assert len(np.unique(writes)) == len(writes)  # each output is written once
    first = np.full(len(fused.cell_bytes), len(fused.touch_cell))
    np.minimum.at(first, fused.touch_cell, np.arange(len(fused.touch_cell)))
    assert (first[writes] == np.flatnonzero(fused.touch_write)).all()  # and before it is read
    sizes = capacities(fused)
    whole = curve(fused)
    for cache in (0, data.draw(st.sampled_from(sizes))):
        traffic = cache_pass(fused, cache)
        assert whole.read_bytes(cache) == traffic.read_bytes
        assert whole.write_bytes(cache) == traffic.write_bytes
        assert traffic.read_bytes + traffic.write_bytes >= fused.compulsory_bytes
    assert whole.dram_bytes(sizes[-1]) == fused.compulsory_bytes
