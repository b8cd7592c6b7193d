"""Nothing is lost: what is finished is never computed again, and no file is ever half-written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest

import memsim
from memsim.cli.boundary import Terminated
from memsim.cli.main import run
from memsim.halves import half_of
from memsim.sweeps import execute, verb
from memsim.sweeps.chunk import Chunk, Outcome
from memsim.sweeps.store import ENDING, Store
from memsim.sweeps.work import compute

pytestmark = pytest.mark.needs("xarray")

NET = """\
name: net
input: [3, 12, 12]
parameters: {growth: 8}
layers:
  - conv: {out: $growth, kernel: 3, act: relu}
  - conv: {out: 16, kernel: 3}
  - global_avgpool
  - linear: 10
"""

WORDS = ("sweep", "N.yaml", "--set", "growth=4:32:2", "--cache", "1KiB:64KiB:log2", "--bandwidth",
         "1GB/s,5GB/s", "--machine", "textbook", "--dtype", "int8,fp32")  # fmt: skip


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("N.yaml").write_text(NET)
    return tmp_path


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[Chunk]:
    """The chunks that are computed, in this process."""
    found: list[Chunk] = []

    def counting(chunk: Chunk) -> Outcome:
        found.append(chunk)
        return compute(chunk)

    monkeypatch.setattr(execute, "compute", counting)
    return found


def names(folder: Path = Path()) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def sweep(*more: str) -> int:
    return run([*WORDS, "-o", "x.csv", "--workers", "1", *more])


def test_a_second_time_computes_nothing(counted: list[Chunk]) -> None:
    assert sweep() == 0
    assert len(counted) == 30
    first = Path("x.csv").read_bytes()
    counted.clear()
    assert sweep() == 0
    assert counted == []
    assert Path("x.csv").read_bytes() == first
    assert names() == ["N.yaml", "x.csv"]


def test_after_a_stop_the_rest_alone_is_computed(
    counted: list[Chunk], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep() == 0
    whole = Path("x.csv").read_bytes()
    Path("x.csv").unlink()
    counted.clear()

    def stopping(chunk: Chunk) -> Outcome:
        if len(counted) == 12:
            raise KeyboardInterrupt
        counted.append(chunk)
        return compute(chunk)

    with monkeypatch.context() as patch:
        patch.setattr(execute, "compute", stopping)
        assert sweep() == 130
    assert "kept in x.csv.chunks, and the same command goes on" in capsys.readouterr().err
    assert len(names(Path("x.csv.chunks"))) == 12
    counted.clear()
    assert sweep() == 0
    assert len(counted) == 18
    assert Path("x.csv").read_bytes() == whole
    assert names() == ["N.yaml", "x.csv"]


def test_a_chunk_depends_on_the_content_of_the_network_and_on_the_version(
    counted: list[Chunk], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"cache": "1KiB,8KiB", "machine": "textbook", "workers": 1, "store": "kept"}
    memsim.sweep("N.yaml", **options)
    memsim.sweep("N.yaml", **options)
    assert len(counted) == 1
    Path("N.yaml").write_text(NET.replace("16", "24"))
    changed = memsim.sweep("N.yaml", **options)
    assert len(counted) == 2
    assert changed.network_params.item() == memsim.load("N.yaml").params
    memsim.sweep("N.yaml", **options)
    assert len(counted) == 2
    for module in ("chunk", "space"):
        monkeypatch.setattr(f"memsim.sweeps.{module}.__version__", "99")
    memsim.sweep("N.yaml", **options)
    assert len(counted) == 3


def test_a_damaged_chunk_is_computed_again(counted: list[Chunk]) -> None:
    options = {"cache": "1KiB,8KiB", "machine": "textbook", "workers": 1, "store": "kept"}
    first = memsim.sweep("N.yaml", **options)
    (file,) = Path("kept").iterdir()
    whole = file.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], whole[:200] + b"?" + whole[201:], b"text"):
        file.write_bytes(damaged)
        counted.clear()
        assert memsim.sweep("N.yaml", **options).identical(first)
        assert len(counted) == 1
    assert file.read_bytes() == whole


def test_an_output_that_is_in_the_way_is_left_alone(
    counted: list[Chunk], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep() == 0
    before = Path("x.csv").read_bytes()
    counted.clear()
    assert sweep("--batch", "2") == 2
    assert "x.csv: is there already: another sweep (name another" in capsys.readouterr().err
    for module in ("space", "dataset", "chunk"):
        monkeypatch.setattr(f"memsim.sweeps.{module}.__version__", "99")
    monkeypatch.setattr("memsim.version.__version__", "99")
    assert sweep() == 2
    told = f"a sweep of memsim {memsim.__version__}, and this is 99"
    assert told in capsys.readouterr().err
    assert counted == []
    assert Path("x.csv").read_bytes() == before
    assert names() == ["N.yaml", "x.csv"]


def test_points_that_failed_are_not_tried_again_and_told_again(
    counted: list[Chunk], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["sweep", "N.yaml", "--machine", "edge", "--dtype", "int8,bf16", "-o", "y.csv"]
    told = (
        "memsim: 1 of 2 points failed:\n"
        "memsim: 1: dtype: edge computes in int8, not in bf16 (dtype int8)\n"
    )
    for _ in range(2):
        assert run(words) == 1
        assert capsys.readouterr().err.endswith(told)
    assert len(counted) == 2


def test_a_full_disk_keeps_what_is_finished_and_says_so(
    counted: list[Chunk], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keep = Store.keep

    def full(store: Store, key: str, outcome: Outcome) -> None:
        if len(counted) > 5:
            with monkeypatch.context() as patch:
                patch.setattr("os.replace", _no_space)
                keep(store, key, outcome)
        keep(store, key, outcome)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "keep", full)
        assert sweep() == 2
    assert "cannot be written: No space left on device" in capsys.readouterr().err
    assert len(names(Path("x.csv.chunks"))) == 5
    counted.clear()
    assert sweep() == 0
    assert len(counted) == 25


def _no_space(*_: Any) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to_is_told_before_any_work(
    counted: list[Chunk], here: Path
) -> None:
    here.chmod(0o555)
    try:
        assert sweep() == 2
    finally:
        here.chmod(0o755)
    assert counted == []
    assert names() == ["N.yaml"]


def test_a_store_that_cannot_be_made_is_told_before_any_work(
    counted: list[Chunk], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("x.csv.chunks").write_text("a file is in the way")
    assert sweep() == 2
    assert "x.csv.chunks: cannot keep what is finished: File exists" in capsys.readouterr().err
    assert counted == []


HOLDS = """\
import fcntl, sys
file = open(sys.argv[1], "wb")
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def test_two_commands_that_compute_one_sweep(
    counted: list[Chunk], capsys: pytest.CaptureFixture[str]
) -> None:
    """The second is refused while the first is at it, and finds what that has made."""
    Path("x.csv.chunks").mkdir()
    file = "x.csv.chunks/.held.chunk"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", HOLDS, file], **pipes) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        assert sweep() == 2
        other.kill()  # and what it held is free
    assert "x.csv.chunks: another process computes this sweep" in capsys.readouterr().err
    assert counted == []
    assert sweep() == 0
    assert names() == ["N.yaml", "x.csv"]


