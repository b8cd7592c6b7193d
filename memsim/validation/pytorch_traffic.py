"""DRAM traffic of the PyTorch runs that the model of library kernels was made by.

Nothing is fitted to these totals. The kernels follow from the libraries' source, the sizes of
the runtime's floors from the smallest rows of the per-layer counts
(:class:`memsim.program.library.onednn.runtime.Runtime`); both were found by looking at these runs,
so their errors are in sample.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

from memsim.files import read_table
from memsim.formats import load
from memsim.results.pytorch import PytorchTraffic
from memsim.simulate import pytorch_traffic
from memsim.validation.check import Check, CheckRow, goal
from memsim.validation.traffic import read_off
from memsim.validation.traffic.command import SUBJECTS
from memsim.validation.traffic.layers import RUNS, kernels

NETWORKS = ("hardnet68", "resnet18")

KERNELS = "avx2"
"""The instruction set whose kernels are modelled; the file has a run with AVX, too."""

LARGE, SMALL = (1024, 2048, 4096, 8192, 16384, 32768), (256, 512)
"""KiB."""

MEASURED = (
    (
        "measured",
        "DRAM traffic of PyTorch 2.13 on a CPU (oneDNN, AVX2, fp32, batch 1, one thread), "
        "112x112, steady state, under caches simulated by Valgrind: 32 KiB with 8 ways before 16 "
        "ways of the size, lines of 64 bytes. Eager and fused as in memsim.pytorch_traffic; reads "
        "are load misses and fetches on write, writes are evictions of dirty lines",
    ),
    (
        "predicted",
        "memsim.pytorch_traffic. No parameter is fitted to these totals, but the mechanisms were "
        "found by comparing these runs layer by layer",
    ),
    read_off.told(),
)

Counts = tuple[float, float, float]
"""Load misses, store misses, write-backs."""

COLUMNS = ("read_mb", "write_allocate_mb", "writeback_mb")


def fused() -> Check:
    """Reads and writes together, fused, from 1 MiB on."""
    return _check("traffic_fused", "fused, 1 to 32 MiB", "fused", LARGE, _sum, (0.06, 0.12))


def fused_small() -> Check:
    """The same below 1 MiB."""
    return _check("traffic_fused_small", "fused, 256 and 512 KiB", "fused", SMALL, _sum, (0.2,))


def eager() -> Check:
    """Reads and writes together, eager, from 1 MiB on."""
    return _check("traffic_eager", "eager, 1 to 32 MiB", "eager", LARGE, _sum, (0.12,))


def eager_small() -> Check:
    """The same below 1 MiB."""
    return _check("traffic_eager_small", "eager, 256 and 512 KiB", "eager", SMALL, _sum, ())


def reads() -> Check:
    """Reads, fetches on write included."""
    return _check("traffic_reads", "reads", "", (*SMALL, *LARGE), _reads, ())


def writes() -> Check:
    """Writes alone, which are few."""
    return _check("traffic_writes", "writes", "", (*SMALL, *LARGE), _writes, ())


def another() -> Check:
    """Runs of another network, which was not looked at before it was compared."""
    real = measured("pytorch_traffic_unseen")
    rows = tuple(
        CheckRow(f"{network} {mode} {_size(size)}", sum(counts), sum(_counts(network, mode, size)))
        for (network, mode, size), counts in real.items()
    )
    return Check(
        name="traffic_another",
        title="DRAM traffic of PyTorch runs: another network",
        unit="MB",
        sample="in",
        facts=(
            (
                "measured",
                "as traffic_fused, by Callgrind, whose last level is given data alone; modules "
                "of memsim.to_torch",
            ),
        ),
        rows=rows,
        read_off=read_off.floors(),
        notes=(
            "Two runs are few. The model was made without them; since they were compared they are "
            "development series, which it may be changed by.",
        ),
    )


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
    return pytorch_traffic(built, OLD_MODES[mode], [size * 1024 for size in (*SMALL, *LARGE)])


def _check(
    name: str,
    title: str,
    mode: str,
    sizes: tuple[int, ...],
    quantity: Callable[[Counts], float],
    most: tuple[float, ...],
) -> Check:
    real = measured()
    modes = (mode,) if mode else ("fused", "eager")
    rows = tuple(
        CheckRow(
            " ".join((network, *(() if mode else (each,)), _size(size))),
            quantity(real[network, each, size]),
            quantity(_counts(network, each, size)),
        )
        for network in NETWORKS
        for each in modes
        for size in sizes
    )
    check = Check(
        name=name,
        title=f"DRAM traffic of PyTorch runs: {title}",
        unit="MB",
        sample="in",
        facts=MEASURED if name == "traffic_fused" else (("measured", "see traffic_fused"),),
        rows=rows,
        read_off=read_off.floors(),
        chosen=SUBJECTS["library"].chosen,
    )
    if name in ("traffic_fused", "traffic_eager"):
        counted = {network: predicted(network, mode) for network, each in RUNS if each == mode}
        check = replace(check, kernels=kernels(mode, counted))
    errors = (("WAPE", check.score.wape), ("worst", check.score.worst))
    claims = tuple(
        goal(text, value, limit) for (text, value), limit in zip(errors, most, strict=False)
    )
    return replace(check, claims=claims)


def _counts(network: str, mode: str, size: int) -> Counts:
    found = predicted(network, mode)
    number = found.sizes.index(1024 * size)
    load_, fetch, back = (float(found.column(which)[number]) / 1e6 for which in range(3))
    return load_, fetch, back


def _size(kib: int) -> str:
    return f"{kib} KiB" if kib < 1024 else f"{kib // 1024} MiB"


def _sum(counts: Counts) -> float:
    return sum(counts)


def _reads(counts: Counts) -> float:
    return counts[0] + counts[1]


def _writes(counts: Counts) -> float:
    return counts[2]
