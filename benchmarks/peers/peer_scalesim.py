"""SCALE-Sim, a systolic-array simulator: a table of convolutions, cycle by cycle.

``prepare GRAPH FOLDER`` writes the table of layers, ``run FOLDER CACHE`` simulates them and leaves
``result.json``. Runs in an environment of its own, see requirements-scalesim.txt.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ARRAY = (32, 32)
"""Rows and columns of the array, as in the tool's own example: 1,024 MACs."""

TOPOLOGY, LAYOUT, CONFIG = "topology.csv", "layout.csv", "scale.cfg"


def prepare(graph: dict[str, Any], folder: Path) -> None:
    """Write convolutions and the linear layer, with their padding as part of the input."""
    shapes: dict[str, list[int]] = {}
    rows = ["name, ifmap h, ifmap w, filter h, filter w, channels, filters, stride,"]
    for operator in graph["operators"]:
        shapes[operator["name"]] = operator["shape"]
        if operator["kind"] not in ("conv", "linear"):
            continue
        channels = shapes[operator["inputs"][0]][0]
        out, *size = operator["shape"]
        kernel = operator.get("kernel", (1, 1))
        (stride,) = set(operator.get("stride", (1, 1)))
        # The rows and columns that windows read, padding included: it rounds output sizes up.
        read = [(count - 1) * stride + reach for count, reach in zip(size, kernel, strict=True)]
        numbers = (*read, *kernel, channels, out, stride)
        rows.append(", ".join([f"layer{len(rows)}", *map(str, numbers)]) + ",")
    (folder / TOPOLOGY).write_text("\n".join(rows) + "\n")
    # A custom layout in memory is not asked for, but the file must have a row per layer.
    layout = ["name, " + "factor, " * 20]
    layout += [f"layer{number}, " + "1, " * 20 for number in range(1, len(rows))]
    (folder / LAYOUT).write_text("\n".join(layout) + "\n")


def configuration(cache: int) -> str:
    """Three eighths of the cache for inputs, as much for weights, a quarter for outputs."""
    part = cache // 8192
    return f"""[general]
run_name = out

[architecture_presets]
ArrayHeight : {ARRAY[0]}
ArrayWidth : {ARRAY[1]}
IfmapSramSzkB : {3 * part}
FilterSramSzkB : {3 * part}
OfmapSramSzkB : {2 * part}
IfmapOffset : 0
FilterOffset : 10000000
OfmapOffset : 20000000
Dataflow : os
Bandwidth : 10
ReadRequestBuffer : 32
WriteRequestBuffer : 32

[layout]
IfmapCustomLayout : False
IfmapSRAMBankBandwidth : 10
IfmapSRAMBankNum : 10
IfmapSRAMBankPort : 2
FilterCustomLayout : False
FilterSRAMBankBandwidth : 10
FilterSRAMBankNum : 10
FilterSRAMBankPort : 2

[sparsity]
SparsitySupport : false

[run_presets]
InterfaceBandwidth : CALC
UseRamulatorTrace : False
"""


def run(folder: Path, cache: int) -> None:
    """Simulate every layer of the table; ``result.json`` grows layer by layer."""
    from scalesim.scale_sim import scalesim
    from scalesim.single_layer_sim import single_layer_sim

    layers = len((folder / TOPOLOGY).read_text().splitlines()) - 1
    total = {"read": 0, "written": 0, "done": 0, "layers": layers}
    simulate = single_layer_sim.run

    def simulate_and_count(layer: Any) -> None:
        simulate(layer)
        items = layer.get_detail_report_items()  # per memory: first cycle, last cycle, words
        ifmap_reads, filter_reads, ofmap_writes = items[11], items[14], items[17]
        total["read"] += int(ifmap_reads + filter_reads)
        total["written"] += int(ofmap_writes)
        total["done"] += 1
        (folder / "result.json").write_text(json.dumps(total))

    single_layer_sim.run = simulate_and_count
    (folder / CONFIG).write_text(configuration(cache))
    simulation = scalesim(
        save_disk_space=True,
        verbose=False,
        config=str(folder / CONFIG),
        topology=str(folder / TOPOLOGY),
        layout=str(folder / LAYOUT),
    )
    simulation.run_scale(top_path=str(folder))


if __name__ == "__main__":
    command, first, second = sys.argv[1:]
    if command == "prepare":
        prepare(json.loads(Path(first).read_text()), Path(second))
    else:
        run(Path(first), int(second))
