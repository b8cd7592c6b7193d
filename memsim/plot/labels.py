"""Labels beside points, placed so that they cover neither one another nor the points."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import cos, radians, sin
from typing import TYPE_CHECKING

import numpy as np

from memsim.plot.canvas import lay_out, settle
from memsim.plot.style import BLACK, GREY, NOTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox
    from numpy.typing import NDArray

    Points = NDArray[np.float64]

Box = tuple[float, float, float, float]
"""Left, low, right, high; in pixels."""

DISTANCES = (7, 14, 24, 36, 52, 70)
"""Points between a mark and its label, the nearest first."""

ANGLES = (35, 0, 145, 180, 325, 215, 90, 270)
"""Degrees: where around its mark a label is tried, the best first."""


def place(
    axes: Axes,
    points: Sequence[tuple[float, float]],
    texts: Sequence[str],
    *,
    colours: Sequence[str] | None = None,
    avoid: Points | Sequence[tuple[float, float]] | None = None,
    size: float = NOTE,
    laid_out: bool = False,
) -> list[Annotation]:
    """Label points, the first ones first; each goes where it covers least.

    Parameters
    ----------
    axes : Axes
        With its final limits, or in a part of a figure that has them.
    points : sequence of (x, y)
        In data coordinates.
    texts : sequence of str
    colours : sequence of str, optional
        Of the texts.
    avoid : array of shape (n, 2), optional
        More points that should not be covered, such as a line's.
    size : float
        Font size.
    laid_out : bool
        Whether the figure's layout is known and holds: labels do not change it.

    Returns
    -------
    list of Annotation
    """
    from matplotlib.patheffects import withStroke

    if not texts:
        return []
    settle(axes)
    if not laid_out:
        lay_out(axes)  # it decides where data lie in pixels
    scale = axes.figure.figure.dpi / 72  # of a subfigure: the whole
    frame = axes.get_window_extent()
    marks = axes.transData.transform(np.array(points, float).reshape(-1, 2))
    lines = np.zeros((0, 2))
    if avoid is not None and len(avoid):
        lines = axes.transData.transform(np.asarray(avoid, float))
    taken: list[Box] = []
    made = []
    for number, (point, text) in enumerate(zip(points, texts, strict=True)):
        label = axes.annotate(
            text,
            point,
            xytext=(0, 0),
            textcoords="offset points",
            fontsize=size,
            color=colours[number] if colours else BLACK,
            ha="center",
            va="center",
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkB": 3},
            zorder=6,
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )
        label.set_in_layout(False)
        box = _text_size(label)
        best, where = None, (0.0, 0.0)
        for rank, (distance, angle) in enumerate(product(DISTANCES, ANGLES)):
            dx = cos(radians(angle)) * (distance * scale + box[0] / 2)
            dy = sin(radians(angle)) * (distance * scale + box[1] / 2)
            x, y = marks[number][0] + dx, marks[number][1] + dy
            spot = (x - box[0] / 2, y - box[1] / 2, x + box[0] / 2, y + box[1] / 2)
            cost = rank * 0.1 + _covers(spot, marks, lines, taken, frame)
            if best is None or cost < best:
                best, where, chosen = cost, (dx / scale, dy / scale), spot
        label.set_position(where)
        if max(abs(where[0]) - box[0] / scale / 2, abs(where[1]) - box[1] / scale / 2) < 12:
            label.arrow_patch.set_visible(False)  # type: ignore[union-attr]
        taken.append(chosen)
        made.append(label)
    return made


def _text_size(label: Annotation) -> tuple[float, float]:
    """Pixels of the text alone: an annotation's extent includes its arrow."""
    from matplotlib.text import Text

    box = Text.get_window_extent(label)
    return float(box.width) + 2, float(box.height) + 2


