"""The latency figure: predicted against measured times."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Unpack

import numpy as np

from memsim.errors import InputError
from memsim.network.graph import Network
from memsim.paper.timing import DEVICE, conditions_of, timed
from memsim.plot.canvas import new_axes
from memsim.plot.families import FAMILIES, family, family_handles
from memsim.plot.kinds import figure
from memsim.plot.labels import place
from memsim.plot.style import BLACK, LIGHT, dress, legend
from memsim.readable import format_time
from memsim.simulate import Options
from memsim.units import PICOSECONDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

Time = tuple[str, float, float]
"""A name, a predicted and a measured time in seconds."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A time as predicted and as measured, in seconds."""

    name: str
    predicted_s: float
    measured_s: float

    @property
    def error(self) -> float:
        """``predicted / measured - 1``.

        Examples
        --------
        >>> round(Pair("resnet18", 0.9, 1.0).error, 3)
        -0.1
        """
        return self.predicted_s / self.measured_s - 1


@figure("predicted against the HarDNet paper's published times", published=True)
def latency(
    pairs: Iterable[Pair | Time | Network | str] | Network | str = (),
    *,
    ax: Axes | None = None,
    size: tuple[float, float] = (8.0, 6.0),
    band: float = 0.25,
    **options: Unpack[Options],
) -> Axes:
    """Draw predicted against measured times, with a band of relative error.

    Parameters
    ----------
    pairs : iterable of Pair or of (name, predicted_s, measured_s); or of Network, str or path
        Networks stand for the published times of the HarDNet paper's Table 4 and memsim's
        predictions under the same conditions; all of that table if empty. The presets of these
        devices were fitted to these times, as the axis says: the errors are in sample.
    ax : Axes, optional
        Where to draw; a new figure if left out.
    size : (float, float)
        Inches of a new figure.
    band : float
        The relative error that is shaded.
    **options
        For networks, as for :func:`memsim.run`; ``machine`` is ``gtx1080``, the default, or
        ``jetson_nano``.

    Returns
    -------
    Axes

    Examples
    --------
    >>> axes = latency([Pair("a", 0.010, 0.011), Pair("b", 0.030, 0.020)])
    >>> print(axes.get_title(loc="left"))
    1 of 2 times within 25% of the measured;
    median error 30%
    """
    if isinstance(pairs, str | Network):
        pairs = [pairs]
    points, measured = _points(list(pairs), options)
    axes = new_axes(ax, size)
    values = [value for pair in points for value in (pair.predicted_s, pair.measured_s)]
    low, high = min(values) / 1.5, max(values) * 1.5
    line = np.array([low, high])
    shade = axes.fill_between(
        line, line * (1 - band), line * (1 + band), color=LIGHT, alpha=0.7, linewidth=0, zorder=0,
        label=f"within {band:.0%}",
    )  # fmt: skip
    (equal,) = axes.plot(line, line, color=BLACK, linewidth=1, zorder=1, label="equal")
    for pair in points:
        look = FAMILIES[family(pair.name)]
        axes.plot(
            [pair.measured_s], [pair.predicted_s], linestyle="none", marker=look.marker,
            color=look.colour, markersize=7, markeredgecolor="white", zorder=3, gid=pair.name,
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.set_aspect("equal")
    for axis in (axes.xaxis, axes.yaxis):
        _time_axis(axis, low, high)
    dress(axes, title=_title(points, band), x=measured, y="predicted by memsim", grid="both")
    legend(axes, [equal, shade, *family_handles([pair.name for pair in points])])
    place(
        axes, [(pair.measured_s, pair.predicted_s) for pair in points],
        [pair.name for pair in points], avoid=np.stack([np.geomspace(low, high, 80)] * 2, axis=1),
    )  # fmt: skip
    return axes


def _points(
    drawables: list[Pair | Time | Network | str], options: Options
) -> tuple[list[Pair], str]:
    """What is drawn, and what its measured times are."""
    pairs = [each if isinstance(each, Pair) else Pair(*each)
             for each in drawables if isinstance(each, Pair | tuple)]  # fmt: skip
    networks = [each for each in drawables if not isinstance(each, Pair | tuple)]
    if pairs and (networks or options):
        raise InputError("figure latency takes pairs, or networks with options, not both")
    if not pairs:
        device = conditions_of(options.get("machine") or DEVICE)[1].device
        rows = timed(networks, **options)
        pairs = [Pair(row.name, row.result.time_s, row.measured_s) for row in rows]
        return pairs, f"published ({device}); the preset's rates were fitted to these times"
    if any(min(pair.predicted_s, pair.measured_s) <= 0 for pair in pairs):
        raise InputError("figure latency needs times greater than zero")
    return pairs, "measured"


def _time_axis(axis: Axis, low: float, high: float) -> None:
    """Ticks at 1, 2 and 5 times powers of ten, with units."""
    from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    ticks = [step * 10.0**power for power in powers for step in (1, 2, 5)]
    axis.set_major_locator(FixedLocator([t for t in ticks if low <= t <= high]))
    axis.set_major_formatter(lambda value, _: _short(value))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def _short(seconds: float) -> str:
    number, unit = format_time(round(seconds * PICOSECONDS)).split(" ")
    return f"{float(number):g} {unit}"


def _title(pairs: list[Pair], band: float) -> str:
    errors = [abs(pair.error) for pair in pairs]
    near = sum(error <= band for error in errors)
    return (
        f"{near} of {len(pairs)} times within {band:.0%} of the measured; "
        f"median error {float(np.median(errors)):.0%}"
    )
