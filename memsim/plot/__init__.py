"""Figures: the facts of a result, drawn.

Every figure is a function that takes networks or results and ``ax=None`` and returns the Axes,
or an array of them where it has several panels. None touches matplotlib's global state. A new
one is one file, which says of itself what it shows, and one line below.

>>> import memsim
>>> axes = memsim.plot.curve(["hardnet68", "densenet121"], machine="textbook")
>>> memsim.plot.render(axes, "png")[:4]
b'\\x89PNG'
"""

from __future__ import annotations

from memsim.plot.animation import Film, film
from memsim.plot.canvas import ENDINGS, image_format, render, save
from memsim.plot.kinds import FIGURES, FigureKind, figure

# To import a figure enters it into FIGURES: this order is the documentation's and the help's.
# isort: off
from memsim.plot.figures.curve import curve as curve
from memsim.plot.figures.lifetimes import lifetimes as lifetimes
from memsim.plot.figures.patterns import patterns as patterns
from memsim.plot.figures.timeline import timeline as timeline
from memsim.plot.figures.roofline import roofline as roofline
from memsim.plot.figures.layers import layers as layers
from memsim.plot.figures.moc import moc as moc
from memsim.plot.figures.latency import Pair as Pair, latency as latency
from memsim.plot.figures.paper import paper as paper
from memsim.plot.figures.sweep import sweep as sweep
from memsim.plot.figures.front import front as front

# isort: on

__all__ = [
    "ENDINGS",
    "FIGURES",
    "FigureKind",
    "Film",
    "Pair",
    "figure",
    "film",
    "front",
    "image_format",
    "render",
    "save",
    "sweep",
    *FIGURES,
]
