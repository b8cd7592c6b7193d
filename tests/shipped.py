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


def on_shipped(*others: Any, but: Collection[str] = ()) -> list[Any]:
    """The names of all shipped networks, but for some, with each of what follows.

    They are slow beyond the sample.
    """
    names = [entry.name for entry in memsim.names() if entry.name not in but]
    return [
        pytest.param(*case, marks=[] if case[0] in SAMPLE else pytest.mark.slow)
        for case in product(names, *others)
    ]
