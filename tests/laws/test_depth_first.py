"""Laws of depth first on random networks: every range of layers is a group that runs."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.clock.recurrence import recurrence
from memsim.engines.clock.replay import replay
from memsim.engines.clock.steps import steps
from memsim.engines.curve.curve import curve
from memsim.errors import InputError, SimulationError
from memsim.machine import load_machine
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
    options["strip"] = draw(st.none() | st.integers(1, 4) | st.sampled_from(["1x1", "2x3", "9x2"]))
    options["overlap"] = draw(st.sampled_from(["recompute", "keep"]))
    try:
        fused = build(network, schedule="depth_first", group=group, **options)
    except InputError:  # a range of one kernel, or one that is not cut across its columns
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
    ours, theirs = (np.zeros(len(plain.kernels), np.int64) for _ in range(2))
    np.add.at(ours, fused.task_kernel, fused.task_macs)
    np.add.at(theirs, plain.task_kernel, plain.task_macs)
    assert (ours - theirs).tolist() == list(fused.recomputed_macs)
    assert fused.macs - plain.macs == sum(fused.recomputed_macs) >= 0
    recomputes = fused.options["strip_overlap"] == "recompute"
    assert recomputes or fused.macs == plain.macs
    writes = fused.touch_cell[fused.touch_write]
    assert len(np.unique(writes)) == len(writes)  # each block is written once
    first = np.full(len(fused.cell_bytes), len(fused.touch_cell))
    np.minimum.at(first, fused.touch_cell, np.arange(len(fused.touch_cell)))
    assert (first[writes] == np.flatnonzero(fused.touch_write)).all()  # and before it is read
    touched = first < len(fused.touch_cell)
    assert (fused.cell_is_given | (fused.cell_writer >= 0))[touched].all()  # by some task
    for tensor, nbytes in bytes_written(fused).items():
        stored = fused.tensors[tensor]
        once = stored.kind == "output" or not recomputes
        assert nbytes == stored.nbytes if once else nbytes >= stored.nbytes
    if "x" not in str(fused.options["strip"]):
        for tensor, rows in rows_written(fused).items():
            once = fused.tensors[tensor].kind == "output" or not recomputes
            assert rows.min() == 1 if once else rows.min() >= 1, fused.tensors[tensor]
            assert rows.max() == 1 or not once
    sizes = capacities(fused)
    whole = curve(fused)
    for cache in (0, data.draw(st.sampled_from(sizes))):
        traffic = cache_pass(fused, cache)
        assert whole.read_bytes(cache) == traffic.read_bytes
        assert whole.write_bytes(cache) == traffic.write_bytes
        assert traffic.read_bytes + traffic.write_bytes >= fused.compulsory_bytes
    assert whole.dram_bytes(sizes[-1]) == fused.compulsory_bytes
    machine = load_machine("textbook")
    times = steps(fused, traffic, machine)
    assert replay(times).end == recurrence(times).end
    assert sum(times.compute) >= 2 * fused.macs  # at 0.5 TMAC/s, those computed again as well


def bytes_written(program: Program) -> dict[int, int]:
    """Bytes of each map that kernels write."""
    cells = program.touch_cell[program.touch_write]
    found = np.zeros(len(program.tensors), np.int64)
    np.add.at(found, program.cell_tensor[cells], program.cell_bytes[cells])
    return {number: int(each) for number, each in enumerate(found) if each}


def rows_written(program: Program) -> dict[int, NDArray[np.int64]]:
    """How often each element of a row of each map that kernels write is written."""
    found: dict[int, NDArray[np.int64]] = {}
    for cell in program.touch_cell[program.touch_write].tolist():
        tensor = int(program.cell_tensor[cell])
        times = found.setdefault(tensor, np.zeros(program.tensors[tensor].shape[:3], np.int64))
        image, low, high, left, right = program.cell_box[cell].tolist()
        times[image, left:right, low:high] += 1
    return found
