"""Measured and predicted misses of PyTorch runs, layer by layer.

The runs are those that the model of library kernels was first made by; ``benchmarks/
pytorch_layers.py`` prints them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from memsim.files import read_table
from memsim.results.pytorch import STEADY, PytorchTraffic

RUNS = {
    ("hardnet68", "fused"): "hardnet68_fused",
    ("hardnet68", "eager"): "hardnet68_eager",
    ("resnet18", "eager"): "resnet18_eager",
}
"""Runs that were counted layer by layer and whose kernels are modelled, with their files."""

BETWEEN = ("start", "concat", "add", "dropout")
"""Kinds of calls that the measurement counts as between two layers."""

Counts = tuple[int, int, int]
"""Load misses, store misses and write-backs, in lines."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A measured row and the calls that it counts.

    Attributes
    ----------
    label, kind : str
        The row's, and that of its first call.
    first, first_predicted : tuple of int
        What misses the first level.
    last, last_predicted : tuple of int
        What misses the last one.
    """

    label: str
    kind: str
    first: Counts
    first_predicted: Counts
    last: Counts
    last_predicted: Counts


def pairs(network: str, mode: str, size: int, traffic: PytorchTraffic) -> Iterator[Pair]:
    """Measured rows beside what was predicted of their calls.

    Parameters
    ----------
    network, mode : str
        A key of :data:`RUNS`.
    size : int
        KiB of the last level; one of the prediction's.
    traffic : PytorchTraffic
        The prediction.
    """
    number = traffic.sizes.index(1024 * size)
    misses = zip(
        traffic.misses.first[STEADY], traffic.misses.last[STEADY, number], strict=True
    )  # a row of each per call
    calls = list(zip(traffic.calls, misses, strict=True))
    for row in read_table("memsim.validation", f"pytorch_layers/{RUNS[network, mode]}"):
        label = row["label"]
        between = label.startswith("pre:") or label in ("END", "drop")
        taken = []
        while calls and (calls[0][0].kind in BETWEEN) == between:
            taken.append(calls.pop(0))
            if not between:
                break
        ours = np.sum([both for _, both in taken], axis=0) if taken else np.zeros((2, 3))
        yield Pair(
            label,
            taken[0][0].kind if taken else "nothing",
            _counts(row[f"d1{name}"] for name in ("rm", "wm", "wb")),
            _counts(ours[0]),
            _counts(row[f"{name}{size}"] for name in ("rm", "wm", "wb")),
            _counts(ours[1]),
        )


def _counts(numbers: Iterator[str] | np.ndarray) -> Counts:
    load, store, back = (int(number) for number in numbers)
    return load, store, back
