"""Processes of their own: under Valgrind, under Nsight Compute, with a library's threads set."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from memsim.formats import dump
from memsim.network.graph import Network


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """This process's environment and some variables, in which this memsim is the one imported."""
    source = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, (source, os.environ.get("PYTHONPATH"))))
    return {**os.environ, **own, "PYTHONPATH": path}


def end_with_starter() -> None:
    """Let this process end when the one that started it does, were it killed; on Linux alone."""
    import ctypes

    with suppress(AttributeError, OSError, TypeError):
        when_the_parent_dies = 1  # PR_SET_PDEATHSIG
        ctypes.CDLL(None).prctl(when_the_parent_dies, int(signal.SIGTERM))


def write_job(folder: Path, network: Network, lowering: str, **rest: Any) -> Path:
    """Write what a process is to run; return the file that its command line names."""
    (folder / "network.yaml").write_text(dump(network), "utf-8")
    file = folder / "job.json"
    job = {"network": str(folder / "network.yaml"), "lowering": lowering, **rest}
    file.write_text(json.dumps(job), "utf-8")
    return file


def read_job(path: str) -> dict[str, Any]:
    """Read that again, in the process."""
    job: dict[str, Any] = json.loads(Path(path).read_text("utf-8"))
    return job
