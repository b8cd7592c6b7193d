"""Lowerings by name: how layers become kernels."""

from __future__ import annotations

from functools import partial
from importlib import import_module

from memsim.program.lowering.base import Lowering
from memsim.registry import Registry

LOWERINGS: Registry[Lowering] = Registry("lowering")
"""Every lowering by name."""


def _made(module: str, name: str) -> Lowering:
    lowering: Lowering = getattr(import_module(f"memsim.program.lowering.{module}"), name)()
    return lowering


for _module, _name in {
    "eager": "Eager",
    "eager_cudnn": "EagerCudnn",
    "eager_onednn": "EagerOnednn",
    "fused": "Fused",
    "concat_in_place": "ConcatInPlace",
    "concat_free": "ConcatFree",
}.items():
    LOWERINGS.add_later(_module, partial(_made, _module, _name))


def on_library(lowering: str, library: str | None) -> str:
    """Return the lowering to use where a lowering runs on a library's kernels.

    A lowering that describes them is named after both, such as ``eager_onednn``; without one the
    lowering itself is used.

    Examples
    --------
    >>> on_library("eager", "onednn"), on_library("fused", "onednn"), on_library("eager", None)
    ('eager_onednn', 'fused', 'eager')
    """
    variant = f"{lowering}_{library}"
    return variant if variant in LOWERINGS else lowering


__all__ = ["LOWERINGS", "Lowering", "on_library"]
