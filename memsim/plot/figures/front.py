"""The front figure: the machines of a design, none beaten by another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsim.errors import InputError, Problem
from memsim.plot.canvas import new_axes
from memsim.plot.style import dress, legend, series, short, si
from memsim.readable import format_rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.lines import Line2D

    from memsim.results.inverse.design import Design, DesignPoint

NAMES = {"sram": "SRAM: cache and buffers", "bandwidth": "DRAM bandwidth", "macs": "MAC rate"}


def front(
    design: Design, *, ax: Axes | None = None, size: tuple[float, float] = (8.5, 5.0)
) -> Axes:
    """Draw a front over two of its numbers; of three, a line for each value of the third.

    A staircase: a machine on it or above and to the right of it keeps to the goal.

    Parameters
    ----------
    design : Design
        Of two or three minimised numbers.
    ax : Axes, optional
        Where to draw; a new figure if left out.
    size : (float, float)
        Inches of a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        For a single number, of which there is one machine.
    """
    from memsim.results.sheets.smallest import goal_text

    check_front(design.minimised)
    across, up = design.minimised[:2]
    axes = new_axes(ax, size)
    axes.set_xscale("log")
    axes.set_yscale("log")
    lines: dict[str, list[DesignPoint]] = {}
    for point in design.points:
        lines.setdefault(_third(design, point), []).append(point)
    handles: list[Line2D] = []
    for number, (name, points) in enumerate(lines.items()):
        look = series(number)
        points = sorted(points, key=lambda each: _value(each, across))
        handles += axes.plot(
            [_value(each, across) for each in points], [_value(each, up) for each in points],
            color=look.colour, linestyle=look.line, linewidth=1.6, drawstyle="steps-post",
            label=name, gid=name or "front", marker="o" if len(points) == 1 else "",
        )  # fmt: skip
    for axis, name in ((axes.xaxis, across), (axes.yaxis, up)):
        _ticks(axis, name)
    how = ", each alone" if design.each else ", one after the other"
    nets = ", ".join(design.networks) + (how if len(design.networks) > 1 else "")
    dress(
        axes, title=f"Enough for {goal_text(design.goal)}: {nets}", grid="both",
        x=NAMES[across], y=NAMES[up],
    )  # fmt: skip
    if len(lines) > 1:
        legend(axes, handles, title=NAMES[design.minimised[2]])
    return axes


def check_front(minimised: Sequence[str]) -> None:
    """Refuse the figure of a single number.

    Raises
    ------
    InputError
    """
    if len(minimised) < 2:
        message = "a front of one number is one machine, and no figure"
        raise InputError(Problem(message, path="minimise", hint="name two of sram,bandwidth,macs"))


def _value(point: DesignPoint, name: str) -> float:
    if name == "sram":
        return float(point.sram_bytes)
    return float(point.bandwidth if name == "bandwidth" else point.mac_rate)


def _third(design: Design, point: DesignPoint) -> str:
    """Which line of the figure a machine is on."""
    if len(design.minimised) < 3:
        return ""
    return short(format_rate(round(point.mac_rate), "MAC"))


def _ticks(axis: Axis, name: str) -> None:
    """Ticks at 1, 2 and 5 times a power of ten; where these are few, at more."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axis.get_view_interval()
    near = high < 20 * low
    axis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 4, 5, 7) if near else (1, 2, 5)))

    def told(value: float, _: object) -> str:
        if name == "sram":
            return si(value)
        return short(format_rate(round(value), "MAC" if name == "macs" else "B"))

    axis.set_major_formatter(FuncFormatter(told))
    axis.set_minor_formatter(NullFormatter())
