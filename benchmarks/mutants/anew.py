"""Processes that import the changed code anew, where it stands outside of functions."""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

FLAGS = ["-s", "-pno:terminal", "-pno:cacheprovider", "-pno:xdist", "-pno:faulthandler"]


def nursery() -> int:
    """Start a process that has imported everything but memsim; return where to write jobs to."""
    read, write = os.pipe()
    if os.fork():
        os.close(read)
        return write
    os.close(write)
    for name in ("hypothesis", "networkx", "numba", "numpy", "pydantic", "ruamel.yaml", "simpy"):
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with os.fdopen(read) as jobs:
        for line in jobs:
            if not os.fork():
                _run_anew(**json.loads(line))
    os._exit(0)


def _run_anew(folder: str, nodeids: list[str], machine_code: str, seconds: int) -> None:
    import numba

    class Failures:
        first = ""

        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.failed:
                self.first = self.first or report.nodeid

    failures = Failures()
    quiet()
    (Path(folder) / "begun").write_text(str(os.getpid()))
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, 20 * seconds)
    resource.setrlimit(resource.RLIMIT_DATA, (6 << 30, 6 << 30))
    numba.config.CACHE_DIR = machine_code  # what is kept on disk knows its own file alone
    os.chdir(folder)
    sys.path[:] = [folder, *(each for each in sys.path if each != str(ROOT))]
    code = int(pytest.main([*FLAGS, "-x", f"--basetemp={folder}.temporary", *nodeids], [failures]))
    (Path(folder) / "ended.part").write_text(f"{code}\n{failures.first}")
    (Path(folder) / "ended.part").rename(Path(folder) / "ended")
    os._exit(0)


def quiet() -> None:
    os.setsid()
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
