"""DRAM traffic of the PyTorch runs that the model of library kernels was first made by.

Nothing was fitted to these totals. The kernels follow from the libraries' source, the sizes of
the runtime's floors from the smallest rows of the per-layer counts
(:class:`memsim.program.library.onednn.runtime.Runtime`); both were found by looking at these runs.
They had faults, such as several networks in one process, and are no part of the report, which has
runs that were counted anew (:mod:`memsim.validation.traffic`).
"""

from __future__ import annotations

from functools import cache

from memsim.files import read_table
from memsim.formats import load
from memsim.results.pytorch import PytorchTraffic
from memsim.simulate import pytorch_traffic

NETWORKS = ("hardnet68", "resnet18")

KERNELS = "avx2"
"""The instruction set whose kernels are modelled; the file has a run with AVX, too."""

SIZES = (256, 512, 1024, 2048, 4096, 8192, 16384, 32768)
"""KiB."""

Counts = tuple[float, float, float]
"""Load misses, store misses, write-backs."""

COLUMNS = ("read_mb", "write_allocate_mb", "writeback_mb")


def measured(table: str = "pytorch_traffic") -> dict[tuple[str, str, int], Counts]:
    """Load misses, store misses and write-backs in MB by network, mode and KiB; steady state.

    Examples
    --------
    >>> measured()["resnet18", "fused", 1024]
    (51.45, 3.62, 4.48)
    """
    return {
        (row["network"], row["lowering"], int(row["cache_kib"])): (
            float(row[COLUMNS[0]]), float(row[COLUMNS[1]]), float(row[COLUMNS[2]])
        )
        for row in read_table("memsim.validation", table)
        if row["kernels"] == KERNELS
    }  # fmt: skip


OLD_MODES = {"eager": "eager_in_place", "fused": "fused_adds_apart"}
"""What the runs of these files did, by what the files call it: activations in place, and residual
sums as kernels of their own."""


@cache
def predicted(network: str, mode: str) -> PytorchTraffic:
    """The prediction for one of the measured runs, at all sizes."""
    built = load(network).with_options(input_shape=(3, 112, 112))
    return pytorch_traffic(built, OLD_MODES[mode], [size * 1024 for size in SIZES])
