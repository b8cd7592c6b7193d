"""The target: bytes as a file of one kind; anything but memsim's own errors is a finding."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import memsim
from memsim.calibration import read_runs
from memsim.errors import MemsimError

KINDS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "A": ("net.yaml", memsim.load),
    "M": ("machine.yaml", memsim.load_machine),
    "R": ("runs.csv", lambda path: read_runs([path])),
    "S": ("topology.csv", memsim.load),
    "O": ("model.onnx", memsim.load),
}
"""By the first byte of an input: the file that the rest of it is, and what reads that."""


def read(data: bytes) -> None:
    """Read an input; raises whatever its reader did not foresee.

    A network that is sound is also described and written out again, if it is small.
    """
    name, reader = KINDS.get(data[:1].decode("latin-1"), KINDS["A"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data[1:])
        try:
            found = reader(str(path))
            if isinstance(found, memsim.Network) and len(found) < 100:
                memsim.describe(found).to_dict()
                if found.macs < 10**9:
                    memsim.run(found, machine="textbook").to_dict()
        except MemsimError as error:
            if not str(error).strip():
                raise RuntimeError("an error without a word") from error
