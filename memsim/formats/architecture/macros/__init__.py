"""Macros: keywords of architecture files that stand for several layers.

A new macro is one file with a :class:`Macro` and its line below.
"""

from __future__ import annotations

from memsim.formats.architecture.macros.base import FeatureMap, Macro, Site
from memsim.formats.architecture.macros.block import Block
from memsim.formats.architecture.macros.depthwise import Depthwise
from memsim.formats.architecture.macros.fire import Fire
from memsim.formats.architecture.macros.highway import Highway
from memsim.formats.architecture.macros.inverted_residual import InvertedResidual
from memsim.formats.architecture.macros.inverted_transition import InvertedTransition
from memsim.formats.architecture.macros.pyramid import Pyramid
from memsim.formats.architecture.macros.repeat import Repeat
from memsim.formats.architecture.macros.residual import Residual
from memsim.registry import Registry

MACROS: Registry[type[Macro]] = Registry("macro")
"""Every macro by its keyword."""

for _macro in (
    Depthwise,
    Block,
    Residual,
    InvertedResidual,
    InvertedTransition,
    Fire,
    Highway,
    Pyramid,
    Repeat,
):
    MACROS.add(_macro.kind, _macro)

__all__ = ["MACROS", "Macro", "Site", "FeatureMap"]
