"""Which network moves least where layers are fused, as the HarDNet paper leaves open.

Run it as ``python benchmarks/fused_networks.py``; the table is kept in
``benchmarks/results/fused_networks.csv`` and read in ``docs/fused.md``.
"""

from __future__ import annotations

import csv
from pathlib import Path

import memsim

NETWORKS = ("hardnet68", "hardnet68ds", "hardnet39ds", "mobilenetv2")
SIZES = ("256KiB", "512KiB", "1MiB", "2MiB", "4MiB")
INPUTS = ("3x224x224", "3x1024x1024")
WAYS = ("layer_by_layer", "depthwise", "inverted_residual", "auto")
RESULT = Path(__file__).parent / "results" / "fused_networks.csv"
COLUMNS = ("network", "input", "cache", "groups", "feature_map_bytes", "weight_bytes")


def row(network: str, shape: str, size: str, way: str) -> tuple[str | int, ...] | None:
    """One row; None where a network has no groups of this kind."""
    options = {} if way == "layer_by_layer" else {"schedule": "depth_first", "groups": way}
    if way == "auto":  # the others are strips of whole rows, too
        options["strip"] = "rows"
    try:
        found = memsim.run(
            memsim.load(network, dtype="int8", input_shape=shape),
            machine="edge", lowering="concat_free", cache=size, clock="recurrence", **options,
        )  # fmt: skip
    except memsim.InputError:
        return None
    weights = found.by_role["weight"]
    return network, shape, size, way, found.dram_bytes - weights, weights


def main() -> None:
    """Write the table."""
    rows = [
        found
        for shape in INPUTS
        for network in NETWORKS
        for size in SIZES
        for way in WAYS
        if (found := row(network, shape, size, way))
    ]
    with RESULT.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
