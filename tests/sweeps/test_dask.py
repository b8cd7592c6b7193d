"""A real Dask cluster, started by Dask's own command line: the same dataset, bit for bit."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

import memsim
from memsim.cli.main import run
from memsim.installation import install
from tests.sweeps.test_resume import NET

pytestmark = [pytest.mark.needs("xarray", "distributed"), pytest.mark.xdist_group("dask")]

OPTIONS = {
    "parameters": {"growth": "4:32:1"},
    "cache": "1KiB:64KiB:log2",
    "bandwidth": "1GB/s,5GB/s",
    "machine": "textbook",
    "by": "role",
}


@contextmanager
def started(command: str, *more: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A part of the cluster; it is gone when the block is left."""
    words = [sys.executable, "-m", "distributed.cli.dask_" + command, *more]
    log = folder / f"{command}-{time.monotonic_ns()}.log"
    with log.open("wb") as file:
        settings = {**os.environ, "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "2s"}
        process = subprocess.Popen(words, cwd=folder, env=settings, stdout=file, stderr=file)
    process.log = log  # type: ignore[attr-defined]
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def address_of(scheduler: subprocess.Popen[bytes]) -> str:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = re.search(r"Scheduler at: +(tcp://\S+)", scheduler.log.read_text())  # type: ignore[attr-defined]
        if found:
            return found[1]
        time.sleep(0.05)
    raise AssertionError(scheduler.log.read_text())  # type: ignore[attr-defined]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """The address of a scheduler, and its two workers."""
    with ExitStack() as stack:
        begin = stack.enter_context
        scheduler = begin(
            started("scheduler", "--port", "0", "--no-dashboard", "--host", "127.0.0.1",
                    folder=tmp_path)
        )  # fmt: skip
        address = address_of(scheduler)
        workers = [
            begin(started("worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard",
                          folder=tmp_path))
            for _ in range(2)
        ]  # fmt: skip
        yield address, workers


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_costs_nothing_but_time(
    cluster: tuple[str, list[subprocess.Popen[bytes]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import dask
    import xarray

    from memsim.sweeps import execute, verb
    from memsim.sweeps.plan import Plan
    from memsim.sweeps.space import space

    monkeypatch.chdir(tmp_path)
    Path("N.yaml").write_text(NET)
    serial = memsim.sweep("N.yaml", workers=1, **OPTIONS)
    address, workers = cluster
    monkeypatch.setattr(execute, "compute", slowly)
    found = space("N.yaml", **OPTIONS)

    def kill_one(far: verb.Progress) -> None:
        if far.done >= far.points / 4 and workers[0].poll() is None:
            os.kill(workers[0].pid, signal.SIGKILL)
            workers[0].wait()

    runner = verb.Runner(scheduler=address)
    with dask.config.set({"distributed.comm.timeouts.connect": "2s"}):  # to one that is dead
        assembly, last = verb.carried_out(found, Plan.of(found), runner, tell=kill_one)
    assert workers[0].poll() is not None
    assert workers[1].poll() is None
    assert (last.done, last.failed) == (serial.time_ps.size, 0)
    xarray.testing.assert_identical(assembly.dataset(), serial)


def slowly(chunk: Any) -> Any:
    """A chunk, on a worker that takes its time, so that there is a middle."""
    time.sleep(0.05)
    from memsim.sweeps.work import compute

    return compute(chunk)


def test_a_scheduler_that_is_not_there_is_named_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from memsim.sweeps import execute

    monkeypatch.chdir(tmp_path)
    assert execute.PATIENCE < 10
    monkeypatch.setattr(execute, "PATIENCE", 0.5)
    for address in ("tcp://127.0.0.1:9", "nonsense://here"):
        assert run(["sweep", "resnet18", "-o", "x.csv", "--scheduler", address]) == 2
        told = capsys.readouterr().err.splitlines()[-1]
        assert told.startswith(f"memsim: scheduler: no Dask scheduler answers at {address}: ")
    assert not (tmp_path / "x.csv").exists()


def test_without_distributed_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert run(["sweep", "resnet18", "-o", "x.csv", "--scheduler", "tcp://127.0.0.1:9"]) == 2
    told = f"memsim: --scheduler needs distributed ({install('dask')})\n"
    assert capsys.readouterr().err.endswith(told)
