"""Macros: keywords of architecture files that stand for several layers.

A new macro is one file with a :class:`Macro` and its line below.
"""

from __future__ import annotations

from memsim.formats.architecture.macros.base import FeatureMap, Macro, Site
from memsim.registry import Registry

MACROS: Registry[type[Macro]] = Registry("macro")
"""Every macro by its keyword."""

for _kind, _home in {
    "depthwise": "depthwise:Depthwise",
    "block": "block:Block",
    "residual": "residual:Residual",
    "inverted_residual": "inverted_residual:InvertedResidual",
    "inverted_transition": "inverted_transition:InvertedTransition",
    "fire": "fire:Fire",
    "highway": "highway:Highway",
    "pyramid": "pyramid:Pyramid",
    "repeat": "repeat:Repeat",
}.items():
    MACROS.add_home(_kind, f"memsim.formats.architecture.macros.{_home}")

__all__ = ["MACROS", "Macro", "Site", "FeatureMap"]
