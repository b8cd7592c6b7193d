"""The shipped networks as cases of a test: by default one of each kind, the others when asked."""

from __future__ import annotations

from collections.abc import Collection
from itertools import product
from typing import Any

import pytest

import memsim

SAMPLE = {
    "densenet121", "fc_hardnet68", "hardnet39ds", "highway", "mobilenetv2", "resnet18",
    "squeezenet1_0", "ssd512_hardnet68",
}  # fmt: skip

LARGE = {
    "densenet161", "densenet169", "densenet201", "fc_densenet103", "fc_densenet_ref100",
    "fc_densenet67", "fc_hardnet70", "fc_hardnet76", "fc_hardnet84", "fc_hardnet_ref100",
    "fc_sparsenet_ref100", "hardnet117s", "hardnet138s", "hardnet68ds", "hardnet85", "hardnet96s",
    "logdensenet103", "mobilenetv2_1_4", "resnet101", "resnet152", "sparsenet100_36",
}  # fmt: skip
"""Of each of them there is a smaller one with its links."""


def on_shipped(*others: Any, but: Collection[str] = ()) -> list[Any]:
    """The names of all shipped networks, but for some, with each of what follows.

    They are slow beyond the sample, and the large ones wait for a release.
    """
    names = [entry.name for entry in memsim.names() if entry.name not in but]
    waits = {name: [pytest.mark.release if name in LARGE else pytest.mark.slow] for name in names}
    return [
        pytest.param(*case, marks=[] if case[0] in SAMPLE else waits[case[0]])
        for case in product(names, *others)
    ]
