"""The bandwidth figure: how fast a machine moves bytes, against the footprint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memsim.measurement.probe.bandwidth import LOOPS
from memsim.measurement.probe.probe import Probe
from memsim.plot.canvas import new_axes
from memsim.plot.labels import place
from memsim.plot.style import BLACK, bytes_axis, dress, legend, series, short, si
from memsim.readable import format_rate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

NAMES = {"copy": "copy  a = b", "read": "read  sum(b)", "triad": "triad  a = b + s c"}


def bandwidth(
    probe: Probe, *, ax: Axes | None = None, size: tuple[float, float] = (9.5, 5.0)
) -> Axes:
    """Draw bandwidth against footprint, with the caches as vertical lines.

    Lines are medians, bands reach from the slowest block to the fastest. What of them was read
    off as the bandwidth of a level or of DRAM is labelled.

    Parameters
    ----------
    probe : Probe
    ax : Axes, optional
        Where to draw; a new figure if left out.
    size : (float, float)
        Inches of a new figure.

    Returns
    -------
    Axes
    """
    axes = new_axes(ax, size)
    axes.set_xscale("log")
    axes.set_yscale("log")
    handles: list[Line2D] = []
    points: list[tuple[float, float]] = []
    for number, loop in enumerate(LOOPS):
        blocks = [each for each in probe.bandwidths if each.loop == loop]
        look = series(number)
        footprints = [each.footprint_bytes for each in blocks]
        medians = [each.median for each in blocks]
        handles += axes.plot(
            footprints, medians, color=look.colour, linestyle=look.line, linewidth=1.8,
            marker=look.marker, markersize=3.5, label=NAMES[loop], zorder=4, gid=loop,
        )  # fmt: skip
        axes.fill_between(
            footprints, [each.low for each in blocks], [each.high for each in blocks],
            color=look.colour, alpha=0.14, linewidth=0, zorder=1,
        )  # fmt: skip
        points += list(zip(footprints, medians, strict=True))
    places = [x for x, _ in points]
    axes.set_xlim(min(places) / 1.15, max(places) * 1.15)
    axes.set_ylim(*_limits(probe))
    for level, cache in probe.caches.items():
        axes.axvline(cache, color=BLACK, linewidth=0.9, linestyle=(0, (2, 2)), zorder=1, gid=level)
        axes.text(
            cache, 1.0, f" {level} {si(cache)} ", fontsize=8, rotation=90, va="top", ha="right",
            transform=axes.get_xaxis_transform(), color=BLACK,
        )  # fmt: skip
    bytes_axis(axes.xaxis)
    _rates(axes)
    dress(
        axes, title=_title(probe), grid="both", y="bandwidth",
        x=f"footprint of all arrays, {_threads(probe)}",
    )  # fmt: skip
    legend(axes, handles)
    _label_levels(axes, probe, points)
    return axes


def _limits(probe: Probe) -> tuple[float, float]:
    """From below the slowest median to above the fastest, with room for the caches' names.

    A stray block may leave.
    """
    slow = min(each.median for each in probe.bandwidths) / 2.5
    fast = max(each.median for each in probe.bandwidths)
    return slow, fast * (fast / slow) ** 0.25


def _rates(axes: Axes) -> None:
    """Ticks at 1, 2 and 5 times a power of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda rate, _: short(format_rate(round(rate)))))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _label_levels(axes: Axes, probe: Probe, points: list[tuple[float, float]]) -> None:
    """The read rate of each level, in the middle of the footprints that it is read off from."""
    marks, texts = [], []
    for each in probe.plateaus():
        rate = each.rates["read"]
        marks.append((float(np.sqrt(each.footprints[0] * each.footprints[-1])), rate))
        texts.append(f"{each.level} {short(format_rate(round(rate)))}")
    if marks:
        place(axes, marks, texts, avoid=points)


def _threads(probe: Probe) -> str:
    return f"{probe.threads} thread{'s' if probe.threads > 1 else ''}"


def _title(probe: Probe) -> str:
    name = probe.facts.get("cpu", "this machine")
    levels = {each.level: each.rates["read"] for each in probe.plateaus()}
    if "DRAM" not in levels or len(levels) < 2:
        return f"How fast {name} moves bytes"
    first = next(iter(levels))
    rate, times = short(format_rate(round(levels["DRAM"]))), levels[first] / levels["DRAM"]
    return f"{name} reads {rate} from DRAM, {times:.0f} times as much from {first}"
