"""``memsim curve``, ``size`` and ``memory``: outputs, and agreement with ``memsim run``."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.golden import check_golden


def test_the_curve_of_hardnet68(memsim) -> None:
    code, out, err = memsim("curve", "hardnet68", "--machine", "textbook", "--cache", "512KiB,2MiB")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    check_golden("curve_hardnet68.txt", out)


@pytest.mark.parametrize("management", ["scratchpad", "hardware"])
def test_points_and_steps_are_what_run_says(memsim, management: str) -> None:
    chosen = ("--management", management)
    facts = json.loads(
        memsim("curve", "resnet18", "--cache", "0,300kB,1MiB", *chosen, "--format", "json")[1]
    )
    assert facts["schema"] == "memsim.curve/1"
    steps = facts["steps"]
    for point in facts["points"]:
        size = point["cache_bytes"]
        result = json.loads(
            memsim("run", "resnet18", "--cache", str(size), *chosen, "--format", "json")[1]
        )["totals"]
        for key in ("dram_bytes", "dram_read_bytes", "dram_write_bytes", "time_s"):
            assert point[key] == result[key], key
        at = max(i for i, edge in enumerate(steps["cache_bytes"]) if edge <= size)
        assert steps["dram_read_bytes"][at] == result["dram_read_bytes"]
        assert steps["dram_write_bytes"][at] == result["dram_write_bytes"]


def test_step_functions_by_layer_sum_to_the_whole(memsim) -> None:
    facts = json.loads(memsim("curve", "resnet18", "--by-layer", "--format", "json")[1])
    at_zero = sum(column["bytes"][0] for column in facts["by_layer"])
    steps = facts["steps"]
    assert at_zero == steps["dram_read_bytes"][0] + steps["dram_write_bytes"][0]


def test_what_no_program_goes_below_is_told_at_every_size(memsim) -> None:
    words = ("curve", "vgg16", "--dtype", "int8", "--buffer", "64KiB", "--bound")
    out = memsim(*words)[1]
    assert (
        "any program  moves 139 MB at least with no cache and 65.5 kB beside it, 0.20%\n"
        "             above compulsory; that alone is proved from 46,311 B on"
    ) in out
    facts = json.loads(memsim(*words, "--format", "json")[1])
    told, steps = facts["any_program"], facts["steps"]
    least = facts["totals"]["compulsory_bytes"]
    assert told["dram_bytes"][0] > told["dram_bytes"][-1] == least
    assert sorted(told["dram_bytes"], reverse=True) == told["dram_bytes"]
    for size, bound in zip(told["cache_bytes"], told["dram_bytes"], strict=True):
        at = max(i for i, edge in enumerate(steps["cache_bytes"]) if edge <= size)
        assert bound <= steps["dram_read_bytes"][at] + steps["dram_write_bytes"][at]
    words = ("curve", "resnet18", "--machine", "edge", "--bound")
    assert "nothing above compulsory is proved, since 98.3 kB lie" in memsim(*words)[1]


def test_csv_has_a_row_per_step(memsim) -> None:
    rows = list(csv.DictReader(io.StringIO(memsim("curve", "resnet18", "--format", "csv")[1])))
    sizes = [int(row["cache_bytes"]) for row in rows]
    assert sizes == sorted(set(sizes))
    assert sizes[0] == 0


def test_the_smallest_cache_is_the_smallest(memsim) -> None:
    facts = json.loads(memsim("size", "hardnet68", "--within", "10%", "--json")[1])
    size, limit = facts["cache_bytes"], facts["limit_bytes"]

    def traffic(cache: int) -> int:
        out = memsim("run", "hardnet68", "--cache", str(cache), "--format", "json")[1]
        return json.loads(out)["totals"]["dram_bytes"]

    assert traffic(size) <= limit < traffic(size - 1)


def test_errors_of_size(memsim) -> None:
    told = []
    for expected, line in (
        (2, "size hardnet68"),
        (2, "size hardnet68 --within 10% --traffic 1MB"),
        (2, "size hardnet68 --within ten"),
        (2, "size hardnet68 --traffic 1XB"),
        (1, "size hardnet68 --traffic 40MB"),
        (2, "size hardnet68 --fps 30 --time 5ms"),
        (2, "size hardnet68 --fps 30ms"),
        (2, "size hardnet68 --fps 0"),
        (2, "size hardnet68 --time 30GB"),
        (2, "size hardnet68 --time 0"),
        (2, "size hardnet68 --stall 100%"),
        (2, "size hardnet68 --energy 20ms"),
        (2, "size hardnet68 --energy 20mJ"),
        (2, "size hardnet68 --fps 30 --over bandwith"),
        (2, "size hardnet68 --traffic 40MB --over bandwidth"),
        (2, "size hardnet68 --energy 40mJ --over macs"),
        (2, "size hardnet68 --fps 30 --over bandwidth --bandwidth 1GB/s"),
        (2, "size hardnet68 --fps 30 --cache 1MB"),
        (2, "size hardnet68 --traffic 40MB --bandwidth 1GB/s"),
        (2, "size hardnet68 --fps 30 --only weights"),
        (1, "size hardnet68 resnet18 --time 1us --machine textbook"),
        (1, "size hardnet68 --fps 30000 --over macs --machine textbook"),
        (2, "curve hardnet68 --policy fifo"),
        (2, "curve hardnet68 --management hardware --ways 16 --policy fifo"),
        (2, "curve hardnet68 --cache 1MiB,2XB"),
    ):
        code, out, err = memsim(*line.split())
        assert (code, out) == (expected, ""), line
        told.append(f"$ memsim {line}\n{err}")
    check_golden("errors_curve.txt", "\n".join(told))


def test_the_best_order_is_never_worse_than_either(memsim) -> None:
    def traffic(order: str) -> int:
        args = ("--buffer", "64KiB", "--cache", "100kB", "--order", order, "--format", "json")
        return json.loads(memsim("run", "resnet18", *args)[1])["totals"]["dram_bytes"]

    both = [traffic("rows_outer"), traffic("weights_outer")]
    assert traffic("best") == min(both)
    args = ("--buffer", "64KiB", "--cache", "100kB", "--order", "best", "--format", "json")
    facts = json.loads(memsim("curve", "resnet18", *args)[1])
    assert facts["points"][0]["dram_bytes"] == min(both)
    steps = facts["steps"]
    moved = zip(steps["dram_read_bytes"], steps["dram_write_bytes"], strict=True)
    sums = [read + write for read, write in moved]
    assert sums == sorted(sums, reverse=True)


@pytest.mark.needs("scipy")
def test_bounds(memsim) -> None:
    words = ("bounds", "resnet18", "--machine", "textbook", "--cache", "500kB")
    code, out, _ = memsim(*words, "--layers", "5")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    check_golden("bounds_resnet18.txt", out)
    facts = json.loads(memsim(*words, "--format", "json")[1])
    policies = facts["policies"]
    floor = facts["compulsory_bytes"]
    assert floor <= facts["lower_bound_bytes"] <= min(policies.values())


def test_the_memory_plan(memsim) -> None:
    words = ("--machine", "textbook", "--allocator", "arena", "--layers", "8")
    code, out, _ = memsim("memory", "hardnet68", *words)
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    check_golden("memory_hardnet68.txt", out)
    facts = json.loads(memsim("memory", "hardnet68", "--format", "json")[1])
    tensors = facts["tensors"]
    peak = max(row["offset_bytes"] + row["bytes"] for row in tensors)
    assert peak <= facts["totals"]["peak_bytes"] < peak + 64
