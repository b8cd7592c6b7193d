"""Reading and writing networks; nothing else knows YAML, ONNX or torch.

Names are imported when they are first used, so that a machine file costs no more than it needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memsim.formats.dump import dump
    from memsim.formats.json_schema import json_schema
    from memsim.formats.library import Entry, check, load, names

_HOMES = {
    "Entry": "library",
    "check": "library",
    "dump": "dump",
    "json_schema": "json_schema",
    "load": "library",
    "names": "library",
}

__all__ = ["Entry", "check", "dump", "json_schema", "load", "names"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'memsim.formats' has no attribute {name!r}")
    # Set as an attribute: a module of the same name would otherwise take its place.
    globals()[name] = getattr(import_module(f"memsim.formats.{_HOMES[name]}"), name)
    return globals()[name]
