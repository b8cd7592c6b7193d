"""The machine ``cpu`` beside measured traffic of the networks that its numbers were chosen by.

That is no prediction but what the documentation says of it; test series judge it in the report.
"""

from __future__ import annotations

import pytest

import memsim
from memsim.files import read_table

SIZES = tuple(256 * 1024 << step for step in range(8))
"""256 KiB to 32 MiB."""


def steady(network: str) -> list[int]:
    """Bytes that the second of two frames moves, at each size."""
    loaded = memsim.load(network, input_shape=(3, 112, 112))
    once, twice = (
        memsim.curve(loaded, machine="cpu", sizes=SIZES, frames=frames).points for frames in (1, 2)
    )
    return [both.dram_bytes - first.dram_bytes for first, both in zip(once, twice, strict=True)]


@pytest.mark.parametrize("network", ["resnet18", "hardnet68"])
def test_fused_traffic_is_within_20_percent_at_every_size(network: str) -> None:
    columns = ("read_mb", "write_allocate_mb", "writeback_mb")
    measured = {
        int(row["cache_kib"]) * 1024: 1e6 * sum(float(row[name]) for name in columns)
        for row in read_table("memsim.validation", "pytorch_traffic")
        if (row["network"], row["kernels"]) == (network, "avx2")
        and row["lowering"].startswith("fused")
    }
    assert sorted(measured) == list(SIZES)
    for size, moved in zip(SIZES, steady(network), strict=True):
        assert moved == pytest.approx(measured[size], rel=0.2), size


def test_without_register_tiles_small_caches_move_far_too_little() -> None:
    loaded = memsim.load("hardnet68", input_shape=(3, 112, 112))
    how = {"machine": "cpu", "cache": "256KiB"}
    tiled, plain = (memsim.run(loaded, **how, register_tile=tile) for tile in ("4x24", "none"))
    assert tiled.by_role["weight"] > 5 * plain.by_role["weight"]
