"""The paper figure: what predicts the time of a network, and what does not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Unpack

import numpy as np

from memsim.network.graph import Network
from memsim.paper.timing import DEVICE, conditions_of, correlation, timed
from memsim.plot.canvas import new_panels
from memsim.plot.families import FAMILIES, family, family_handles
from memsim.plot.kinds import figure
from memsim.plot.labels import place
from memsim.plot.style import GREY, dress, legend, short, si
from memsim.readable import format_count
from memsim.simulate import Options

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.ticker import MaxNLocator
    from numpy.typing import NDArray

    from memsim.plot.canvas import GivenPanels, Panels


@figure(
    "the HarDNet paper's CIO, traffic and MACs against its times",
    verb="figure of traffic",
    published=True,
)
def paper(
    networks: Iterable[Network | str] | Network | str = (),
    *,
    ax: GivenPanels | None = None,
    size: tuple[float, float] = (13.5, 6.0),
    **options: Unpack[Options],
) -> Panels:
    """Draw the HarDNet paper's Table 4: CIO, DRAM traffic and MACs against published times.

    CIO is as printed, DRAM traffic and MACs are memsim's at the size at which the times were
    taken. Each panel tells Pearson's correlation and has a line of least squares.

    Parameters
    ----------
    networks : iterable of Network or str
        Of the table; all of it if empty.
    ax : sequence of three Axes, optional
        Where to draw; a new figure if left out.
    size : (float, float)
        Inches of a new figure.
    **options
        As for :func:`memsim.run`; ``machine`` is ``gtx1080``, the default, or ``jetson_nano``.

    Returns
    -------
    array of Axes
        CIO; DRAM traffic; MACs. Of shape (1, 3).

    Examples
    --------
    >>> panels = paper(["resnet18", "hardnet68", "vgg16"])
    >>> [axes.get_xlabel() for axes in panels[0]]
    ['CIO as printed, elements', 'DRAM traffic (memsim)', 'MACs']
    """
    rows = timed([networks] if isinstance(networks, str | Network) else list(networks), **options)
    device = conditions_of(options.get("machine") or DEVICE)[1].device
    panels = new_panels(ax, (1, 3), size, sharey=True, kind="paper")
    table = panels.reshape(3)
    names = [row.name for row in rows]
    times = [1e3 * row.measured_s for row in rows]
    columns: list[tuple[str, str, list[float]]] = [
        ("CIO", "CIO as printed, elements", [row.cio_elements for row in rows]),
        ("DRAM traffic", "DRAM traffic (memsim)", [float(r.result.dram_bytes) for r in rows]),
        ("MACs", "MACs", [float(row.result.network.macs) for row in rows]),
    ]
    correlations = {what: correlation(values, times) for what, _, values in columns}
    lines = []
    for axes, (what, label, values) in zip(table, columns, strict=True):
        lines.append(_scatter(axes, values, times, names))
        dress(axes, title=f"{what}: r = {correlations[what]:.2f}", x=label, grid="both")
    for axes in (table[0], table[2]):
        axes.xaxis.set_major_formatter(lambda value, _: short(format_count(value)))
    table[1].xaxis.set_major_formatter(lambda value, _: si(value))
    for axes in table:
        axes.xaxis.set_major_locator(_few())
    table[0].set_ylabel(f"published time, ms ({device})", fontsize=9.5)
    table[0].set_ylim(0, 1.1 * max(times))
    legend(table[2], family_handles(names))
    if ax is None and correlations["DRAM traffic"] > correlations["MACs"]:
        table[0].figure.suptitle(
            "Traffic tells the time of a network better than its MACs do",
            x=0.01, ha="left", fontsize=13, fontweight="bold",
        )  # fmt: skip
    for axes, (_, _, values), line in zip(table, columns, lines, strict=True):
        points = list(zip(values, times, strict=True))
        place(axes, points, names, size=7, avoid=line, laid_out=axes is not table[0])
    return panels


def _few() -> MaxNLocator:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(5)


def _scatter(
    axes: Axes, values: list[float], times: list[float], names: list[str]
) -> NDArray[np.float64] | None:
    """Draw points and their line of least squares; return points along it, None without one."""
    for value, time, name in zip(values, times, names, strict=True):
        look = FAMILIES[family(name)]
        axes.plot(
            [value], [time], linestyle="none", marker=look.marker, color=look.colour, markersize=7,
            markeredgecolor="white", zorder=3, gid=name,
        )  # fmt: skip
    axes.set_xlim(0, 1.15 * max(values))
    if len(values) < 2 or not np.ptp(values):
        return None
    slope, base = np.polyfit(values, times, 1)
    along = np.linspace(0, 1.15 * max(values), 100)
    axes.plot(along, base + slope * along, color=GREY, linewidth=1, linestyle="--", zorder=1)
    return np.stack([along, base + slope * along], axis=1)
