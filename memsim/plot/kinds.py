"""Kinds of figures: the registry in which a figure's own file enters it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from inspect import signature
from typing import Any, TypeVar, cast

from memsim.errors import InputError, Problem
from memsim.plot.drawables import listed
from memsim.plot.multiples import Common, multiples
from memsim.registry import Registry
from memsim.simulate.heed import refuse
from memsim.simulate.options import RUN_OPTIONS

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
    verb : str
        The line of :data:`memsim.simulate.heed.VERBS` that says which options it heeds.
    published : bool
        Whether networks are those of the paper's Table 4, by name, at the size of its times.
    parts : bool
        Whether it can show weights or feature maps alone: ``only``.
    common : tuple, optional
        Of a figure of one network that is drawn once for each of several: which axes these share;
        see :mod:`memsim.plot.multiples`. None where it shows one network, or draws several itself.
    """

    draw: Callable[..., Any]
    summary: str
    verb: str = "figure"
    published: bool = False
    parts: bool = False
    common: Common | None = None


FIGURES: Registry[FigureKind] = Registry("figure")
"""Every kind of figure by name."""


def figure(
    summary: str,
    *,
    verb: str = "figure",
    published: bool = False,
    parts: bool = False,
    common: Common | None = None,
) -> Callable[[Draw], Draw]:
    """Enter a function into :data:`FIGURES` under its own name; see :class:`FigureKind`.

    The function refuses what the figure does not heed, before anything is simulated.

    Examples
    --------
    >>> FIGURES["layers"].summary
    'traffic per layer by role and by cause'
    """

    def enter(draw: Draw) -> Draw:
        @wraps(draw)
        def drawn(*drawables: Any, **options: Any) -> Any:
            refuse(verb, {name: options[name] for name in options if name in RUN_OPTIONS})
            if not parts and options.pop("only", None) is not None:
                shown = ", ".join(sorted(name for name, kind in FIGURES.items() if kind.parts))
                message = f"figure {draw.__name__} tells no part of the traffic"
                raise InputError(Problem(message, path="only", hint=f"{shown} do"))
            if common is not None and drawables and len(several := listed(drawables[0])) > 1:
                size = options.pop("size", None) or signature(draw).parameters["size"].default
                return multiples(draw, several, common, size, options)
            return draw(*drawables, **options)

        FIGURES.add(draw.__name__, FigureKind(drawn, summary, verb, published, parts, common))
        return cast("Draw", drawn)

    return enter
