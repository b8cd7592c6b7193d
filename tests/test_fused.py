"""The page on fused layers: its tables are the kept ones, and some rows by the command line."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from memsim.cli.main import run

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "fused.md").read_text("utf-8")
KEPT = {
    (row["network"], row["input"], row["cache"], row["groups"]): (
        int(row["feature_map_bytes"]),
        int(row["weight_bytes"]),
    )
    for row in csv.DictReader(
        (ROOT / "benchmarks" / "results" / "fused_networks.csv").read_text("utf-8").splitlines()
    )
}
NETWORKS = ("hardnet68", "hardnet68ds", "hardnet39ds", "mobilenetv2")
SIZES = ("256KiB", "512KiB", "1MiB", "2MiB", "4MiB")
WAYS = ("layer_by_layer", "depthwise", "inverted_residual", "auto")
INPUTS = ("3x224x224", "3x1024x1024")


def rows(heading: str) -> list[list[str]]:
    """The cells below a heading, row by row."""
    body = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    found = re.findall(r"^\| (?:hardnet|mobilenet).*\|$", body, re.MULTILINE)
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in found]


def test_the_tables_of_the_page_are_those_that_are_kept() -> None:
    wanted = [
        [name]
        + [
            " → ".join(f"{KEPT[name, shape, s, way][0] / 1e6:.2f}" for way in (WAYS[0], WAYS[-1]))
            for s in SIZES
        ]
        for shape in INPUTS
        for name in NETWORKS
    ]
    assert rows("Layer by layer → fused (auto)") == wanted
    kinds = [
        [name]
        + [
            " + ".join(f"{each / 1e6:.2f}" for each in KEPT[key]) if key in KEPT else "-"
            for key in ((name, shape, size, way) for way in WAYS)
        ]
        for shape, size in zip(INPUTS, ("256KiB", "1MiB"), strict=True)
        for name in NETWORKS
    ]
    assert rows("What kind of fusion") == kinds


def test_the_sentence_that_answers_holds_in_the_tables() -> None:
    for shape in INPUTS:
        for size in SIZES:
            plain, fused = (
                {name: KEPT[name, shape, size, way][0] for name in NETWORKS}
                for way in (WAYS[0], WAYS[-1])
            )
            assert min(plain.values()) == plain["hardnet39ds"]
            assert min(fused.values()) == fused["mobilenetv2"]
            assert all(fused[name] <= plain[name] for name in NETWORKS)


ROWS = [
    ("mobilenetv2", "3x224x224", "256KiB", "auto"),
    ("mobilenetv2", "3x224x224", "256KiB", "inverted_residual"),
    ("hardnet39ds", "3x224x224", "256KiB", "layer_by_layer"),
    ("hardnet39ds", "3x224x224", "512KiB", "depthwise"),
    ("hardnet68", "3x224x224", "512KiB", "auto"),
    pytest.param("mobilenetv2", "3x1024x1024", "1MiB", "auto", marks=pytest.mark.slow),
    pytest.param("hardnet68ds", "3x1024x1024", "4MiB", "auto", marks=pytest.mark.release),
]


@pytest.mark.parametrize(("network", "shape", "size", "way"), ROWS)
def test_rows_by_the_command_line(
    network: str, shape: str, size: str, way: str, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ["run", network, "--input", shape, "--machine", "edge", "--lowering", "concat_free"]
    args += ["--cache", size, "--clock", "recurrence", "--format", "json"]
    if way != "layer_by_layer":
        args += ["--schedule", "depth_first", "--groups", way]
        args += ["--strip", "rows"] if way == "auto" else []
    assert run(args) == 0
    totals = json.loads(capsys.readouterr().out)["totals"]
    weights = totals["dram_weight_bytes"]
    assert (totals["dram_bytes"] - weights, weights) == KEPT[network, shape, size, way]
