"""Predicted traffic of PyTorch runs: the table itself, and how close its layers are."""

from __future__ import annotations

import pytest

import memsim
from memsim.errors import InputError
from memsim.files import read_table
from memsim.simulate import pytorch_traffic
from memsim.validation.pytorch_traffic import measured, predicted
from tests.golden import check_golden


def test_the_table_of_resnet18() -> None:
    lines = []
    for mode in ("eager", "fused"):
        for row in predicted("resnet18", mode).rows():
            columns = (row["load_bytes"], row["write_allocate_bytes"], row["writeback_bytes"])
            shown = "".join(f"{value:12,}" for value in columns)
            lines.append(f"resnet18 {mode:6}{row['cache_bytes'] // 1024:6} KiB{shown}\n")
    check_golden("pytorch_traffic.txt", "".join(lines))


def test_every_measured_run_is_there() -> None:
    runs = measured()
    assert len(runs) == 32
    assert runs["hardnet68", "eager", 32768] == (71.93, 21.72, 22.26)
    layers = read_table("memsim.validation", "pytorch_layers/hardnet68_fused")
    assert sum(int(row["rm1024"]) for row in layers) * 64 / 1e6 == pytest.approx(109.47, abs=0.01)


@pytest.mark.parametrize(
    "size", [256, *(pytest.param(size, marks=pytest.mark.release) for size in (1024, 32768))]
)
def test_the_convolutions_one_by_one(size: int) -> None:
    """Convolutions of resnet18, eager: the k-th call of its kind is the k-th row."""
    traffic = predicted("resnet18", "eager")
    rows = [row for row in read_table("memsim.validation", "pytorch_layers/resnet18_eager")
            if row["label"].endswith(".conv") and not row["label"].startswith("pre:")]  # fmt: skip
    calls = [(number, counts) for number, (call, counts) in enumerate(
        traffic.layers(size * 1024)) if call.kind == "conv"]  # fmt: skip
    assert len(rows) == len(calls) == 20
    off = total = front = front_total = 0
    for row, (number, counts) in zip(rows, calls, strict=True):
        real = [int(row[f"{name}{size}"]) for name in ("rm", "wm", "wb")]
        off, total = off + abs(sum(real) - sum(counts)), total + sum(real)
        first = int(traffic.misses.first[1, number, 0])
        front, front_total = front + abs(first - int(row["d1rm"])), front_total + int(row["d1rm"])
    assert off < 0.08 * total
    assert front < 0.2 * front_total


def test_a_cold_start_reads_no_less_than_what_repeats_where_weights_stay() -> None:
    network = memsim.load("squeezenet1_0").with_options(input_shape=(3, 64, 64))
    (row,) = pytorch_traffic(network, "fused", ["32MiB"]).rows()
    assert row["cold_load_bytes"] > 4 * network.params
    assert row["load_bytes"] == 0
    assert row["write_allocate_bytes"] < 0.1 * row["cold_write_allocate_bytes"]  # the heap settles


def test_what_is_wrong_is_told() -> None:
    with pytest.raises(InputError, match="unknown PyTorch mode 'fusd' \\(did you mean 'fused'"):
        pytorch_traffic("resnet18", "fusd")
    with pytest.raises(InputError, match="no whole number of sets of 16 ways x 64 B"):
        pytorch_traffic("resnet18", "fused", ["1000000B"])