def test_what_a_killed_process_left_in_a_store_is_cleared(here: Path) -> None:
    store = Store(here / "kept")
    store.folder.mkdir()
    half_of(store.folder / f"beef{ENDING}").write_bytes(b"half")
    store.keep("cafe", Outcome({}))
    store.open()
    assert names(store.folder) == [f"cafe{ENDING}"]


def test_a_sweep_that_another_process_ends_meanwhile(
    counted: list[Chunk], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep() == 0
    whole, count = Path("x.csv").read_bytes(), len(counted)
    Path("x.csv").unlink()
    opened = Store.open

    def ended(store: Store) -> None:
        Path("x.csv").write_bytes(whole)
        opened(store)

    monkeypatch.setattr(Store, "open", ended)
    assert sweep() == 0
    assert len(counted) == count
    assert "x.csv is complete, and nothing is computed" in capsys.readouterr().err
    assert names() == ["N.yaml", "x.csv"]


def test_sigterm_is_told_as_such(
    counted: list[Chunk], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ends(chunk: Chunk) -> Outcome:
        raise Terminated

    monkeypatch.setattr(execute, "compute", ends)
    assert sweep() == 143
    assert "the same command goes on" in capsys.readouterr().err


# ---- executors


def test_every_executor_finds_the_same() -> None:
    options = {
        "parameters": {"growth": "4:16:4"}, "cache": "1KiB:64KiB:log2", "machine": "textbook",
        "bandwidth": "1GB/s,2GB/s",
    }  # fmt: skip
    serial = memsim.sweep("N.yaml", workers=1, **options)
    assert memsim.sweep("N.yaml", workers=2, **options).identical(serial)
    with ThreadPoolExecutor(3) as threads:
        assert memsim.sweep("N.yaml", executor=threads, **options).identical(serial)


def _deadly(chunk: Chunk) -> Outcome:
    """Ends the process at one chunk, as a lack of memory does."""
    if chunk.loading["parameters"]["growth"] == 8:
        os.kill(os.getpid(), signal.SIGKILL)
    return compute(chunk)


def test_a_process_that_dies_over_and_over_costs_its_chunk_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(execute, "compute", _deadly)
    ds = memsim.sweep("N.yaml", parameters={"growth": "4:16:4"}, machine="textbook", workers=2)
    errors = dict(zip(ds.growth.values.tolist(), ds.error.values[0], strict=True))
    assert errors[8] == "its process was killed 2 times: out of memory?"
    assert [errors[growth] for growth in (4, 12, 16)] == ["", "", ""]


def test_the_fields_of_a_runner_exclude_each_other() -> None:
    with pytest.raises(memsim.InputError, match="workers and scheduler say each who computes"):
        verb.Runner(workers=2, scheduler="tcp://127.0.0.1:8786")


# ---- killed


SLOWLY = """\
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # it may have come to be ignored
from memsim.sweeps import execute
from memsim.sweeps.work import compute
def slowly(chunk):
    time.sleep(SECONDS)
    return compute(chunk)
execute.compute = slowly
from memsim.cli.boundary import Terminated
from memsim.cli.main import run
sys.exit(run(sys.argv[1:]))
"""


def began(*more: str, seconds: float = 0.02) -> subprocess.Popen[bytes]:
    """A sweep whose chunks take so long each at least."""
    script = SLOWLY.replace("SECONDS", str(seconds))
    return subprocess.Popen([sys.executable, "-c", script, *WORDS, *more], stderr=subprocess.PIPE)


def chunks() -> int:
    folder = Path("x.nc.chunks")
    if not folder.is_dir():
        return 0
    return sum(path.name.endswith(ENDING) and path.name[0] != "." for path in folder.iterdir())


def until(condition: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def killed_at(moments: Iterator[int], workers: str) -> None:
    """Kill a sweep when so many chunks are finished, time after time; then let it finish."""
    import xarray

    whole = memsim.sweep("N.yaml", parameters={"growth": "4:32:2"}, cache="1KiB:64KiB:log2",
                         bandwidth="1GB/s,5GB/s", machine="textbook", dtype="int8,fp32",
                         workers=1)  # fmt: skip
    for moment in moments:
        process = began("-o", "x.nc", "--workers", workers)
        until(lambda at=moment, of=process: chunks() >= at or of.poll() is not None)
        process.kill()
        process.wait()
        for file in Path("x.nc.chunks").iterdir() if Path("x.nc.chunks").is_dir() else ():
            if file.name.endswith(ENDING) and file.name[0] != ".":
                Outcome.from_bytes(file.read_bytes())  # whole, or it would raise
        if Path("x.nc").exists():
            assert memsim.load_sweep("x.nc").identical(whole)
    last = began("-o", "x.nc", "--workers", workers)
    assert last.wait() == 0, last.stderr and last.stderr.read()
    xarray.testing.assert_identical(memsim.load_sweep("x.nc"), whole)
    assert names() == ["N.yaml", "x.nc"]


@pytest.mark.slow
@pytest.mark.needs("netCDF4")
def test_a_sweep_that_is_killed_goes_on_where_it_was() -> None:
    killed_at(iter([13]), "2")


@pytest.mark.release
@pytest.mark.needs("netCDF4")
def test_a_sweep_that_is_killed_at_fifty_random_moments_goes_on() -> None:
    random = Random(14)
    for _ in range(10):
        moments = sorted(random.randint(0, 29) for _ in range(5))
        killed_at(iter(moments), random.choice("12"))
        Path("x.nc").unlink()


@pytest.mark.slow
def test_ctrl_c_once_finishes_what_runs_and_twice_stops_at_once() -> None:
    process = began("-o", "x.nc", "--workers", "2", seconds=0.3)
    until(lambda: chunks() >= 2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"the same command goes on from there" in err
    assert 2 <= chunks() < 30
    process = began("-o", "x.nc", "--workers", "2", seconds=0.3)
    at = chunks()
    until(lambda: chunks() > at)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode in (130, -signal.SIGINT)
    assert not Path("x.nc").exists()
    assert began("-o", "x.nc").wait() == 0
    assert names() == ["N.yaml", "x.nc"]
