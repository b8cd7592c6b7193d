"""Probing a machine: what is timed, what is read off, and the file of a machine made of it."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import memsim
from memsim.cli.main import run
from memsim.errors import InputError, SimulationError
from memsim.measurement.probe import probe
from memsim.measurement.probe.bandwidth import LOOPS, TOGETHER, bandwidths, footprints
from memsim.measurement.probe.base_machine import machine_text
from memsim.measurement.probe.peak import peaks
from memsim.measurement.probe.probe import Probe, all_caches
from memsim.sheets.formats import render
from tests.golden import check_golden
from tests.measurement.made_up import CACHES, KIB, MIB, made_up

# ---- loops


@pytest.mark.parametrize(("loop", "expected"), [("copy", 2.0), ("triad", 2.0 + 3.0 * 5.0)])
def test_a_loop_computes_what_its_name_says(loop: str, expected: float) -> None:
    a, b, c = np.zeros(64), np.full(64, 2.0), np.full(64, 5.0)
    LOOPS[loop].run(a, b, c, 3.0, 2)
    assert set(a) == {expected}
    assert set(b) == {2.0}


def test_reading_reads_every_number() -> None:
    a, b = np.zeros(1), np.zeros(64)
    b.view(np.int64)[:] = np.arange(64)
    LOOPS["read"].run(a, b, a, 0.0, 3)
    assert a[0] == 3 * sum(range(64))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_footprints_divide_into_arrays_of_whole_lines(threads: int) -> None:
    sizes = footprints(16 * KIB, 2 * MIB, 3, threads)
    assert len(sizes) == 7 * 3 + 1
    assert all(size % (TOGETHER * threads) == 0 for size in sizes)
    assert list(sizes) == sorted(set(sizes))


@pytest.mark.parametrize("threads", [1, 2])
def test_every_loop_is_timed_at_every_footprint(threads: int) -> None:
    sizes = footprints(16 * KIB, 32 * KIB, 1, threads)
    steps: list[None] = []
    found = bandwidths(sizes, threads, 2, lambda: steps.append(None))
    assert [(each.footprint_bytes, each.loop) for each in found] == [
        (size, loop) for size in sizes for loop in LOOPS
    ]
    assert all(0 < each.low <= each.median <= each.high for each in found)
    assert len(steps) == 3 * len(sizes)


def test_products_and_calls_are_timed_in_a_process_of_their_own() -> None:
    products, call = peaks(1, 2, [32, 64])
    assert [each.size for each in products[:2]] == [32, 64]
    assert products[0].library.startswith("numpy, ")
    assert products[1].footprint_bytes == 3 * 64 * 64 * 4
    assert all(0 < each.low <= each.median <= each.high for each in products)
    assert 0 < call.low_s <= call.median_s <= call.high_s
    assert call.runs == 2


@pytest.mark.needs("torch")
def test_where_pytorch_is_installed_its_products_and_calls_are_timed() -> None:
    products, call = peaks(1, 1, [32])
    assert [each.library.split()[0] for each in products] == ["numpy,", "torch"]
    assert call.what == "torch.relu of one number"


def test_a_process_that_fails_is_told_with_its_last_words() -> None:
    with pytest.raises(SimulationError) as error:
        peaks(1, 1, [-1])
    assert str(error.value) == (
        "timing matrix products failed (exit code 1): ValueError: negative dimensions are not "
        "allowed"
    )


# ---- what is read off


def test_levels_are_read_off_where_footprints_fit_with_room() -> None:
    levels = {each.level: each for each in made_up().plateaus()}
    assert {name: each.rates["read"] for name, each in levels.items()} == {
        "L1": 200e9, "L2": 100e9, "L3": 50e9, "DRAM": 20e9,
    }  # fmt: skip
    assert levels["L1"].footprints[-1] <= 24 * KIB
    assert levels["L2"].footprints[0] >= 64 * KIB
    assert levels["L2"].footprints[-1] <= 384 * KIB
    assert levels["DRAM"].footprints[0] >= 0.99 * 32 * MIB
    assert levels["DRAM"].cache_bytes is None


def test_without_footprints_beyond_the_caches_there_is_no_dram() -> None:
    assert [each.level for each in made_up(16 * MIB).plateaus()] == ["L1", "L2", "L3"]
    assert made_up(16 * MIB).dram is None


def test_where_the_caches_are_not_known_there_are_no_levels() -> None:
    unknown = replace(made_up(), caches={})
    assert unknown.plateaus() == ()
    assert "bandwidth by level" not in render(unknown, "table")
    assert "by footprint" in render(unknown, "table")


def test_dram_and_peak_are_those_of_the_fastest_block() -> None:
    found = made_up()
    assert found.dram is not None
    assert (found.dram.loop, found.dram.high) == ("triad", pytest.approx(1.01 * 22e9))
    assert (found.peak.size, found.peak.high) == (512, 44.4441e9)


def caches_of(folder: Path, cores: int, shared: int) -> Path:
    """A description of caches as Linux has it: L3 is shared by so many cores."""
    for core in range(cores):
        group = core // shared
        own, all_of_them = str(core), f"{group * shared}-{group * shared + shared - 1}"
        levels = [
            ("1", "Data", "32K", own),
            ("1", "Instruction", "64K", own),
            ("2", "Unified", "512K", own),
            ("3", "Unified", "8192K", all_of_them),
        ]
        for index, values in enumerate(levels):
            entry = folder / f"cpu{core}" / "cache" / f"index{index}"
            entry.mkdir(parents=True)
            for name, value in zip(("level", "type", "size", "shared_cpu_list"), values,
                                   strict=True):  # fmt: skip
                (entry / name).write_text(f"{value}\n")
    return folder / "cpu0" / "cache"


def test_caches_count_as_often_as_threads_have_them(tmp_path: Path) -> None:
    where = caches_of(tmp_path, cores=8, shared=4)
    assert all_caches(1, where) == CACHES
    assert all_caches(4, where) == {"L1": 128 * KIB, "L2": 2 * MIB, "L3": 16 * MIB}
    assert all_caches(16, where) == {"L1": 256 * KIB, "L2": 4 * MIB, "L3": 16 * MIB}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Matrix products that take no time, and the caches of the made-up machine."""
    found = made_up()
    monkeypatch.setattr(probe, "peaks", lambda threads, runs: (found.peaks, found.call))
    monkeypatch.setattr(probe, "all_caches", lambda threads: CACHES)


