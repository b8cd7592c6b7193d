"""From a network and a machine to a result: the way through the house, once.

Names are imported when they are first used, so that the command line knows the options before it
needs an engine.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memsim.simulate.designing import design
    from memsim.simulate.magnifying import microscope
    from memsim.simulate.options import Options, RunOptions
    from memsim.simulate.preparation import BEST, prepare
    from memsim.simulate.pytorch import pytorch_traffic
    from memsim.simulate.sizing import size
    from memsim.simulate.source import Source, describe
    from memsim.simulate.verbs import (
        CLOCKS,
        compare,
        curve,
        memory,
        run,
    )
    from memsim.simulate.watching import summary, watch

_HOMES = {
    "BEST": "preparation",
    "CLOCKS": "verbs",
    "Options": "options",
    "RunOptions": "options",
    "Source": "source",
    "compare": "verbs",
    "curve": "verbs",
    "describe": "source",
    "design": "designing",
    "memory": "verbs",
    "microscope": "magnifying",
    "prepare": "preparation",
    "pytorch_traffic": "pytorch",
    "run": "verbs",
    "size": "sizing",
    "summary": "watching",
    "watch": "watching",
}

__all__ = [
    "BEST",
    "CLOCKS",
    "Options",
    "RunOptions",
    "Source",
    "compare",
    "curve",
    "describe",
    "design",
    "memory",
    "microscope",
    "prepare",
    "pytorch_traffic",
    "run",
    "size",
    "summary",
    "watch",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'memsim.simulate' has no attribute {name!r}")
    return getattr(import_module(f"memsim.simulate.{_HOMES[name]}"), name)