def _covers(
    spot: Box,
    marks: Points,
    lines: Points,
    taken: list[Box],
    frame: Bbox,
) -> float:
    """The cost of a place for a label: what it covers, and whether it leaves the axes.

    ``taken`` are the labels that are placed already, ``marks`` what is labelled, ``lines`` other
    points to avoid, ``frame`` the axes; all in pixels.
    """
    left, low, right, high = spot
    cost = 0.0
    for a, b, c, d in taken:
        if left < c and a < right and low < d and b < high:
            cost += 50
    for points, price in ((marks, 12.0), (lines, 3.0)):
        inside = (points[:, 0] > left - 5) & (points[:, 0] < right + 5)
        inside &= (points[:, 1] > low - 5) & (points[:, 1] < high + 5)
        cost += price * min(int(inside.sum()), 10)
    if left < frame.x0 or right > frame.x1 or low < frame.y0 or high > frame.y1:
        cost += 100
    return cost


def beside(
    axes: Axes,
    heights: Sequence[float],
    texts: Sequence[str],
    colours: Sequence[str],
    *,
    inside: bool = False,
    size: float = NOTE,
) -> list[Annotation]:
    """Write texts beside the ends of lines: to the right of the axes, or just inside on the left.

    They keep the order of the lines, and move up or down as little as they must so that none
    covers another; a thin line then leads to each that has moved.

    Parameters
    ----------
    axes : Axes
        With its final limits.
    heights : sequence of float
        Where the lines end, in data coordinates.
    texts, colours : sequence of str
    inside : bool
        On the left, above the beginning of the lines.
    size : float
        Font size.
    """
    from matplotlib.patheffects import withStroke

    settle(axes)
    lay_out(axes)
    scale = axes.figure.figure.dpi / 72
    frame = axes.get_window_extent()
    ends = axes.transData.transform([(axes.get_xlim()[1], height) for height in heights])[:, 1]
    line = 1.35 * size
    wanted = (ends - frame.y0) / scale + (line / 2 if inside else 0.0)
    places = spread(wanted.tolist(), line, 0.0, frame.height / scale)
    made = []
    for height, end, place_, text, colour in zip(
        heights, wanted.tolist(), places, texts, colours, strict=True
    ):
        moved = place_ - end
        label = axes.annotate(
            text,
            (0.0 if inside else 1.0, height),
            xycoords=("axes fraction", "data"),
            xytext=(14 if inside else 10, moved + (line / 2 if inside else 0.0)),
            textcoords="offset points",
            fontsize=size,
            color=colour,
            fontweight="bold",
            ha="left",
            va="center",
            zorder=6,
            annotation_clip=False,
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
            arrowprops={
                "arrowstyle": "-", "color": colour, "linewidth": 0.6, "relpos": (0, 0.5),
                "shrinkA": 0, "shrinkB": 0,
            },
        )  # fmt: skip
        label.arrow_patch.set_visible(abs(moved) > 1)  # type: ignore[union-attr]
        made.append(label)
    return made


def spread(wanted: Sequence[float], apart: float, low: float, high: float) -> list[float]:
    """Places at least so far apart, in the order of those wanted and as near to them as can be.

    Neighbours that are too close become one group, which lies where its members want to on
    average; they stay between ``low`` and ``high`` where there is room.

    Examples
    --------
    >>> spread([5.0, 50.0, 52.0], 10.0, 0.0, 100.0)
    [5.0, 46.0, 56.0]
    >>> spread([1.0, 0.0], 10.0, 0.0, 100.0)
    [10.0, 0.0]
    """
    order = sorted(range(len(wanted)), key=lambda number: wanted[number])
    groups: list[tuple[float, int]] = []  # where the lowest of a group wants to be, how many
    for number in order:
        base, count = wanted[number], 1
        base = min(max(base, low), max(high, low))
        while groups and base < groups[-1][0] + apart * groups[-1][1]:
            below, members = groups.pop()
            # Where the lowest lies if all members are as near to their wishes as can be.
            base = (below * members + (base - apart * members) * count) / (members + count)
            count += members
            base = max(low, min(base, high - apart * (count - 1)))
        groups.append((base, count))
    places = [0.0] * len(wanted)
    lie = (base + apart * rank for base, count in groups for rank in range(count))
    for number, place_ in zip(order, lie, strict=True):
        places[number] = place_
    return places
