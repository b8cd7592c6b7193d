"""What is said of the DRAM traffic of PyTorch inference."""

from __future__ import annotations

from memsim.program.library.onednn import LIBRARIES
from memsim.readable import format_bytes, format_bytes_exact
from memsim.results.pytorch import PytorchTraffic
from memsim.sheets.sheet import Grid, Sheet


def pytorch_sheet(traffic: PytorchTraffic, layers: int | None = None) -> Sheet:
    """Lay out the traffic at every size; ``layers`` does not apply, all sizes are shown."""
    rows = tuple(
        (
            format_bytes_exact(row["cache_bytes"]),
            *(
                format_bytes(row[f"{name}_bytes"])
                for name in ("load", "write_allocate", "writeback")
            ),
            format_bytes(row["load_bytes"] + row["write_allocate_bytes"] + row["writeback_bytes"]),
        )
        for row in traffic.rows()
    )
    return Sheet(
        title=f"{traffic.network} in PyTorch on a CPU, {traffic.mode}",
        facts=(
            ("cache", f"last level, {traffic.ways} ways, lines of {traffic.line} B, behind a first "
                      "level of 32 KiB; both LRU, write-back, write-allocate"),
            ("calls", f"{len(traffic.calls):,} functions of the library"),
        ),
        grids=(
            Grid(
                "DRAM traffic of one inference, steady state",
                ("cache", "loads", "write allocate", "write back", "total"),
                rows,
            ),
        ),
        notes=(
            f"{LIBRARIES[traffic.library].summary}, fp32. Write allocate: lines that are fetched "
            "before they are stored to. JSON and CSV hold the first, cold inference, too.",
        ),
    )  # fmt: skip
