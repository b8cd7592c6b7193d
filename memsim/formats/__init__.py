"""Reading and writing networks; nothing else knows YAML, ONNX or torch.

``library`` finds a network by name or file and picks the reader by the file's ending:
``architecture`` for YAML, ``foreign`` for ONNX and PyTorch, ``scalesim`` for tables of layers.
``module`` turns a network into PyTorch, ``graphs`` into pictures of its graph.

Names are imported when they are first used, so that a machine file costs no more than it needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memsim.formats.architecture.editor_schema import json_schema
    from memsim.formats.architecture.flat import dump
    from memsim.formats.foreign.torch.reading import from_torch
    from memsim.formats.library import check, load, loads
    from memsim.formats.module.module import to_torch
    from memsim.formats.shipped import Entry, names

_HOMES = {
    "Entry": "shipped",
    "check": "library",
    "dump": "architecture.flat",
    "from_torch": "foreign.torch.reading",
    "json_schema": "architecture.editor_schema",
    "load": "library",
    "loads": "library",
    "names": "shipped",
    "to_torch": "module.module",
}

__all__ = [
    "Entry",
    "check",
    "dump",
    "from_torch",
    "json_schema",
    "load",
    "loads",
    "names",
    "to_torch",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'memsim.formats' has no attribute {name!r}")
    return getattr(import_module(f"memsim.formats.{_HOMES[name]}"), name)
