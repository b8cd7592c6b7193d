"""Kinds of figures: the registry in which a figure's own file enters it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from memsim.registry import Registry

Draw = TypeVar("Draw", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class FigureKind:
    """A figure that can be asked for by its name.

    Attributes
    ----------
    draw : callable
        (networks, *, ax, size, **options) -> Axes or array of Axes.
    summary : str
        What it shows, in half a line.
    simulates : bool
        Whether the options of :func:`memsim.run` apply; not where a network alone is drawn.
    published : bool
        Whether networks are those of the paper's Table 4, by name, at the size of its times.
    """

    draw: Callable[..., Any]
    summary: str
    simulates: bool = True
    published: bool = False


FIGURES: Registry[FigureKind] = Registry("figure")
"""Every kind of figure by name."""


def figure(
    summary: str, *, simulates: bool = True, published: bool = False
) -> Callable[[Draw], Draw]:
    """Enter a function into :data:`FIGURES` under its own name; see :class:`FigureKind`.

    Examples
    --------
    >>> FIGURES["layers"].summary
    'traffic per layer by role and by cause'
    """

    def enter(draw: Draw) -> Draw:
        FIGURES.add(draw.__name__, FigureKind(draw, summary, simulates, published))
        return draw

    return enter
