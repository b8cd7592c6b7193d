"""What is said of a memory plan."""

from __future__ import annotations

from memsim.readable import format_bytes, format_bytes_exact
from memsim.results.memory import Memory
from memsim.sheets.sheet import Grid, Sheet


def memory_sheet(memory: Memory, layers: int | None = None) -> Sheet:
    """Lay out a memory plan; ``layers`` limits the rows to the largest tensors, None: all."""
    plan, program, network = memory.plan, memory.program, memory.program.network
    rows = memory.rows()
    if layers is not None and len(rows) > layers:
        largest = sorted(rows, key=lambda row: -int(row["bytes"]))[:layers]
        shown = [row for row in rows if row in largest]
    else:
        shown = rows
    title = f"{len(shown)} feature maps, as they are allocated"
    if len(shown) < len(rows):
        title = f"the {len(shown)} largest of {len(rows)} feature maps, as they are allocated"
    options = program.options
    said = [str(options["lowering"]), str(options["schedule"])]
    said += [f"layers by {options['layer_order']}"] if "layer_order" in options else []
    live = memory.peak_live_bytes
    times = f" ({plan.peak_bytes / live:.2f} x what is live at once)" if live else ""
    return Sheet(
        title=f"{network.name} in memory, allocator {memory.allocator}",
        facts=(
            ("feature maps", f"{format_bytes_exact(plan.peak_bytes)}{times}"),
            ("held at once", format_bytes_exact(memory.peak_tensor_bytes)),
            ("live at once", format_bytes_exact(live)),
            ("weights", format_bytes_exact(program.weight_bytes)),
            ("program", ", ".join(said)),
        ),
        grids=(
            Grid(
                title,
                ("tensor", "offset", "bytes", "written by", "last read by"),
                tuple(
                    (
                        str(row["tensor"]),
                        f"{row['offset_bytes']:,}",
                        format_bytes(int(row["bytes"])),
                        str(row["first_kernel"]),
                        str(row["last_kernel"]),
                    )
                    for row in shown
                ),
            ),
        ),
        notes=(
            "Offsets are bytes behind the weights and inputs, which stay where they are. Held: the "
            "memory of whole feature maps, as an allocator counts it. Live: rows that are still "
            "needed, those of inputs too.",
        ),
    )
