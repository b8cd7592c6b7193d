"""Runs under simulated caches: what is counted, what is told, and what can go wrong."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

import memsim
from memsim.errors import InputError, SimulationError
from memsim.measurement.counters.caches import CacheCounts
from memsim.measurement.counters.callgrind import counted
from memsim.measurement.counters.child_run import OWN, implementations
from memsim.measurement.counters.simulated_run import END, STEP
from memsim.measurement.counters.valgrind import MOST_SIZES, SimulatedCache, simulated_cache
from memsim.sheets.formats import render
from tests.golden import check_golden

TWO = """\
name: two
input: [3, 32, 32]
layers:
  - conv: {out: 64, kernel: 3, bn: true, act: relu}
  - conv: {out: 256, kernel: 3, bn: true, act: relu}
"""

MADE_UP = SimulatedCache(
    network="tiny",
    variant="",
    input_shape=(3, 8, 8),
    batch=1,
    dtype="fp32",
    lowering="eager",
    vectors="avx",
    processes=2,
    counts=(
        CacheCounts(262_144, 5_426_560, 480_000, 573_376, 6_000_000, 6_959_872, 9_000, 800, 70),
        CacheCounts(1_048_576, 1_048_576, 64, 0, 1_048_640, 1_048_640),
    ),
    facts={
        "simulator": "valgrind-3.19.0",
        "caches": "write-back, " * 20,
        "im2col": " ".join(f"block1.{n}.conv" for n in range(40)),
    },
)

DUMP = f"""\
# callgrind format
version: 1
part: 1

desc: I1 cache: 32768 B, 64 B, 8-way associative
desc: Trigger: --dump-before={END}

positions: line
events: Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw ILdmr DLdmr DLdmw
summary: 900 200 100 50 40 30 7 20 10 1 2 3

fn=(1) main
12 900 200 100 50 40 30 7 21 10 1 2 3

totals: 900 200 100 50 40 30 7 21 10 1 2 3
"""


@pytest.fixture
def two(tmp_path: Path) -> memsim.Network:
    file = tmp_path / "two.yaml"
    file.write_text(TWO)
    return memsim.load(file)


def fake(folder: Path, monkeypatch: pytest.MonkeyPatch, **programs: str) -> None:
    """Programs of our own instead of those that are installed."""
    for name, script in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin" if "valgrind" in programs else str(folder))


# ---- the real thing


@pytest.mark.release
@pytest.mark.needs("torch", program="valgrind")
@pytest.mark.needs(program="gcc")
def test_all_sizes_are_counted_in_one_run_from_empty_caches(two: memsim.Network) -> None:
    done: list[tuple[int, int]] = []
    found = simulated_cache(
        two, "eager", ["256KiB", "8MiB"], progress=lambda *each: done.append(each)
    )
    small, large = found.rows()
    assert done == [(1, 1)]
    assert "data_cache" in found.facts["simulator"]
    assert row_bytes(large) < row_bytes(small)
    # In 8 MiB all stays from pass to pass but not on the first: weights, images and maps.
    weights = 4 * (two.params + 3 * 32 * 32)
    assert large["cold_read_bytes"] > weights
    assert row_bytes(large) < weights
    assert found.vectors == "avx2"


def row_bytes(row: dict[str, int]) -> int:
    return sum(row[name] for name in ("read_bytes", "write_allocate_bytes", "writeback_bytes"))


@pytest.mark.release
@pytest.mark.needs("torch", program="valgrind")
def test_callgrind_counts_about_the_same(
    two: memsim.Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In 64 KiB nothing stays by luck. In 256 KiB the environment's length alone, which moves
    # every block of the heap, changes what is read from 8.2 to 11.3 MB.
    ours = simulated_cache(two, "eager", ["64KiB"], fast=True)
    monkeypatch.setattr("memsim.measurement.counters.data_cache.build_tool", lambda path: None)
    theirs = simulated_cache(two, "eager", ["64KiB"], fast=True)
    assert "callgrind" in theirs.facts["simulator"]
    for name in ("read_bytes", "write_allocate_bytes", "writeback_bytes"):
        assert theirs.rows()[0][name] == pytest.approx(ours.rows()[0][name], rel=0.03), name
    assert theirs.rows()[0]["cold_read_bytes"] is None
    assert theirs.facts["im2col"] == "conv1.conv"  # too small for PyTorch to ask oneDNN
    assert theirs.vectors == "avx"


# ---- what is read


def test_counts_are_those_between_the_two_calls() -> None:
    assert counted(DUMP) == (20, 10, 6)


def test_a_kernel_without_a_primitive_of_onednn_is_left_out() -> None:
    info = "onednn_verbose,v1,primitive,info,template:operation,engine,primitive,implementation"
    line = "onednn_verbose,v1,primitive,exec,cpu,{},forward_inference,src:f32,,mb1_ic3oc8,0.01"
    told = [info, line.format("reorder,jit:uni"), line.format("convolution,gemm:jit"), STEP, STEP,
            line.format("convolution,brgconv_1x1:avx2"), STEP]  # fmt: skip
    found = implementations("\n".join(told), ["a", "b", "c"])
    assert found == {"a": "gemm:jit", "c": "brgconv_1x1:avx2"}


@pytest.mark.needs("torch")
def test_the_facts_name_the_convolutions_that_are_matrix_products(
    two: memsim.Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = "onednn_verbose,v1,primitive,exec,cpu,convolution,jit:avx,forward_inference,,0.1"
    report = {"torch": "2.13", "libc": "glibc 2.36", "vectors": "DEFAULT",
              "kernels": ["conv1.conv", "conv2.conv"],
              "convolutions": ["conv1.conv", "conv2.conv"]}  # fmt: skip
    (tmp_path / "dump").write_text(DUMP)
    (tmp_path / "report").write_text(json.dumps(report))
    script = f"""\
