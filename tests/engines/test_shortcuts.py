"""What shortcuts cost: by hand on a residual and a concat, by its laws, and the four patterns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import memsim
from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.cache.shortcuts import later_reads, shortcuts, without_shortcuts
from memsim.formats.architecture.file import from_text
from memsim.machine.cache import Cache
from memsim.program import LOWERINGS, Program, build
from memsim.program.frames import repeat
from memsim.program.parts import Part, chosen
from tests.strategies import networks

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

# x has 8 channels, a has 4, and b reads both.
CONCAT = """
name: concat
input: [8, 16, 16]
layers:
  - {conv: {out: 4, kernel: 3}, name: a}
  - concat: input
  - {conv: {out: 2, kernel: 3}, name: b}
"""


@pytest.fixture(scope="module")
def residual() -> Program:
    return build(from_text(RESIDUAL), buffer=1 << 20)


def maps(program: Program, capacity: int) -> int:
    return int(chosen(cache_pass(program, capacity).traffic, Part.FEATURE_MAPS).sum())


@pytest.mark.parametrize(
    ("capacity", "read", "written"),
    [
        (0, MAP, 0),  # a comes back for c; it is written for b anyway
        (2 * MAP - 1, MAP, MAP),  # a makes room for b, which dies before a comes back
        (2 * MAP, 0, 0),  # both fit
    ],
)
def test_a_residual_comes_back_for_its_second_reader(residual, capacity, read, written):
    found = shortcuts(residual, capacity)
    assert found is not None
    assert (found.read_bytes, found.write_bytes) == (read, written)
    assert found.dram_bytes == read + written
    assert found.without_bytes == maps(residual, capacity) - found.dram_bytes


def test_a_chain_has_no_shortcut():
    chain = build(from_text(RESIDUAL.replace("  - add: a\n", "")), buffer=1 << 20)
    found = shortcuts(chain, 0)
    assert found is not None
    assert (found.dram_bytes, found.without_bytes) == (0, maps(chain, 0))


def test_a_concat_is_copied_because_of_its_shortcut():
    program = build(from_text(CONCAT), buffer=1 << 20)
    found = shortcuts(program, 0)
    assert found is not None
    a = MAP // 2
    # Read: x by the concat, and by b in the copy, and a in both instead of once. Written: the copy.
    assert (found.read_bytes, found.write_bytes) == (2 * MAP + a, MAP + a)
    viewed = build(from_text(CONCAT), buffer=1 << 20, lowering="concat_free")
    found = shortcuts(viewed, 0)
    assert found is not None
    assert (found.read_bytes, found.write_bytes) == (MAP, 0)


def test_only_the_second_reader_s_reads_are_later(residual):
    later = np.flatnonzero(later_reads(residual))
    task = residual.touch_task[later]
    assert [residual.kernels[residual.task_kernel[t]].name for t in task] == ["c"]


PATTERNS = ("dense", "log", "sparse", "harmonic")


@pytest.mark.parametrize("lowering", ["fused", "eager"])
@pytest.mark.parametrize("capacity", [0, 250_000, 1_000_000, 2_000_000])
def test_what_shortcuts_cost_falls_from_dense_by_log_and_sparse_to_harmonic(capacity, lowering):
    """The more links a pattern has, the more: 120, 49, 49 (to fewer channels), 26 of 16 layers."""
    saved, share = {}, {}
    for name in PATTERNS:
        program = build(memsim.load(f"patterns/{name}"), buffer=1 << 19, lowering=lowering)
        found = shortcuts(program, capacity)
        assert found is not None
        saved[name] = found.dram_bytes
        share[name] = found.dram_bytes / maps(program, capacity)
    assert sorted(PATTERNS, key=lambda name: -saved[name]) == list(PATTERNS)
    assert max(share, key=share.__getitem__) == "dense"
    assert share["harmonic"] < min(share["dense"], share["sparse"])


@given(networks(), st.sampled_from([0, 3_000, 20_000, 200_000]))
def test_without_shortcuts_no_feature_map_moves_more(network, capacity):
    """Where no concat is copied: what is not accessed drives nothing out, and LRU is a stack."""
    try:
        program = build(network, buffer=1 << 20, lowering="concat_free")
    except memsim.SimulationError:  # it computes nothing
        assume(False)
    chain = without_shortcuts(program)
    assert chain is not None
    assert maps(chain, capacity) <= maps(program, capacity)
    assert not later_reads(chain).any()


@pytest.mark.parametrize(
    "lowering",
    [
        pytest.param(name, marks=pytest.mark.slow if name == "fused" else pytest.mark.release)
        for name in LOWERINGS
    ],
)
@pytest.mark.parametrize("entry", [entry.name for entry in memsim.names()])
def test_every_shipped_network_has_a_program_without_shortcuts(entry, lowering):
    program = build(memsim.load(entry), buffer=1 << 19, lowering=lowering)
    chain = without_shortcuts(program)
    assert chain is not None
    assert chain.macs == program.macs
    assert not later_reads(chain).any()
    assert chain.compulsory_weight_bytes == program.compulsory_weight_bytes


def test_several_frames_have_the_shortcuts_of_each(residual):
    found, three = shortcuts(residual, 0), shortcuts(repeat(residual, 3), 0)
    assert found is not None
    assert three is not None
    assert three.dram_bytes == 3 * found.dram_bytes


def test_a_cache_of_lines_is_asked_likewise(residual):
    cache = Cache(size=12 * 1024, management="hardware")
    found = shortcuts(residual, cache)
    assert found is not None
    assert found.dram_bytes > 0


def test_where_concats_are_copied_strip_by_strip_it_is_not_told():
    network = memsim.load("squeezenet1_0")
    depth = build(network, buffer=1 << 19, schedule="depth_first", groups="per_block")
    assert without_shortcuts(depth) is None
    viewed = build(
        network, buffer=1 << 19, schedule="depth_first", groups="per_block", lowering="concat_free"
    )
    assert without_shortcuts(viewed) is not None
    compared = memsim.compare([network], schedule="depth_first", groups="per_block")
    assert compared.contenders[0].shortcut_share is None
    assert compared.to_dict()["networks"][0]["shortcuts"]["dram_bytes"] is None
