"""Figures: the facts of a result, drawn.

Every figure is a function that takes networks or results and ``ax=None`` and returns the Axes,
or an array of them where it has several panels. None touches matplotlib's global state. A new
one is one file and its line below.

>>> import memsim
>>> axes = memsim.plot.curve(["hardnet68", "densenet121"], machine="edge")
>>> memsim.plot.render(axes, "png")[:4]
b'\\x89PNG'
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from memsim.plot.canvas import ENDINGS, image_format, render, save
from memsim.plot.figures.curve import curve
from memsim.plot.figures.latency import Pair, latency
from memsim.plot.figures.layers import layers
from memsim.plot.figures.lifetimes import lifetimes
from memsim.plot.figures.moc import moc
from memsim.plot.figures.paper import paper
from memsim.plot.figures.patterns import patterns
from memsim.plot.figures.roofline import roofline
from memsim.plot.figures.timeline import timeline
from memsim.registry import Registry

FIGURES: Registry[Callable[..., Any]] = Registry("figure")
"""Every kind of figure by name: (networks, *, ax, size, **options) -> Axes or array of Axes."""

for _figure in (
    curve, lifetimes, patterns, timeline, roofline, layers, moc, latency, paper
):  # fmt: skip
    FIGURES.add(_figure.__name__, _figure)

__all__ = [
    "ENDINGS",
    "FIGURES",
    "Pair",
    "curve",
    "image_format",
    "latency",
    "layers",
    "lifetimes",
    "moc",
    "paper",
    "patterns",
    "render",
    "roofline",
    "save",
    "timeline",
]