[ "$1" = --version ] && echo valgrind-0 && exit
for word; do case $word in
  --callgrind-out-file=*) out=${{word#*=}} ;;
  *job.json) cp {tmp_path}/report "$(dirname $word)/report.json" ;;
esac; done
cp {tmp_path}/dump $out.1
[ "$ONEDNN_MAX_CPU_ISA" = AVX ] && printf '{line}\\n{STEP}\\n{STEP}\\n'"""
    fake(tmp_path, monkeypatch, valgrind=script, vgdb="")
    found = simulated_cache(two, "fused", [1024, "2KiB"], fast=True)
    assert found.facts["convolutions"] == f"1 x jit:avx, 1 x {OWN}"
    assert found.facts["im2col"] == "conv2.conv"
    assert "no first pass" in found.facts["method"]  # there are no headers beside that program
    assert [each.read_bytes for each in found.counts] == [20 * 64, 20 * 64]
    assert [each.cache_bytes for each in found.counts] == [1024, 2048]
    assert found.vectors == "avx"


# ---- what is told


def test_the_table_fits_and_shortens_long_lists() -> None:
    check_golden("simulated_cache_made_up.txt", render(MADE_UP, "table"))


def test_the_file_has_the_facts_before_its_rows() -> None:
    lines = render(MADE_UP, "csv").splitlines()
    assert lines[0] == "# simulator: valgrind-3.19.0"
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    assert [int(row["cache_bytes"]) for row in rows] == [262_144, 1_048_576]
    assert rows[0]["input"] == "3x8x8"


def test_json_has_the_documented_keys() -> None:
    facts = json.loads(render(MADE_UP, "json"))
    assert facts["schema"] == "memsim.simulated_cache/2"
    assert facts["caches"][1] == {
        "cache_bytes": 1_048_576,
        "read_bytes": 1_048_576,
        "write_allocate_bytes": 64,
        "writeback_bytes": 0,
        "least_bytes": 1_048_640,
        "most_bytes": 1_048_640,
        "cold_read_bytes": None,
        "cold_write_allocate_bytes": None,
        "cold_writeback_bytes": None,
    }
    assert (facts["network"], facts["vectors"], facts["batch"]) == ("tiny", "avx", 1)


# ---- what can go wrong


@pytest.mark.parametrize(
    ("size", "near"),
    [
        ("1MB", "512KiB and 1MiB"),
        ("96KiB", "64KiB and 128KiB"),
        (1048577, "1MiB and 2MiB"),
        (0, "1KiB and 2KiB"),
        (64, "1KiB and 2KiB"),
    ],
)
def test_a_size_must_be_one_that_can_be_simulated(
    two: memsim.Network, size: object, near: str
) -> None:
    told = rf"are no cache of 16 ways .*the nearest that are: {near}\)"
    with pytest.raises(InputError, match=told):
        simulated_cache(two, sizes=[size])  # type: ignore[list-item]


def test_as_many_sizes_as_the_tool_has_room_for(two: memsim.Network) -> None:
    with pytest.raises(InputError, match="--cachegrind: 0 sizes are given; expected 1 to 16"):
        simulated_cache(two, sizes=[])
    with pytest.raises(InputError, match="--cachegrind: 17 sizes are given; expected 1 to 16"):
        simulated_cache(two, sizes=["1MiB"] * (MOST_SIZES + 1))


def test_a_run_needs_a_process(two: memsim.Network) -> None:
    with pytest.raises(InputError, match="--processes: 0 is too few; expected 1 or more"):
        simulated_cache(two, processes=0)


def test_without_valgrind_it_says_what_to_install(
    two: memsim.Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(tmp_path, monkeypatch)
    with pytest.raises(InputError) as error:
        simulated_cache(two)
    assert str(error.value) == (
        "--cachegrind: this needs valgrind: it is not installed (such as by apt install valgrind)"
    )


@pytest.mark.needs("torch")
@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 'cannot run on this processor' >&2; exit 1",
         "--cachegrind: the run under Valgrind failed (exit code 1): cannot run on this processor"),
        ("exit 0",
         "--cachegrind: the run under Valgrind failed (exit code 0): it has not begun to run the "
         "network"),
        ('for word; do case $word in *job.json) echo "{}" > "$(dirname $word)/report.json";; esac; '
         "done",
         "--cachegrind: the run under Valgrind failed (exit code 0): Callgrind has seen no call of "
         "ctermid and getloadavg"),
    ],
)  # fmt: skip
def test_a_run_that_fails_is_told_with_its_last_words(
    two: memsim.Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, message: str
) -> None:
    fake(tmp_path, monkeypatch, valgrind=script, vgdb="")
    with pytest.raises(SimulationError) as error:
        simulated_cache(two)
    assert str(error.value) == message
