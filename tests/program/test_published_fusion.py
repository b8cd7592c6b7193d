"""FSRCNN as DeFiNES (HPCA 2023) runs it: what its public artifact says, beside what runs here."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import memsim
from memsim.engines.cache.cachepass import CachePass, cache_pass
from memsim.program import build

PAGE = Path(__file__).parents[2] / "docs" / "design" / "schedules.md"
DATA = Path(__file__).parent / "data" / "defines_fsrcnn.csv"
FACTS = {
    row["fact"]: row["value"]
    for row in csv.DictReader(DATA.read_text("utf-8").splitlines())
}  # fmt: skip


def energy_mj(moved: CachePass) -> float:
    """What DRAM takes by the artifact's energies, which are per 64 bits."""
    read, write = (float(FACTS[name]) / 8 for name in ("dram_read", "dram_write"))
    return (moved.read_bytes * read + moved.write_bytes * write) / 1e9


def test_the_table_of_fsrcnn() -> None:
    text = PAGE.read_text("utf-8")
    (file,) = re.findall(r":caption: fsrcnn.yaml\n\n(.*?)```", text, re.DOTALL)
    network = memsim.loads(file)
    assert f"{network.params / 1000:.1f}" == FACTS["weights"]
    cache = int(FACTS["activation_buffer"]) + network.params
    assert f"--cache {cache}" in text
    ways: dict[str, dict[str, object]] = {"layer by layer": {}}
    for rows in FACTS["tile_rows"].split()[:4]:
        ways[f"strips of {rows}"] = {"schedule": "depth_first", "strip": int(rows)}
    told = dict(re.findall(r"^\| (layer by layer|strips of \d+) \|(.*)\|$", text, re.MULTILINE))
    assert list(told) == list(ways)
    energy = {}
    for way, options in ways.items():
        moved = cache_pass(build(network, buffer="96KiB", **options), cache)
        energy[way] = energy_mj(moved)
        cells = [cell.strip() for cell in told[way].split("|")]
        maps = (moved.read_bytes + moved.write_bytes) / 1e6
        assert cells == [f"{maps:.2f} MB", f"{energy[way]:.2f} mJ"]
    # DRAM alone takes less than the artifact's least and most of all that takes energy.
    assert min(energy.values()) < float(FACTS["energy_least"])
    assert max(energy.values()) < float(FACTS["energy_most"])
