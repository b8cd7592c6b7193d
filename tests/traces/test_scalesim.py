"""Layers in SCALE-Sim's style: words and cycles that add up."""

from __future__ import annotations

import csv
import io

import pytest

import memsim
from memsim.traces import FORMATS, TraceOptions
from memsim.traces.scalesim_reports import COLUMNS


def rows(result: memsim.Result, **options: int) -> list[dict[str, str]]:
    text = b"".join(FORMATS["csv"](result, TraceOptions(**options))).decode()
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("dtype", ["fp32", "int8"])
@pytest.mark.parametrize("management", ["scratchpad", "hardware"])
def test_words_sum_to_the_bytes(dtype: str, management: str) -> None:
    network = memsim.load("patterns/harmonic", dtype=dtype)
    result = memsim.run(network, cache="256KiB", management=management)
    found = rows(result)
    assert list(found[0]) == list(COLUMNS)
    item = 4 if dtype == "fp32" else 1
    assert [row["Layer Name"] for row in found] == [layer.name for layer in result.layers]
    reads = sum(int(row["DRAM IFMAP Reads"]) + int(row["DRAM Filter Reads"]) for row in found)
    assert reads * item == result.dram_read_bytes
    assert sum(int(row["DRAM OFMAP Writes"]) for row in found) * item == result.dram_write_bytes
    assert sum(int(row["DRAM Filter Reads"]) for row in found) * item == result.by_role["weight"]


def test_cycles_are_those_asked_for() -> None:
    result = memsim.run("resnet18")
    for options, cycle in (({}, 1000), ({"cycle_ps": 1}, 1), ({"cycle_ps": 500_000}, 500_000)):
        found = rows(result, **options)
        total = [int(row["Total Cycles"]) for row in found]
        assert total == [layer.time_ps // cycle for layer in result.layers]
    exact = rows(result, cycle_ps=1)
    assert sum(int(row["Total Cycles"]) for row in exact) == result.time_ps
    assert sum(int(row["Stall Cycles"]) for row in exact) == sum(x.stall_ps for x in result.layers)
    for row in exact:
        for kind in ("IFMAP", "Filter", "OFMAP"):
            start, stop = row[f"DRAM {kind} Start Cycle"], row[f"DRAM {kind} Stop Cycle"]
            amount = row[f"DRAM {kind} " + ("Writes" if kind == "OFMAP" else "Reads")]
            assert bool(start) == bool(stop) == bool(int(amount))
            assert not start or 0 <= int(start) < int(stop) <= result.time_ps