@pytest.mark.usefixtures("quick")
def test_a_probe_tells_its_progress_and_its_method() -> None:
    steps: list[tuple[int, int]] = []
    found = probe.probe(largest="32KiB", runs=1, progress=lambda *step: steps.append(step))
    assert steps[0] == (1, steps[-1][1])
    assert [done for done, _ in steps] == list(range(1, steps[-1][1] + 1))
    assert len(found.bandwidths) == 5 * 3
    assert found.facts["products"] == "numpy, openblas 1.0"
    assert {"cpu", "threads", "loops", "method", "date"} <= set(found.facts)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threads": 0}, "--threads: 0 is too few; expected 1 or more"),
        ({"runs": 0}, "--runs: 0 is too few; expected 1 or more"),
        ({"largest": "8KiB"}, "--max: 8,192 B is too small; at least 16,384 B"),
        ({"largest": "64KiB", "threads": 256},
         "--max: 65,536 B is too small; at least 98,304 B"),
    ],
)  # fmt: skip
def test_wrong_options_are_told(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as error:
        probe.probe(**options)  # type: ignore[arg-type]
    assert str(error.value) == message


# ---- what is told


def test_the_table_of_a_probe() -> None:
    text = render(made_up(), "table")
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    check_golden("probe_made_up.txt", text)


def test_json_has_the_documented_keys() -> None:
    facts = json.loads(render(made_up(), "json"))
    assert facts["schema"] == "memsim.probe/1"
    assert facts["cache_bytes"] == CACHES
    assert [each["level"] for each in facts["plateaus"]] == ["L1", "L2", "L3", "DRAM"]
    assert facts["plateaus"][1]["bytes_per_s"]["copy"] == pytest.approx(90e9)
    assert set(facts["bandwidths"][0]) == {
        "loop", "footprint_bytes", "median", "low", "high", "runs",
    }  # fmt: skip
    assert facts["call"]["median_s"] == 1.25e-6


def test_csv_has_a_row_for_everything_that_was_timed() -> None:
    lines = render(made_up(), "csv").splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    assert lines[0] == "# cpu: Made Up 3000"
    assert len(rows) == len(made_up().bandwidths) + 2 + 1
    assert {row["unit"] for row in rows} == {"B/s", "MAC/s", "s"}
    assert rows[0]["what"] == "copy"
    assert rows[-2]["what"] == "numpy, openblas 1.0, 1024"


# ---- the file of a machine


def test_the_file_of_a_machine_is_one_that_is_read(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(machine_text(made_up(), "mine"), "utf-8")
    machine = memsim.load_machine(file)
    assert machine.name == "mine"
    assert machine.description == "Made Up 3000, 1 thread, fp32"
    assert machine.cache_bytes == 8 * MIB
    assert machine.dram_bytes_per_s == 22_220_000_000
    assert machine.mac_rate("conv") == 44_450_000_000  # a limit is rounded up
    assert machine.mac_rate("depthwise") == machine.mac_rate("conv")
    assert machine.kernel_overhead_ps == 0
    assert machine.compute.overlap == "none"
    assert machine.onchip_bytes_per_s == 222_200_000_000  # triads in L1
    assert machine.compute.channel_tile == 1  # its vectors are not told


def test_the_lanes_of_a_vector_are_the_tile_of_channels(tmp_path: Path) -> None:
    for vectors, lanes in (("avx2", 8), ("avx512f", 16), ("amx_tile", 16), ("unheard_of", 1)):
        probe = replace(made_up(), facts={**made_up().facts, "vectors": vectors})
        file = tmp_path / "mine.yaml"
        file.write_text(machine_text(probe, "mine"), "utf-8")
        assert memsim.load_machine(file).compute.channel_tile == lanes, vectors


def test_every_number_of_the_file_says_where_it_is_from() -> None:
    text = machine_text(made_up(), "mine")
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("measured by memsim probe on Made Up 3000, 1 thread") == 3
    for line in text.splitlines():
        key, _, rest = line.partition(": ")
        if rest and key.strip() not in ("name", "description", "source") and key[0] != "#":
            assert "  # " in rest, line


def test_a_name_may_need_quotes(tmp_path: Path) -> None:
    found = replace(made_up(), facts={"cpu": 'A: "B" # C'})
    file = tmp_path / "mine.yaml"
    file.write_text(machine_text(found, "yes: no"), "utf-8")
    assert memsim.load_machine(file).name == "yes: no"
    assert memsim.load_machine(file).description == 'A: "B" # C, 1 thread, fp32'


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (made_up(16 * MIB),
         "--machine-file: footprints up to 16,777,344 B do not reach beyond the caches "
         "(--max of at least 4 x 8,388,608 B)"),
        (replace(made_up(), caches={}),
         "--machine-file: this system does not tell the sizes of its caches (copy "
         "memsim/machine/presets/textbook.yaml and write what its data sheet says)"),
    ],
)  # fmt: skip
def test_what_a_machine_lacks_is_told(found: Probe, message: str) -> None:
    with pytest.raises(SimulationError) as error:
        machine_text(found, "mine")
    assert str(error.value) == message


