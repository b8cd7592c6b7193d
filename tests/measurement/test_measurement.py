"""Times, their file, their table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import memsim
from memsim.calibration.runs import read_runs
from memsim.calibration.workload import Workload
from memsim.cli.main import run
from memsim.errors import InputError
from memsim.installation import install
from memsim.machine import load_machine
from memsim.measurement.probe.processor import cache_sizes, facts
from memsim.measurement.run import measurement, stopwatch
from memsim.measurement.run.malloc import MALLOCS, choose_malloc
from memsim.measurement.run.measurement import KernelTime, Measurement, measure
from memsim.measurement.run.stopwatch import CpuClock, CudaClock, Times
from memsim.sheets.formats import render
from tests.golden import check_golden

MADE_UP = Measurement(
    network="tiny",
    variant="",
    input_shape=(3, 8, 8),
    batch=1,
    threads=1,
    dtype="fp32",
    lowering="fused",
    device="cpu",
    whole=Times(2.1e-3, 1e-5, 9, 1, cpu_s=2.05e-3),
    kernels=(
        KernelTime("conv1", "conv", ("conv1", "act1"), 10**7, Times(1e-3, 2e-6, 9, 0, 1e-3)),
        KernelTime("pool1", "maxpool", ("pool1",), 0, Times(6e-4, 1e-6, 9, 2, 6e-4)),
        KernelTime("conv2", "conv", ("conv2",), 3 * 10**6, Times(4e-4, 0.0, 9, 0, 4e-4)),
    ),
    facts={"cpu": "made up", "date": "2026-01-01 00:00 UTC"},
)


def test_the_table_shows_the_slowest_kernels_and_sums_the_others() -> None:
    check_golden(
        "measure_made_up.txt", render(MADE_UP, "table", 1) + render(MADE_UP, "table", None)
    )


def test_dram_bytes_have_columns_where_a_counter_told_them() -> None:
    counted = tuple(replace(kernel, read_bytes=4096, write_bytes=64) for kernel in MADE_UP.kernels)
    measured = replace(MADE_UP, kernels=counted)
    assert [row["read_bytes"] for row in measured.rows()] == [3 * 4096, 4096, 4096, 4096]
    assert "write_bytes" not in MADE_UP.rows()[0]
    assert "12.3 kB" in render(measured, "table", None)


def test_the_file_is_one_that_calibrate_reads(tmp_path: Path) -> None:
    file = tmp_path / "runs.csv"
    file.write_text(render(MADE_UP, "csv"), encoding="utf-8")
    runs = read_runs([file])
    assert [(r.layer, r.seconds) for r in runs.runs] == [
        ("", 2.05e-3),
        ("conv1", 1e-3),
        ("pool1", 6e-4),
        ("conv2", 4e-4),
    ]
    told = {"clock of the fit": "cpu_s, the processor's time of one thread"}
    assert runs.facts == {**MADE_UP.facts, **told}
    assert {(r.network, r.input_shape, r.lowering, r.batch) for r in runs.runs} == {
        ("tiny", (3, 8, 8), "fused", 1)
    }


def test_times_are_told_by_median_quartiles_and_outliers() -> None:
    assert Times.of([5.0]) == Times(5.0, 0.0, 1, 0)
    assert Times.of([1, 2, 3, 4]) == Times(2.5, 1.5, 4, 0)
    assert Times.of([2, 2, 2, 2, 2.0001]).outliers == 1


def test_the_cpu_clock_gives_seconds_between_marks() -> None:
    clock = CpuClock()
    marks = [(10, 5), (1_000_000_010, 200_000_005), (1_500_000_010, 700_000_005)]
    assert clock.seconds(marks) == [1.0, 0.5]
    assert clock.busy_seconds(marks) == [0.2, 0.5]
    one, two = clock.mark(), clock.mark()
    assert two >= one
    assert "perf_counter" in clock.describe()


def test_the_cuda_clock_records_events_and_waits_for_the_device_once(monkeypatch) -> None:
    calls: list[object] = []

    class Event:
        def __init__(self, enable_timing: bool) -> None:
            assert enable_timing
            self.time = 0.0

        def record(self) -> None:
            self.time = 2.0 * len(calls)
            calls.append("record")

        def elapsed_time(self, other: Event) -> float:
            assert calls[-1] == "synchronize"
            return other.time - self.time  # milliseconds

    class Torch:
        class cuda:
            pass

    Torch.cuda.Event = Event  # type: ignore[attr-defined]
    Torch.cuda.synchronize = lambda: calls.append("synchronize")  # type: ignore[attr-defined]
    monkeypatch.setattr(stopwatch, "import_torch", lambda: Torch)
    clock = CudaClock()
    marks = [clock.mark() for _ in range(3)]
    assert clock.seconds(marks) == [0.002, 0.002]
    assert calls.count("synchronize") == 1


def test_the_processor_is_described_by_what_linux_says(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(
        "processor\t: 0\nmodel name\t: Made Up 9000\ncpu MHz\t\t: 2445.406\n"
        "flags\t\t: fpu avx avx2 fma\n\nprocessor\t: 1\nmodel name\t: Another\n"
    )
    for name, level, kind, size in (
        ("index0", "1", "Data", "32K"),
        ("index1", "1", "Instruction", "32K"),
        ("index2", "2", "Unified", "512K"),
        ("index3", "3", "Unified", "32M"),
    ):
        folder = tmp_path / "cache" / name
        folder.mkdir(parents=True)
        for file, text in (("level", level), ("type", kind), ("size", size)):
            (folder / file).write_text(text + "\n")
    assert cache_sizes(tmp_path / "cache") == {"L1": 32768, "L2": 524288, "L3": 33554432}
    told = facts(cpuinfo, tmp_path / "cache")
    assert told["cpu"] == "Made Up 9000"
    assert told["vectors"] == "avx2"
    assert told["clock"] == "2445 MHz when it was read"
    assert told["caches"] == "L1 32,768 B, L2 524,288 B, L3 33,554,432 B"


def test_what_linux_does_not_say_is_left_out(tmp_path: Path) -> None:
    told = facts(tmp_path / "nothing", tmp_path / "nowhere")
    assert "caches" not in told
    assert "clock" not in told
    assert told["cpu"]


def test_an_unknown_malloc_is_an_error() -> None:
    with pytest.raises(
        InputError, match=r"--malloc: unknown malloc 'jemalloc' \(known: keep, system\)"
    ):
        choose_malloc("jemalloc")


@pytest.mark.needs("torch")
@pytest.mark.parametrize("lowering", ["eager", "fused"])
def test_a_measurement_times_every_kernel_that_the_model_has(lowering: str, tmp_path: Path) -> None:
    import torch

    network, before, done = memsim.load("mobilenetv2", input_shape=(3, 32, 32)), 2, []
    torch.set_num_threads(before)
    measured = measure(network, lowering, runs=2, progress=done.append)
    assert torch.get_num_threads() == before
    assert done == [1, 2, 4, 6]
    assert measured.whole.runs == 2
    assert all(kernel.times.median_s > 0 for kernel in measured.kernels)
    assert sum(kernel.macs for kernel in measured.kernels) == network.macs
    file = tmp_path / "runs.csv"
    file.write_text(render(measured, "csv"), encoding="utf-8")
    text = load_machine("textbook").model_copy(
        update={
            "compute": load_machine("textbook").compute.model_copy(update={"kernels": "onednn"})
        }
    )
    for row in read_runs([file]).runs:
        workload = Workload.of(row, text)
        assert not row.layer or row.layer in workload.names
    names = {row.layer for row in read_runs([file]).runs}
    assert names == {"", *workload.names}


@pytest.mark.needs("torch")
def test_too_few_runs_or_threads_are_errors() -> None:
    network = memsim.load("resnet18", input_shape=(3, 32, 32))
    with pytest.raises(InputError, match="--runs: 0 is too few; expected 1 or more"):
        measure(network, runs=0)
    with pytest.raises(InputError, match="--threads: -1 is too few; expected 1 or more"):
        measure(network, threads=-1)


@pytest.mark.needs("torch")
def test_a_busy_machine_is_told_in_the_file_and_on_the_side(
    tmp_path: Path, capfd, monkeypatch
) -> None:
    why = ("the wall clock is 330% above the processor time", "others kept 0.96 cores busy")
    monkeypatch.setattr(measurement, "disturbances", lambda *said: why)
    file = tmp_path / "one.csv"
    arguments = ["measure", "resnet18", "--input", "3x32x32", "--runs", "1", "-o", str(file)]
    assert run(arguments) == 0
    told = f"NOT a quiet machine: {'; '.join(why)}"
    assert capfd.readouterr().err == f"memsim: note: {told}\n"
    assert read_runs([file]).facts["busy"] == told


@pytest.mark.needs("torch")
def test_the_command_writes_a_file_of_runs(tmp_path: Path, capfd, monkeypatch) -> None:
    monkeypatch.setattr(measurement, "disturbances", lambda *said: ())
    file = tmp_path / "one.csv"
    arguments = ["resnet18", "--input", "3x32x32", "--runs", "1", "--lowering", "eager"]
    assert run(["measure", *arguments, "-o", str(file)]) == 0
    assert capfd.readouterr().err == ""
    runs = read_runs([file])
    assert {row.lowering for row in runs.runs} == {"eager"}
    assert runs.facts["threads"] == "1"
    assert runs.facts["clock of the fit"] == "cpu_s, the processor's time of one thread"
    assert "busy" not in runs.facts
    assert runs.facts["instruction set"].startswith("PyTorch ")
    assert runs.facts["memory"] in MALLOCS.values()


def test_settings_cannot_be_measured_since_no_file_of_runs_can_tell_them(capfd) -> None:
    assert run(["measure", "patterns/harmonic", "--set", "growth=12"]) == 2
    assert capfd.readouterr().err == (
        "memsim: --set: cannot be told to memsim calibrate "
        "(write the network with memsim expand --set ... and measure that file)\n"
    )


def test_without_pytorch_the_command_says_what_to_install(monkeypatch, capfd) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "torch", None)
    assert run(["measure", "resnet18"]) == 2
    assert capfd.readouterr().err == (
        f"memsim: this needs PyTorch, which is not installed ({install('torch')})\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cachegrind", "--runs", "3"], "--runs: does not go with --cachegrind"),
        (["--cachegrind", "--device", "cuda"], "--device: does not go with --cachegrind"),
        (["--cache", "1MiB"], "--cache: needs --cachegrind"),
        (["--fast"], "--fast: needs --cachegrind"),
        (["--processes", "2"], "--processes: needs --cachegrind"),
    ],
)
def test_options_that_would_do_nothing_are_errors(arguments, message, capfd) -> None:
    assert run(["measure", "resnet18", *arguments]) == 2
    assert capfd.readouterr().err == f"memsim: {message}\n"
