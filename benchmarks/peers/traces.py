"""A trace of line accesses as files that a program in another environment can read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from memsim.engines.cache.trace import DIRTIES, KIND, Trace


def write_trace(trace: Trace, path: Path, line: int) -> None:
    """Write ``path.addresses`` (int64) and ``path.runs`` (int64 pairs: writes or not, accesses)."""
    (trace.block.astype(np.int64) * line).tofile(f"{path}.addresses")
    writes = DIRTIES[trace.code & KIND]
    edges = np.flatnonzero(np.diff(writes, prepend=~writes[:1], append=~writes[-1:]))
    runs = np.stack([writes[edges[:-1]].astype(np.int64), np.diff(edges)], axis=1)
    runs.astype(np.int64).tofile(f"{path}.runs")
