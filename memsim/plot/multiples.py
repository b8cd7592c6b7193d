"""Small multiples: a figure of one network, drawn once for each of several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from memsim.errors import InputError, Problem
from memsim.plot.canvas import Limits, PanelArray, new_figure, settle, show_in_notebooks
from memsim.plot.drawables import result_of
from memsim.simulate.options import RUN_OPTIONS

if TYPE_CHECKING:
    from memsim.plot.canvas import Panels

Common = tuple[tuple[int, Literal["x", "y"]], ...]
"""Panels of the figure of one network, by number, and the axis that all networks share there."""

SMALLER = 0.9
"""Of a figure by itself, where two stand side by side."""

MOST = 8
"""How many times larger an axis may be than another of which it takes the limits: beyond that
nothing could be seen of the small one, and each has its own."""


def multiples(
    draw: Callable[..., Any],
    networks: Sequence[Any],
    common: Common,
    size: tuple[float, float],
    options: dict[str, Any],
) -> Panels:
    """Draw a figure for each network, with the same limits where these say the same.

    Parameters
    ----------
    draw : callable
        (network, *, ax, size, **options) -> Axes or array of Axes; of one network.
    networks : sequence
        At least two.
    common : tuple
        Which axes have the same limits in all of them.
    size : (float, float)
        Inches of one.
    options : dict
        What ``draw`` is told besides.

    Returns
    -------
    array of Axes
        A row for each network: its panels.

    Raises
    ------
    InputError
        If axes are given, which are those of one network.
    """
    if options.pop("ax", None) is not None:
        message = f"are those of one network, and these are {len(networks)}"
        raise InputError(Problem(message, path="ax", hint="leave it out"))
    told = {name: options.pop(name) for name in list(options) if name in RUN_OPTIONS}
    results = [result_of(each, told, options.get("only")) for each in networks]  # type: ignore[arg-type]
    options.pop("only", None)
    plain = {**options, "names": 0} if "names" in signature(draw).parameters else options
    alone = _drawn(draw, results, size, plain, {})
    limits: Limits = {}
    for panel, axis in common:
        own = [getattr(each[panel], f"get_{axis}lim")() for each in alone]
        logarithmic = getattr(alone[0][panel], f"get_{axis}scale")() == "log"
        if logarithmic or max(high for _, high in own) <= MOST * min(high for _, high in own):
            limits[panel, axis] = min(map(min, own)), max(map(max, own))
    drawn = _drawn(draw, results, size, options, limits)
    panels: Any = np.array(drawn, dtype=object).view(PanelArray)
    for each in panels.flat:
        show_in_notebooks(each)
    return cast("Panels", panels)


def _drawn(
    draw: Callable[..., Any],
    results: Sequence[Any],
    size: tuple[float, float],
    options: dict[str, Any],
    limits: Limits,
) -> list[Any]:
    """The panels of each result, all in one new figure."""
    columns = 1 if len(results) == 2 else 2
    rows = -(-len(results) // columns)
    scale = 1.0 if columns == 1 else SMALLER
    figure = new_figure((size[0] * columns * scale, size[1] * rows * scale))
    parts = figure.subfigures(rows, columns, squeeze=False).flat
    drawn = []
    for result, part in zip(results, parts, strict=False):
        part.limits = limits  # for labels, which are placed between final limits
        panels = np.atleast_1d(np.asarray(draw(result, ax=part, size=size, **options), object))
        for axes in panels:
            settle(axes)
        drawn.append(panels)
    return drawn
