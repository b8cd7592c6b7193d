"""The canvas: makes new figures and panels, and turns drawn figures into files.

No pyplot: a figure is not kept by a global registry, needs no ``close`` and opens no window.
A notebook shows what a figure function returns all the same, since the axes carry the method
that notebooks ask for.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import numpy as np

from memsim.errors import InputError, Problem, did_you_mean
from memsim.files import check_writable, write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from numpy.typing import ArrayLike

    Panels: TypeAlias = np.ndarray[Any, np.dtype[np.object_]]
    """An array of Axes."""

    GivenPanels: TypeAlias = Axes | Sequence[Axes] | Panels
    """Axes to draw into, as many as a figure has panels."""

    Drawn: TypeAlias = Axes | Panels | Figure
    """What a figure function returns, or the whole that it belongs to."""

Shared = bool | Literal["none", "all", "row", "col"]
"""Which panels have a common axis."""

Limits = dict[tuple[int, str], tuple[float, float]]
"""The least and the most of an axis, ``x`` or ``y``, of a panel by its number."""

ENDINGS = {".png": "png", ".svg": "svg", ".pdf": "pdf"}
"""The format that a file's ending stands for."""

DPI = 150
"""Dots per inch where nobody says otherwise."""

_METADATA: dict[str, dict[str, str | None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None},
}
"""Without the time and the version: the same figure is the same file."""


class PanelArray(np.ndarray):
    """An array of Axes that a notebook shows as the picture they are part of."""

    def _repr_png_(self) -> bytes:
        return render(self, "png")


def new_axes(ax: Axes | SubFigure | None, size: tuple[float, float]) -> Axes:
    """The given axes, or those of a new figure of this size in inches, or of a part of one."""
    from matplotlib.figure import SubFigure

    if isinstance(ax, SubFigure):
        return ax.add_subplot()
    if ax is not None:
        return ax
    axes = new_figure(size).add_subplot()
    show_in_notebooks(axes)
    return axes


def new_panels(
    ax: GivenPanels | SubFigure | None,
    shape: tuple[int, int],
    size: tuple[float, float],
    *,
    sharex: Shared = False,
    sharey: Shared = False,
    heights: list[float] | None = None,
    kind: str = "figure",
) -> Panels:
    """The given axes as an array of this shape, or those of a new figure, or of a part of one.

    A shape of one column gives one dimension.

    Raises
    ------
    InputError
        If their number is wrong.
    """
    from matplotlib.figure import SubFigure

    if ax is None or isinstance(ax, SubFigure):
        grid = (ax or new_figure(size)).subplots(
            *shape,
            sharex=sharex,
            sharey=sharey,
            squeeze=False,
            gridspec_kw={"height_ratios": heights} if heights else {},
        )
    else:
        grid = np.asarray(ax, dtype=object)
        if grid.size != shape[0] * shape[1]:
            raise InputError(
                f"{kind} needs {shape[0]} x {shape[1]} axes, not {grid.size}; "
                "without ax it makes its own"
            )
    panels = grid.reshape(shape if shape[1] > 1 else shape[0]).view(PanelArray)
    if ax is None:
        for axes in panels.flat:
            show_in_notebooks(axes)
    return cast("Panels", panels)


