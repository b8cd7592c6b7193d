"""Shortcut traffic, by hand on a residual and by its law on shipped networks."""

from __future__ import annotations

import numpy as np
import pytest

import memsim
from memsim.engines.cache.cachepass import cache_pass, transfers
from memsim.engines.cache.shortcuts import later_reads, shortcuts
from memsim.formats.architecture.file import from_text
from memsim.program import LOWERINGS, Program, build

# a is read by b, and once more by the add that is fused into c. Each map is one block of 8 KiB
# (8 channels of 16x16 fp32), each weight one of 2304 B (c's input is b's output).
RESIDUAL = """
name: residual
input: [8, 16, 16]
layers:
  - conv: {out: 8, kernel: 3}
    name: a
  - conv: {out: 8, kernel: 3}
    name: b
  - conv: {out: 8, kernel: 3}
    name: c
  - add: a
"""
MAP = 8192


@pytest.fixture(scope="module")
def residual() -> Program:
    return build(from_text(RESIDUAL), buffer=1 << 20)


@pytest.mark.parametrize(
    ("capacity", "read", "written"),
    [
        (0, MAP, 0),  # a comes back for c; but b, its first reader, fetches it too
        (2 * MAP - 1, MAP, MAP),  # b finds a, then a makes room for b: it comes back for c only
        (2 * MAP, 0, 0),  # both fit
    ],
)
def test_a_residual_comes_back_for_its_second_reader(residual, capacity, read, written):
    found = shortcuts(residual, transfers(residual, capacity))
    assert (found.read_bytes, found.write_bytes) == (read, written)
    assert found.dram_bytes == read + written
    at = [tensor.name for tensor in residual.tensors].index("a")
    assert (found.tensor_reads[at], found.tensor_writes[at]) == (read, written)


def test_the_spill_of_a_chain_is_none(residual):
    chain = build(from_text(RESIDUAL.replace("  - add: a\n", "")), buffer=1 << 20)
    traffic = cache_pass(chain, 0)
    assert traffic.write_bytes == 3 * MAP
    assert shortcuts(chain, transfers(chain, 0)).dram_bytes == 0


def test_only_the_second_reader_s_reads_are_later(residual):
    later = np.flatnonzero(later_reads(residual))
    task = residual.touch_task[later]
    assert [residual.kernels[residual.task_kernel[t]].name for t in task] == ["c"]


@pytest.mark.parametrize("lowering", list(LOWERINGS))
@pytest.mark.parametrize("name", ["patterns/dense", "patterns/harmonic", "mobilenetv2"])
@pytest.mark.parametrize("capacity", [0, 100_000, 1_000_000])
def test_every_spilled_byte_is_fetched_a_first_time_once(name, lowering, capacity):
    """Why first fetches tell which write-backs a shortcut needs."""
    program = build(memsim.load(name), buffer=1 << 19, lowering=lowering)
    moved = transfers(program, capacity)
    kinds = np.array([tensor.kind == "activation" for tensor in program.tensors])
    spilled = kinds[program.cell_tensor[program.touch_cell[moved.fetches.at]]]
    assert (moved.fetches.amount - moved.again)[spilled].sum() == moved.spills.amount.sum()
    found = shortcuts(program, moved)
    assert found.write_bytes <= moved.spills.amount.sum()
    assert found.read_bytes <= moved.fetches.amount.sum()
