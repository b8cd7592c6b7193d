"""A process that Valgrind runs: how it is started, and what it leaves in a folder."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from memsim.errors import Problem, SimulationError
from memsim.measurement.child import environment, write_job
from memsim.measurement.counters.simulated_run import STEP
from memsim.measurement.probe.processor import facts as processor_facts
from memsim.network.graph import Network

FAST = {
    "ONEDNN_MAX_CPU_ISA": "AVX",
    "MKL_ENABLE_INSTRUCTIONS": "AVX",
    "ATEN_CPU_CAPABILITY": "default",
}
"""What keeps the libraries to kernels for AVX."""

SINGLE = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

HEAP = {
    "MALLOC_MMAP_THRESHOLD_": str(2**31 - 1),
    "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1),
    "MALLOC_TOP_PAD_": str(2**31),
}
"""glibc's malloc keeps freed memory, as in ``memsim measure``, and has one contiguous heap, as a
native process. Valgrind lets the break grow by 8 MiB and no further; malloc would go on with
pieces of 1 MiB, which never merge. Asked for 2 GiB at once it maps them as one piece (mallopt(3);
malloc.c, sysmalloc)."""

OWN = "PyTorch's own"
"""What runs a convolution that oneDNN does not: im2col and a matrix product."""


class Child:
    """Starts the processes of one network.

    Attributes
    ----------
    folder : Path
        Where they write.
    valgrind, vgdb : str
        The programs.
    report : dict
        What the last one told of PyTorch and of the network's kernels.
    """

    def __init__(
        self,
        folder: Path,
        programs: tuple[str, str],
        network: Network,
        lowering: str,
        fast: bool,
    ) -> None:
        self.folder, self.fast = folder, fast
        self.valgrind, self.vgdb = programs
        self.network, self.lowering = network, lowering
        self.report: dict[str, Any] = {}
        self._verbose = ""

    def run(
        self, options: Sequence[str], seed: int, own: Mapping[str, str], **job: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run the network under Valgrind.

        Parameters
        ----------
        options : sequence of str
            Of Valgrind: the tool and what it is told.
        seed : int
            Of Python's hashes. They order sets of names, and so what is allocated when.
        own : mapping of str to str
            Environment variables.
        **job
            What :mod:`memsim.measurement.counters.simulated_run` is to do.

        Raises
        ------
        SimulationError
            If it fails; with its last words.
        """
        file = self.write(**job)
        done = subprocess.run(
            [self.valgrind, *options, f"--log-file={self.folder / 'log'}",
             sys.executable, "-m", "memsim.measurement.counters.simulated_run", str(file)],
            env=self.environment(seed, own),
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )  # fmt: skip
        if done.returncode or not self.take(done.stdout):
            raise self.failure(done, "it has not begun to run the network")
        return done

    def write(self, **job: Any) -> Path:
        """Write what a process is to do; the file that names it."""
        report = str(self.folder / "report.json")
        return write_job(self.folder, self.network, self.lowering, report=report, **job)

    def environment(self, seed: int, own: Mapping[str, str]) -> dict[str, str]:
        """The environment of a process."""
        fast = FAST if self.fast else {}
        return environment({**SINGLE, **HEAP, **fast, **own, "PYTHONHASHSEED": str(seed)})

    def take(self, said: str) -> bool:
        """Take in what a process told and said on its standard output; whether it told anything."""
        report = self.folder / "report.json"
        if not report.exists():
            return False
        self.report = json.loads(report.read_text("utf-8"))
        self._verbose = said
        return True

    def failure(self, done: subprocess.CompletedProcess[str], silent: str) -> SimulationError:
        """What to raise for a run that failed; ``silent`` says why if it ended well."""
        log = self.folder / "log"
        lines = (log.read_text(errors="replace") if log.exists() else "").splitlines()
        messages = done.stderr.strip().splitlines() or [
            line for line in lines if line.strip("=0123456789 ")
        ]
        if not done.returncode:
            messages = [silent]
        last = messages[-1] if messages else "it said nothing"
        what = f"the run under Valgrind failed (exit code {done.returncode}): {last}"
        return SimulationError(Problem(what, "--cachegrind"))

    def version(self) -> str:
        """Of Valgrind, such as ``valgrind-3.19.0``."""
        return subprocess.run(
            [self.valgrind, "--version"], capture_output=True, text=True, check=False
        ).stdout.strip()

    def facts(self) -> dict[str, str]:
        """About PyTorch and its kernels."""
        facts = {
            "processor": f"Valgrind's, with its caches, on a {processor_facts()['cpu']}",
            "torch": f"{self.report['torch']}, {self.report['vectors']}, one thread",
            "memory": f"{self.report['libc']}; " + " ".join(f"{k}={v}" for k, v in HEAP.items()),
        }
        ran = implementations(self._verbose, self.report["kernels"])
        used = {name: ran.get(name, OWN) for name in self.report["convolutions"]}
        counted = Counter(used.values())
        if counted:
            facts["convolutions"] = ", ".join(f"{many} x {what}" for what, many in counted.items())
        products = [name for name, what in used.items() if "gemm" in what or what == OWN]
        if products:
            facts["im2col"] = " ".join(products)
        if self.fast:
            facts["fast"] = " ".join(f"{name}={value}" for name, value in FAST.items())
        return facts


def implementations(verbose: str, kernels: Sequence[str]) -> dict[str, str]:
    """What oneDNN ran for the convolution of each kernel.

    Parameters
    ----------
    verbose : str
        What a process said while ``ONEDNN_VERBOSE`` was on, with a line after every kernel.
    kernels : sequence of str
        Their names, in order.

    Examples
    --------
    >>> line = "onednn_verbose,v1,primitive,exec,cpu,convolution,jit:avx2,forward_inference"
    >>> implementations(f"{line}\\n{STEP}\\n{STEP}\\n", ["conv1", "maxpool1"])
    {'conv1': 'jit:avx2'}
    """
    kinds: dict[str, str] = {}
    number = 0
    for line in verbose.splitlines():
        fields = line.split(",")
        if line == STEP:
            number += 1
        elif "exec" in fields[:5] and fields[-1] and number < len(kernels):
            engine = fields.index("exec") + 1
            if fields[engine + 1] in ("convolution", "deconvolution"):
                kinds[kernels[number]] = fields[engine + 2]
    return kinds
