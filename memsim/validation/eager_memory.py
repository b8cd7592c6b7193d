"""Peak memory of PyTorch's eager mode beside the plan: shipped networks, and modules of others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import get_args

from memsim.files import read_table
from memsim.formats import load
from memsim.simulate import memory
from memsim.validation.check import Check, CheckRow, Claim, Sample
from memsim.validation.split import Side

MEASURED = (
    "peak of the bytes that PyTorch's CPU allocator has given to tensors during one forward pass, "
    "batch 1, fp32, parameters and inputs not counted; by PyTorch's profiler"
)

MOST = 0.05
"""How far off a row may be."""

SAMPLES: dict[Side, Sample] = {"dev": "in", "test": "unseen"}

NOTE = (
    "Copies that kernels make for themselves and free before they return are not counted: oneDNN's "
    "depend on the processor. The files have the peaks with them, too."
)


def checks() -> Iterator[tuple[str, Callable[[], Check]]]:
    """Every check of memory, with its name."""
    for side in get_args(Side):
        yield f"eager_memory_{side}", partial(shipped, side)
        yield f"eager_memory_modules_{side}", partial(written, side)


def shipped(side: Side) -> Check:
    """Networks that come along, as ``memsim measure`` runs them."""
    rows = tuple(
        CheckRow(row["network"], _megabytes(row["peak_tensor_bytes"]), _planned(row) / 1e6)
        for row in read_table("memsim.validation", "peaks")
        if row["split"] == side
    )
    return _check(
        f"eager_memory_{side}",
        "Memory: shipped networks in PyTorch's eager mode",
        side,
        rows,
        "memsim memory --lowering eager: memory held at once",
    )


def written(side: Side) -> Check:
    """Modules that were written by hand in the style of model collections, and imported."""
    rows = tuple(
        CheckRow(
            row["network"], _megabytes(row["peak_tensor_bytes"]), _megabytes(row["planned_bytes"])
        )
        for row in read_table("memsim.validation", "peaks_written")
        if row["split"] == side
    )
    return _check(
        f"eager_memory_modules_{side}",
        "Memory: modules as people write them, imported",
        side,
        rows,
        "memsim import, then memsim memory --lowering eager; by benchmarks/eager_memory.py, since "
        "importing needs PyTorch",
    )


def _check(name: str, title: str, side: Side, rows: tuple[CheckRow, ...], predicted: str) -> Check:
    worst = max(abs(row.error) for row in rows)
    claim = Claim(f"every row within {100 * MOST:g} %", f"{100 * worst:.2f} %", worst <= MOST)
    return Check(
        name=name,
        title=title,
        unit="MB",
        sample=SAMPLES[side],
        facts=(("measured", MEASURED), ("predicted", predicted), ("parameters", "none")),
        rows=rows,
        claims=(claim,),
        notes=(NOTE,),
    )


def _planned(row: dict[str, str]) -> int:
    network = load(row["network"])
    return memory(network, lowering="eager").peak_tensor_bytes


def _megabytes(text: str) -> float:
    return int(text) / 1e6