# ---- the command


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run ``memsim probe`` in an empty directory, of a machine that is made up."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(probe, "probe", lambda **options: made_up())
    monkeypatch.setattr(probe, "all_caches", lambda threads: CACHES)

    def call(*args: str) -> tuple[int, str, str]:
        code = run(["probe", *args])
        return (code, *capsys.readouterr())

    return call


def test_the_command_prints_draws_and_writes_a_machine(told) -> None:
    code, out, err = told("--plot", "a.svg", "--machine-file", "base.yaml")
    assert (code, err) == (0, "")
    assert out == render(made_up(), "table")
    assert Path("a.svg").stat().st_size > 1000
    assert memsim.load_machine("./base.yaml").name == "base"


def test_a_file_takes_the_format_of_its_ending(told) -> None:
    assert told("-o", "probe.json") == (0, "", "")
    assert json.loads(Path("probe.json").read_text())["schema"] == "memsim.probe/1"


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("--plot", "a.jpg"), 2, "a.jpg: cannot draw a '.jpg' file (did you mean '.png'?)"),
        (("--machine-file", "no/a.yaml"), 2,
         "no/a.yaml: cannot be written: there is no directory no"),
        (("--machine-file", "a.yaml", "--max", "1MiB"), 1,
         "--machine-file: footprints up to 1,048,576 B do not reach beyond the caches "
         "(--max of at least 4 x 8,388,608 B)"),
        (("--format", "jso"), 2, "unknown format 'jso' (did you mean 'json'?)"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_before_anything_is_timed(
    told, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...], code: int, message: str
) -> None:
    monkeypatch.setattr(probe, "probe", lambda **options: pytest.fail("was timed"))
    assert told(*args) == (code, "", f"memsim: {message}\n")
    assert not list(Path().iterdir())
