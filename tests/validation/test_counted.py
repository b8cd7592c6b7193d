"""What was counted of the runs that a model may be made with and of those that judge it."""

from __future__ import annotations

from collections import Counter
from importlib import resources
from itertools import pairwise

import pytest

import memsim
from memsim.files import read_table

SPLIT = read_table("memsim.validation", "split")
COUNTED = {"dev": "traffic_dev", "test": "traffic_test"}
PARTS = ("read_bytes", "write_allocate_bytes", "writeback_bytes")
KIB = [256, 512, 1024, 2048, 4096, 8192, 16384, 32768]


def series(row: dict[str, str]) -> tuple[str, str, str]:
    return row["network"], row["input"], row["lowering"]


def rows(split: str) -> list[dict[str, str]]:
    return read_table("memsim.validation", COUNTED[split])


def test_the_split_has_enough_of_both_and_nothing_in_both() -> None:
    every = [series(row) for row in SPLIT]
    assert len(set(every)) == len(every)
    sizes = Counter(row["split"] for row in SPLIT)
    assert set(sizes) == {"dev", "test"}
    assert sizes["dev"] >= 6
    assert sizes["test"] >= 8
    networks = {split: {r["network"] for r in SPLIT if r["split"] == split} for split in sizes}
    assert not networks["dev"] & networks["test"]  # another lowering of a network is no other
    assert {"densenet169", "mobilenetv2_1_4", "logdensenet103", "fc_hardnet84"} < networks["test"]


def test_the_split_ends_in_the_log_of_who_looked() -> None:
    text = resources.files("memsim.validation").joinpath("data", "split.csv").read_text("utf-8")
    assert "# Log of looks at the test runs" in text.partition("network,input")[2]


@pytest.mark.parametrize("split", COUNTED)
def test_all_that_was_counted_belongs_to_its_side(split: str) -> None:
    own = {series(row) for row in SPLIT if row["split"] == split}
    counted = Counter(series(row) for row in rows(split))
    assert set(counted) == own
    assert set(counted.values()) == {len(KIB)}


@pytest.mark.parametrize("split", COUNTED)
def test_counts_are_whole_lines_that_make_sense(split: str) -> None:
    for row in rows(split):
        total = sum(int(row[name]) for name in PARTS)
        slack = 3  # each of three means is rounded
        assert int(row["least_bytes"]) - slack <= total <= int(row["most_bytes"]) + slack, row
        if row["processes"] == "1":
            assert all(int(row[name]) % 64 == 0 for name in PARTS), row
        assert all(int(row["cold_" + name]) >= 0 for name in PARTS), row


@pytest.mark.parametrize("split", COUNTED)
def test_a_first_pass_reads_every_weight(split: str) -> None:
    """From empty caches, whatever their size; batch norms may be folded, which is 2 % at most."""
    for row in rows(split):
        network = memsim.load(row["network"])
        assert int(row["cold_read_bytes"]) > 0.98 * 4 * network.params, row


@pytest.mark.parametrize("split", COUNTED)
def test_a_larger_cache_reads_no_more(split: str) -> None:
    """But for some lines: of two caches with sets the larger one may be the worse."""
    by_series: dict[tuple[str, str, str], list[int]] = {}
    for row in rows(split):
        assert int(row["cache_kib"]) == KIB[len(by_series.setdefault(series(row), []))]
        by_series[series(row)].append(int(row["read_bytes"]))
    for name, reads in by_series.items():
        for small, large in pairwise(reads):
            assert large <= 1.01 * small, name
