"""What is said of policies and bounds."""

from __future__ import annotations

from typing import Any

from memsim.program.parts import Part, compulsory
from memsim.readable import format_bytes
from memsim.results.optimality import Optimality
from memsim.results.sheets.configuration import configuration
from memsim.sheets.sheet import Grid, Sheet


def optimality_sheet(optimality: Optimality, layers: int | None = 10) -> Sheet:
    """Lay out the policies and the bounds; ``layers`` convolutions, the heaviest first."""
    bound, how = optimality.lower_bytes
    only, parts = optimality.only, optimality.by_part
    shown = [] if only else list(Part)
    rows = [
        ("compulsory", *(format_bytes(sum(compulsory(optimality.program, p))) for p in shown),
         format_bytes(optimality.compulsory_bytes), ""),
        (f"lower bound ({how})", *("" for _ in shown), format_bytes(bound), ""),
        *(
            (policy, *(format_bytes(parts[policy][p]) for p in shown), format_bytes(moved),
             f"{moved / bound - 1:+.1%}" if bound else "-")
            for policy, moved in optimality.policies.items()
        ),
    ]  # fmt: skip
    columns = (
        "",
        *(part.words for part in shown),
        "total" if shown else "bytes",
        "above the bound",
    )
    title = "DRAM traffic" if only is None else f"DRAM traffic of {only.words}"
    program, machine = optimality.program, optimality.machine
    return Sheet(
        title=f"{program.network.name} on {machine.name}: how far from optimal",
        facts=configuration(program, machine),
        grids=(
            Grid(title, columns, tuple(rows)),
            *([_convolutions(optimality.rows(), layers)] if optimality.convolutions else []),
        ),
        notes=(
            "The lower bound holds for every policy at this cache and task order, reads and "
            "write-backs together. Belady's rule (farthest next use) is a heuristic with unequal "
            "blocks. What a convolution moves at least by itself, with its input and output in "
            "DRAM, is no floor for a network, which keeps tensors on chip.",
        ),
    )


def _convolutions(rows: list[dict[str, Any]], layers: int | None) -> Grid:
    heaviest = sorted(rows, key=lambda row: -int(row["dram_bytes"]))
    listed = heaviest[:layers]
    return Grid(
        f"the {len(listed)} heaviest of {len(heaviest)} convolutions",
        ("layer", "moved", "by itself at least"),
        tuple(
            (
                row["layer"],
                *(
                    format_bytes(row[key]) if row[key] else "-"
                    for key in ("dram_bytes", "communication_bytes")
                ),
            )
            for row in listed
        ),
    )
