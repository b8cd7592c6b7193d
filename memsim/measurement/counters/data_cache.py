"""Runs under a Valgrind tool of our own, ``data_cache.c``: all sizes and every pass in one process.

The tool is compiled when it is first needed, into the user's folder of caches, where a C compiler
and Valgrind's headers and archives are found (Debian's package has them).
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from importlib import resources
from itertools import pairwise
from pathlib import Path

from memsim.measurement.counters.caches import FIRST, FIRST_WAYS, LINE, WAYS, CacheCounts, Lines
from memsim.measurement.counters.child_run import Child
from memsim.measurement.counters.simulated_run import COUNTED, FILL, NATIVE

TOOL, PLATFORM = "data_cache", "amd64-linux"

COMPILE = (
    "-O2", "-std=gnu11", "-m64", "-fno-strict-aliasing", "-fno-builtin", "-fno-stack-protector",
    "-fno-pie", "-no-pie", "-DVGA_amd64=1", "-DVGO_linux=1", "-DVGP_amd64_linux=1",
    "-DVGPV_amd64_linux_vanilla=1",
)  # fmt: skip
LINK = (
    "-static", "-nodefaultlibs", "-nostartfiles", "-no-pie", "-u", "_start",
    "-Wl,-Ttext-segment=0x58000000", "-Wl,--build-id=none",
)  # fmt: skip
"""As Valgrind builds its own tools (Makefile.tool.am)."""

REGISTERS = "--vex-iropt-register-updates=allregs-at-each-insn"
"""Lets the tool find the lanes of vectors in the registers; half the time of a pass."""

ARCHIVES = (f"libcoregrind-{PLATFORM}.a", f"libvex-{PLATFORM}.a")
LAST_ARCHIVE = f"libgcc-sup-{PLATFORM}.a"
"""Which newer versions have."""


class DataCache:
    """Counts by our own tool.

    Parameters
    ----------
    child : Child
    folder : Path
        A folder that Valgrind finds the tool in.
    """

    def __init__(self, child: Child, folder: Path) -> None:
        self._child, self._folder = child, folder

    @classmethod
    def find(cls, child: Child) -> DataCache | None:
        """The tool, compiled if need be; None where it cannot be."""
        folder = build_tool(Path(child.valgrind))
        return None if folder is None else cls(child, folder)

    def runs(self, sizes: Sequence[int]) -> list[list[int]]:
        """The sizes that each process counts: all."""
        return [list(sizes)]

    def count(self, sizes: Sequence[int], seed: int) -> list[CacheCounts]:
        """Run the network; the counts of its passes, for each size."""
        return self.count_kernels(sizes, seed, kernels=False)[0]

    def count_kernels(
        self, sizes: Sequence[int], seed: int, kernels: bool = True
    ) -> tuple[list[CacheCounts], list[tuple[str, list[Lines]]]]:
        """Run the network, and then once more with a mark after every kernel.

        What lies between two marks is the kernel, what the interpreter does around it, and the
        mark itself. The passes before it, which the counts are of, have no marks inside.

        Parameters
        ----------
        sizes : sequence of int
        seed : int
        kernels : bool
            Whether to run that pass.

        Returns
        -------
        counts : list of CacheCounts
        kernels : list of (str, list of Lines)
            Each kernel's name; loads, stores and none; the first level's counts; those of each
            size. All in lines.
        """
        out = self._child.folder / "marks"
        done = self._child.run(self.options(sizes, out), seed, self.environment(), layers=kernels)
        marks = read_marks(out.read_text("utf-8") if out.exists() else "")
        wrong = f"{len(marks)} marks are not one after each pass"
        if (found := self.counts(sizes, marks, kernels)) is None:
            raise self._child.failure(done, wrong)
        return found

    def options(self, sizes: Sequence[int], out: Path) -> list[str]:
        """What Valgrind is told."""
        caches = [f"--cache={size}" for size in sizes]
        return [f"--tool={TOOL}", REGISTERS, f"--out={out}", f"--ways={WAYS}",
                f"--first={FIRST}", f"--first-ways={FIRST_WAYS}", *caches]  # fmt: skip

    def environment(self) -> dict[str, str]:
        """Where Valgrind finds the tool."""
        return {"VALGRIND_LIB": str(self._folder)}

    def counts(
        self, sizes: Sequence[int], marks: list[list[int]], kernels: bool
    ) -> tuple[list[CacheCounts], list[tuple[str, list[Lines]]]] | None:
        """What the marks of a run tell, as :meth:`count_kernels` does; None if some are missing."""
        names = self._child.report["kernels"] if kernels else []
        passes = 1 + FILL + COUNTED
        if len(marks) != 1 + passes + len(names):
            return None
        found = _differences(marks)
        steady = found[1 + FILL : passes]
        counts = [
            CacheCounts.of(size, [each[2 + n] for each in steady], found[0][2 + n])
            for n, size in enumerate(sizes)
        ]
        return counts, list(zip(names, found[passes:], strict=True))

    def facts(self) -> dict[str, str]:
        """About the simulator and the method."""
        return {
            "simulator": f"{self._child.version()}, memsim's tool {TOOL}; fused multiply-adds of "
            "single precision as a product and a sum",
            "caches": f"data only: first level {FIRST:,} B with {FIRST_WAYS} ways; last level with "
            f"{WAYS} ways; lines of {LINE} B; LRU, write-back, write-allocate",
            "events": f"lines x {LINE} B: read: load misses, write_allocate: store misses, "
            "writeback: dirty lines evicted",
            "method": f"the network alone in a process; after {NATIVE} pass without simulation "
            f"one from empty caches (cold), {FILL} not counted, {COUNTED} counted; nothing runs in "
            "a pass but the network",
        }


def read_marks(text: str) -> list[list[int]]:
    """The counts at each mark, as the tool writes them, without the mark's number.

    Examples
    --------
    >>> read_marks("0 0 0\\n1 7 2\\n")
    [[0, 0], [7, 2]]
    """
    return [[int(word) for word in line.split()[1:]] for line in text.splitlines()]


def _differences(marks: Sequence[Sequence[int]]) -> list[list[Lines]]:
    """What happened from mark to mark: touches, the first level, each last level."""
    found: list[list[Lines]] = []
    for before, after in pairwise(marks):
        loads, stores, *rest = (b - a for a, b in zip(before, after, strict=True))
        triples: list[Lines] = [(loads, stores, 0)]
        triples += [(rest[n], rest[n + 1], rest[n + 2]) for n in range(0, len(rest), 3)]
        found.append(triples)
    return found


def build_tool(valgrind: Path) -> Path | None:
    """Compile the tool where that has not been done.

    Parameters
    ----------
    valgrind : Path
        The program.

    Returns
    -------
    Path or None
        A folder for ``VALGRIND_LIB``: the tool, and links to what else Valgrind needs. None
        without a compiler, headers or archives, on another platform, or where it cannot be
        compiled.
    """
    compiler = shutil.which("gcc") or shutil.which("cc")
    prefix = valgrind.parent.parent
    headers = prefix / "include" / "valgrind"
    archives = _with(prefix, ARCHIVES[0])
    rest = _with(prefix, "default.supp")
    here = (platform.system(), platform.machine()) == ("Linux", "x86_64")
    if not here or compiler is None or archives is None or rest is None:
        return None
    if not (headers / "pub_tool_tooliface.h").is_file():
        return None
    source = resources.files("memsim.measurement.counters").joinpath(f"{TOOL}.c").read_bytes()
    what = [source, repr((compiler, COMPILE, LINK)).encode()]
    what += [str((archives, (archives / ARCHIVES[0]).stat().st_mtime_ns)).encode()]
    folder = _caches() / f"valgrind-{hashlib.sha256(b''.join(what)).hexdigest()[:16]}"
    if (folder / f"{TOOL}-{PLATFORM}").exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        new = Path(made) / "new"
        new.mkdir()
        for path in rest.iterdir():
            (new / path.name).symlink_to(path)
        (new / f"{TOOL}.c").write_bytes(source)
        inputs = [archives / name for name in ARCHIVES] + ["-lgcc"]
        if (archives / LAST_ARCHIVE).exists():
            inputs.append(archives / LAST_ARCHIVE)
        command = [compiler, *COMPILE, f"-I{headers}", *LINK, f"{TOOL}.c", *inputs]
        command += ["-o", f"{TOOL}-{PLATFORM}"]
        if subprocess.run(command, cwd=new, capture_output=True, check=False).returncode:
            return None
        try:
            os.replace(new, folder)
        except OSError:  # another process was faster
            if not (folder / f"{TOOL}-{PLATFORM}").exists():
                raise
    return folder


def _with(prefix: Path, name: str) -> Path | None:
    """Valgrind's folder below a prefix that has a file of this name."""
    for pattern in ("libexec/valgrind", "lib/valgrind", "lib64/valgrind", "lib/*/valgrind"):
        for folder in sorted(prefix.glob(pattern)):
            if (folder / name).is_file():
                return folder
    return None


def _caches() -> Path:
    """The user's folder of caches, or a temporary one where that cannot be written."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parent = next(path for path in (base, *base.parents) if path.exists())
    if os.access(parent, os.W_OK):
        return base / "memsim"
    return Path(tempfile.gettempdir()) / f"memsim-{os.getuid()}"
