"""DRAM bytes of every kernel on a GPU: the network once more, in a process under ``ncu``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import memsim
from memsim.errors import Problem, SimulationError
from memsim.measure.ncu import ENVIRONMENT, bytes_per_range, ncu_command, read_ncu
from memsim.network.graph import Network

WARM_UP = 2
"""Passes that are not counted: cuDNN picks its algorithms, the cache fills."""


def dram_bytes(network: Network, lowering: str, ncu: str) -> dict[str, tuple[int, int]]:
    """Bytes that each kernel reads from and writes to the GPU's DRAM.

    Parameters
    ----------
    network : Network
    lowering : str
        ``eager`` or ``fused``.
    ncu : str
        The program.

    Returns
    -------
    dict
        By the name of the kernel; those that launch nothing are missing.

    Raises
    ------
    InputError
        If ncu was not allowed to count, see :func:`memsim.measure.ncu.read_ncu`.
    SimulationError
        If it wrote nothing.
    """
    with tempfile.TemporaryDirectory(prefix="memsim-") as name:
        folder = Path(name)
        (folder / "network.yaml").write_text(memsim.dump(network), "utf-8")
        job = {"network": str(folder / "network.yaml"), "lowering": lowering, "warm_up": WARM_UP}
        (folder / "job.json").write_text(json.dumps(job), "utf-8")
        table = folder / "ncu.csv"
        arguments = ["-m", "memsim.measure.counted_pass", str(folder / "job.json")]
        done = _run(ncu_command(arguments, table, ncu))
        if not table.exists():
            said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
            message = f"ncu failed (exit code {done.returncode}): {said[-1]}"
            raise SimulationError(Problem(message, "--device", "--no-counters leaves it out"))
        return bytes_per_range(read_ncu(table))


def find_ncu() -> str | None:
    """Where ncu is, if it is."""
    return shutil.which("ncu")


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    source = str(Path(memsim.__file__).parent.parent)
    path = os.pathsep.join(filter(None, (source, os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": path}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, errors="replace", check=False
    )
