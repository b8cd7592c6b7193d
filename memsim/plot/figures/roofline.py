"""The roofline figure: layers under the machine's roof, and what the cache does for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from memsim.plot.canvas import new_axes
from memsim.plot.drawables import Drawables, result_of, single
from memsim.plot.kinds import figure
from memsim.plot.labels import place
from memsim.plot.style import BLACK, BLUE, GREY, LIGHT, PURPLE, RED, Look, dress, legend, short
from memsim.readable import format_rate
from memsim.results.details.roof import Roof
from memsim.simulate import Options
from memsim.units import PICOSECONDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from memsim.results.layer import LayerResult
    from memsim.results.run import Result

BOUND = {
    "memory": Look(RED, marker="o"),
    "both": Look(PURPLE, marker="D"),
    "compute": Look(BLUE, marker="s"),
    "overhead": Look(GREY, marker="^"),
}
"""How layers look by what their time goes by with."""

AREA = 3000
"""Points squared of a marker that would stand for all of the time."""

SMALLEST = 14

ABOVE_IT = "above the roof: loaded while\nlayers before it computed"

FAR = 1000
"""How far beyond its axes the roof goes on, where they grow to those of another network."""


@figure("layers under the machine's roof, sized by time", common=((0, "x"), (0, "y")))
def roofline(
    network: Drawables,
    *,
    ax: Axes | None = None,
    size: tuple[float, float] = (9.5, 5.8),
    names: int = 5,
    **options: Unpack[Options],
) -> Axes:
    """Draw layers by MACs per element moved, under the roof of bandwidth and compute rate.

    A marker's area is the layer's share of the time. The axis counts MACs per element: a tick
    stands at the layer's MoC, where it would be if exactly its input and output moved; its
    marker stands at what it did move. The line between them is what the cache saved (to the
    right) or what weights and reloads added (to the left).

    Parameters
    ----------
    network : Network, Result, str or path
        Or several: each is drawn by itself, with axes that compare.
    ax : Axes, optional
        Where to draw; a new figure if left out.
    size : (float, float)
        Inches of a new figure.
    names : int
        How many layers are named, the slowest first.
    **options
        As for :func:`memsim.run`.

    Returns
    -------
    Axes

    Examples
    --------
    >>> axes = roofline("resnet18")
    >>> axes.get_xlabel()
    'MACs per element moved (tick: MoC, if only input and output moved)'
    """
    result = result_of(single(network, "roofline"), options)
    axes = new_axes(ax, size)
    roof = Roof.of(result)
    layers = [layer for layer in result.layers if layer.macs and layer.time_ps]
    moved = [roof.intensity(layer) for layer in layers]
    known = [x for x in moved if x is not None] + [layer.moc for layer in layers if layer.moc]
    low, high = min(known, default=1.0) / 2, max(known, default=100.0) * 3
    axes.set_xscale("log")
    axes.set_yscale("log")
    handles = _draw_roof(axes, result, roof, low, high)
    ranked = sorted(zip(layers, moved, strict=True), key=lambda pair: -pair[0].time_ps)
    points = [  # the small ones on top
        _draw_layer(axes, layer, x, high, result.time_ps) for layer, x in ranked
    ]
    _draw_moc(
        axes, [(layer.moc, *at) for (layer, _), at in zip(ranked, points, strict=True) if layer.moc]
    )
    rates = [*(y for _, y in points), roof.peak_macs_per_s]
    axes.set_xlim(low, high)
    axes.set_ylim(min(rates) / 2, max(rates) * 2.2)
    axes.yaxis.set_major_formatter(lambda value, _: short(format_rate(value, "MAC")))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    dress(
        axes, title=_title(result), grid="both",
        x="MACs per element moved (tick: MoC, if only input and output moved)",
        y="MACs per second, stalls included",
    )  # fmt: skip
    above = any(y > 1.02 * x * roof.elements_per_s for x, y in points)
    legend(axes, [*handles, *_handles(result, above)])
    slowest = sorted(layers, key=lambda layer: -layer.time_ps)[:names]
    place(axes, points[:names], [layer.name for layer in slowest], avoid=points or None)
    return axes


def _draw_roof(axes: Axes, result: Result, roof: Roof, low: float, high: float) -> list[Line2D]:
    bandwidth, slope = result.machine.dram_bytes_per_s, roof.elements_per_s
    peak, ridge = roof.peak_macs_per_s, roof.balance
    handles = axes.plot(
        [low / FAR, ridge, high * FAR], [low / FAR * slope, peak, peak],
        color=BLACK, linewidth=2, zorder=3,
        label=f"roof: {format_rate(bandwidth)}, {format_rate(peak, 'MAC')}",
    )  # fmt: skip
    for name, rate in roof.macs_per_s.items():
        if rate < peak:
            handles += axes.plot(
                [rate / slope, high * FAR], [rate, rate], color=BLACK, linewidth=1.2, zorder=3,
                linestyle="--", label=f"{name} {format_rate(rate, 'MAC')}",
            )  # fmt: skip
    axes.axvline(ridge, color=GREY, linewidth=0.9, linestyle=(0, (2, 2)), zorder=1)
    axes.annotate(
        f"balance {ridge:.0f}", (ridge, 0.01), xycoords=("data", "axes fraction"), fontsize=8,
        xytext=(3, 2), textcoords="offset points",
    )  # fmt: skip
    return handles


def _draw_layer(
    axes: Axes, layer: LayerResult, x: float | None, edge: float, whole: int
) -> tuple[float, float]:
    look = BOUND[layer.bound]
    y = layer.macs / layer.time_ps * PICOSECONDS
    at = edge / 1.25 if x is None else x
    axes.scatter(
        [at], [y], s=max(AREA * layer.time_ps / whole, SMALLEST), color=look.colour, alpha=0.75,
        marker=look.marker if x is not None else ">", edgecolor="white", linewidth=0.6, zorder=4,
        gid=layer.name,
    )  # fmt: skip
    return at, y


def _draw_moc(axes: Axes, lines: list[tuple[float, float, float]]) -> None:
    """Draw lines from MoC to where layers are, and the ticks they begin with: one artist each."""
    from matplotlib.collections import LineCollection

    axes.add_collection(
        LineCollection(
            [[(moc, y), (x, y)] for moc, x, y in lines], colors=LIGHT, linewidths=1, zorder=1.5
        )
    )  # fmt: skip
    axes.plot(
        [moc for moc, _, _ in lines], [y for _, _, y in lines], linestyle="none", marker="|",
        markersize=5, color=GREY, zorder=1.6,
    )  # fmt: skip


def _handles(result: Result, above: bool) -> list[Line2D]:
    from matplotlib.lines import Line2D

    handles = [
        Line2D(
            [], [], linestyle="none", marker=look.marker, color=look.colour, markersize=7,
            label=f"bound by {name}",
        )
        for name, look in BOUND.items()
        if any(layer.bound == name for layer in result.layers if layer.macs and layer.time_ps)
    ]  # fmt: skip
    edge = Line2D([], [], linestyle="none", marker=">", color=GREY, label="moves nothing")
    tick = Line2D([], [], color=LIGHT, marker="|", markeredgecolor=GREY, label="from MoC to moved")
    rest = sum(layer.time_ps for layer in result.layers if not layer.macs)
    note = f"area: share of the time\n({rest / result.time_ps:.0%} is in layers without MACs)"
    notes = [note, ABOVE_IT] if above else [note]
    handles += [tick, *(Line2D([], [], linestyle="none", label=each) for each in notes)]
    if any(layer.macs and not layer.dram_bytes for layer in result.layers):
        handles.insert(-1 - len(notes), edge)
    return handles


def _title(result: Result) -> str:
    bound = sum(layer.time_ps for layer in result.layers if layer.bound in ("memory", "both"))
    share = bound / result.time_ps if result.time_ps else 0.0
    name = result.network.name
    return (
        f"{name} on {result.machine.name}: {share:.0%} of the time in layers that wait for memory"
    )
