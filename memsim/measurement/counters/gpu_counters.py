"""DRAM bytes of every kernel on a GPU: the network once more, in a process under ``ncu``."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from memsim.errors import Problem, SimulationError
from memsim.measurement.child import environment, write_job
from memsim.measurement.counters.ncu import ENVIRONMENT, bytes_per_range, ncu_command, read_ncu
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
        If ncu was not allowed to count, see :func:`memsim.measurement.counters.ncu.read_ncu`.
    SimulationError
        If it wrote nothing.
    """
    with tempfile.TemporaryDirectory(prefix="memsim-") as name:
        folder = Path(name)
        job = write_job(folder, network, lowering, warm_up=WARM_UP)
        table = folder / "ncu.csv"
        arguments = ["-m", "memsim.measurement.counters.counted_pass", str(job)]
        done = subprocess.run(
            ncu_command(arguments, table, ncu),
            env=environment(ENVIRONMENT),
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if not table.exists():
            output = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
            message = f"ncu failed (exit code {done.returncode}): {output[-1]}"
            raise SimulationError(Problem(message, "--device", "--no-counters leaves it out"))
        return bytes_per_range(read_ncu(table))


def find_ncu() -> str | None:
    """Where ncu is, if it is."""
    return shutil.which("ncu")
