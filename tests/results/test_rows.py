"""Rows of runs can lie in one table, and a spreadsheet reads no name as a formula."""

from __future__ import annotations

import csv
import io

import pytest

import memsim
from memsim.sheets.formats import render


def test_rows_of_two_runs_are_told_apart() -> None:
    options = {"cache": "64KiB"}, {"cache": "1MiB"}, {"cache": "1MiB", "bandwidth": "1GB/s"}
    runs = [memsim.run("resnet18", machine="textbook", **each) for each in options]
    rows = [row for run in runs for row in csv.DictReader(io.StringIO(render(run, "csv")))]
    sums: dict[tuple[str, ...], int] = {}
    for row in rows:
        key = (row["network"], row["machine"], row["cache_bytes"], row["bandwidth_bytes_per_s"])
        sums[key] = sums.get(key, 0) + int(row["dram_bytes"])
    assert list(sums) == [
        ("resnet18", "textbook", "65536", "25600000000"),
        ("resnet18", "textbook", "1048576", "25600000000"),
        ("resnet18", "textbook", "1048576", "1000000000"),
    ]
    assert list(sums.values()) == [run.dram_bytes for run in runs]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_a_name_is_no_formula(name: str) -> None:
    text = "{name: n, input: [3, 8, 8], layers: [{conv: {out: 4, kernel: 3}, name: NAME}]}"
    network = memsim.loads(text.replace("NAME", f'"{name}"'))
    result = memsim.run(network, machine="textbook")
    (row,) = csv.DictReader(io.StringIO(render(result, "csv")))
    assert row["name"] == f"'{name}"
    assert row["dram_bytes"] == str(result.dram_bytes)
    assert result.rows()[0]["name"] == name  # in Python and in JSON it is what it is
    difference = memsim.diff(result, memsim.run(network, machine="textbook", cache=0))
    for cells in csv.reader(io.StringIO(render(difference, "csv"))):
        assert not any(cell.startswith(("=", "+", "@")) for cell in cells)