def new_figure(size: tuple[float, float]) -> Figure:
    """A figure of this size in inches, with nothing in it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def lay_out(axes: Axes) -> None:
    """Decide where the axes of the whole figure lie, without drawing it."""
    figure = figure_of(axes)
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)


def settle(axes: Axes) -> None:
    """Give axes the limits that the part of a figure that they are in has for them, if it has."""
    limits: Limits = getattr(axes.figure, "limits", {})
    number = axes.figure.axes.index(axes) if limits else 0
    for axis in "xy":
        if (number, axis) in limits:
            getattr(axes, f"set_{axis}lim")(*limits[number, axis])


def rectangles(
    axes: Axes,
    left: ArrayLike,
    right: ArrayLike,
    bottom: ArrayLike,
    top: ArrayLike,
    **look: Any,
) -> None:
    """Draw many rectangles of one look as one artist, which takes a tenth of the time of bars."""
    from matplotlib.collections import PolyCollection

    sides = np.broadcast_arrays(*(np.asarray(side, float) for side in (left, right, bottom, top)))
    west, east, south, north = sides
    corners = np.stack([west, south, west, north, east, north, east, south], axis=-1)
    if len(corners):
        axes.add_collection(PolyCollection(list(corners.reshape(-1, 4, 2)), zorder=1, **look))


def show_in_notebooks(axes: Axes) -> None:
    """Let a notebook show what the axes are part of."""
    axes._repr_png_ = partial(render, axes, "png")  # type: ignore[attr-defined]


def figure_of(axes: Drawn) -> Figure:
    """The figure that axes, an array of axes or a figure belong to."""
    if isinstance(axes, np.ndarray):
        axes = cast("Axes", axes.flat[0])
    return axes.figure.figure  # of a subfigure: the whole


def render(axes: Drawn, format: str, dpi: float = DPI) -> bytes:
    """A figure as the bytes of a file: always the same for the same figure.

    Parameters
    ----------
    axes : Axes, array of Axes or Figure
    format : str
        ``png``, ``svg`` or ``pdf``.
    dpi : float
        Dots per inch of a PNG.
    """
    out = io.BytesIO()
    figure = figure_of(axes)
    if format == "png":
        _draw_once(figure, out, dpi)
        return out.getvalue()
    figure.savefig(out, format=format, dpi=dpi, metadata=_METADATA[format])
    image = out.getvalue()
    return _number_ids(image) if format == "svg" else image


def _draw_once(figure: Figure, out: io.BytesIO, dpi: float) -> None:
    """Write a PNG; ``savefig`` would draw everything twice to lay it out, and drawing does that."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas, before = figure.canvas, figure.dpi
    figure.dpi = dpi
    try:
        FigureCanvasAgg(figure).print_png(out, metadata=_METADATA["png"])  # type: ignore[no-untyped-call]
    finally:
        figure.dpi = before
        figure.set_canvas(canvas)


def _number_ids(svg: bytes) -> bytes:
    """Number the identifiers of an SVG, which matplotlib draws at random."""
    names: dict[bytes, bytes] = {}
    for random in re.findall(rb'\bid="((?:[a-z]|image)[0-9a-f]{10})"', svg):
        names.setdefault(random, b"id%d" % len(names))
    return re.sub(
        rb"(?<=[\"#])(?:[a-z]|image)[0-9a-f]{10}(?=[\")])",
        lambda match: names.get(match.group(), match.group()),
        svg,
    )


def image_format(path: str | os.PathLike[str]) -> str:
    """The format of a figure's file, by its ending.

    Raises
    ------
    InputError
        For another ending.

    Examples
    --------
    >>> image_format("a/curve.SVG")
    'svg'
    >>> image_format("curve.jpg")
    Traceback (most recent call last):
    memsim.errors.InputError: curve.jpg: cannot draw a '.jpg' file (did you mean '.png'?)
    """
    text = os.fspath(path)
    ending = os.path.splitext(text)[1].lower()
    if ending in ENDINGS:
        return ENDINGS[ending]
    problem = f"cannot draw a {ending!r} file" if ending else "has no ending such as .png"
    raise InputError(Problem(problem, hint=did_you_mean(ending, ENDINGS), file=text))


def save(axes: Drawn, path: str | os.PathLike[str], *, dpi: float = DPI) -> None:
    """Write a figure to a file, whole or not at all; its ending tells the format.

    Parameters
    ----------
    axes : Axes, array of Axes or Figure
        What a figure function returns.
    path : str or path
        Ends in ``.png``, ``.svg`` or ``.pdf``.
    dpi : float
        Dots per inch of a PNG.

    Raises
    ------
    InputError
        For another ending, or where the file cannot be written.
    """
    format = image_format(path)
    check_writable(path)
    write_bytes(path, render(axes, format, dpi))
