"""The shipped networks as cases of a test: by default one of each kind, the others when asked."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

import memsim

SAMPLE = {
    "densenet121", "fc_hardnet68", "hardnet39ds", "highway", "mobilenetv2", "resnet18",
    "squeezenet1_0", "ssd512_hardnet68",
}  # fmt: skip


def on_shipped(*others: Any) -> list[Any]:
    """The names of all shipped networks, with each of what follows; slow beyond the sample."""
    return [
        pytest.param(*case, marks=[] if case[0] in SAMPLE else pytest.mark.slow)
        for case in product((entry.name for entry in memsim.names()), *others)
    ]
