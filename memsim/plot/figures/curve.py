"""The curve figure: DRAM traffic against cache size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import numpy as np

from memsim.plot.canvas import new_axes
from memsim.plot.drawables import Drawables, curve_of, some
from memsim.plot.kinds import figure
from memsim.plot.labels import place
from memsim.plot.style import BLACK, GREY, Look, bytes_axis, dress, legend, series, si
from memsim.program.parts import Part
from memsim.results.curve import CurveResult
from memsim.simulate import Options
from memsim.simulate.verbs import bounds_all_of_it

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.collections import FillBetweenPolyCollection
    from matplotlib.lines import Line2D
    from numpy.typing import NDArray

    Points = NDArray[np.float64]

SMALLEST = 10_000
"""Bytes at which the axis begins: a cache below one block saves nothing."""

MOST_PARTED = 3
"""Networks up to which feature maps have lines of their own: more could not be told apart."""

BAND = 16
"""Sizes at which belady's traffic is found for the band: each is a pass of its own."""


@figure("traffic against cache size", verb="figure of traffic", parts=True)
def curve(
    networks: Drawables,
    *,
    ax: Axes | None = None,
    size: tuple[float, float] = (9.5, 5.0),
    knees: int | None = None,
    belady: bool = True,
    only: str | None = None,
    bound: bool = False,
    **options: Unpack[Options],
) -> Axes:
    """Draw DRAM traffic against cache size: exact step functions, one per network.

    Dashed lines are compulsory traffic; the largest drops are labelled with the size that they
    need and the bytes that they save. Of up to three networks thin lines show what of the traffic
    is feature maps, and dotted ones CIO in bytes, which estimates these. Under schedule
    ``depth_first`` with groups ``auto`` the line is what a compiler could reach: the least, at each
    size, of all groupings that are tried, beside a dashed one of layer by layer.

    Parameters
    ----------
    networks : Network, Result, CurveResult, str or path, or an iterable of them
    ax : Axes, optional
        Where to draw; a new figure if left out.
    size : (float, float)
        Inches of a new figure.
    knees : int, optional
        Drops to label per network; 3 of one network, 2 of two, else 1 of each.
    belady : bool
        Show the band down to policy ``belady``, where the cache knows lifetimes; not of groups
        ``auto``, whose curve is the least of many programs'.
    only : str, optional
        ``feature-maps`` or ``weights``: the traffic of these alone.
    bound : bool
        Show what no program of a network goes below, whatever its order of operations; traffic
        then has a logarithmic axis, from there on, and feature maps have no lines of their own.
    **options
        As for :func:`memsim.run`. The machine's cache is marked.

    Returns
    -------
    Axes

    Examples
    --------
    >>> axes = curve(["resnet18", "mobilenetv2"])
    >>> print(axes.get_title(loc="left"))
    The cache that moves no byte twice: resnet18 3.21 MB, mobilenetv2 4.82 MB
    """
    bounds_all_of_it(bound, only)
    results = [curve_of(each, options, only) for each in some(networks, "curve")]
    for result in results:
        bounds_all_of_it(bound, result.only)
    axes = new_axes(ax, size)
    right = 1.6 * max(int(result.steps.cache_bytes[-1]) for result in results)
    top = max(
        each.dram_bytes(SMALLEST) for result in results for each in result.envelope.curves.values()
        if not result.grouped or each is result.curve
    )  # fmt: skip
    parted = len(results) <= MOST_PARTED and results[0].only is not Part.WEIGHTS
    if len(results) > 1 and any(result.grouped for result in results):
        parted = False  # each has a line of layer by layer already
    parted = parted and not bound
    cio = max(result.cio_bytes for result in results) if parted else 0
    axes.set_xscale("log")
    axes.set_xlim(SMALLEST, max(right, 10 * SMALLEST))
    axes.set_ylim(0, 1.08 * max(top, cio))
    if bound:
        axes.set_yscale("log")
        axes.set_ylim(0.8 * min(result.compulsory_bytes for result in results), 1.3 * top)
    handles: list[Artist] = []
    covered = []
    for number, result in enumerate(results):
        look = series(number, result.program.network.name)
        handles += _one(axes, result, look)
        if bound:
            handles += _any_program(axes, result, look)
        if result.grouped:
            handles += _layer_by_layer(axes, result, look)
        if parted:
            handles += _maps(axes, result, look)
        if belady and not result.grouped:
            handles += _belady_band(axes, result, look)
        covered.append(_outline(result, axes.get_xlim()))
    machine = {result.machine.cache_bytes for result in results}
    for capacity in machine:
        axes.axvline(capacity, color=BLACK, linewidth=0.9, linestyle=(0, (2, 2)), zorder=1)
        axes.text(
            capacity, 1.0, f" cache {si(capacity)} ", fontsize=8, rotation=90, va="top", ha="right",
            transform=axes.get_xaxis_transform(), color=BLACK,
        )  # fmt: skip
    bytes_axis(axes.xaxis)
    bytes_axis(axes.yaxis)
    what = "" if results[0].only is None else f" of {results[0].only.words}"
    y = f"DRAM traffic{what} per inference"
    dress(axes, title=_title(results), x="cache size", y=y, grid="both")
    legend(axes, handles)
    most = max(1, 4 - len(results)) if knees is None else knees
    _label_knees(axes, results, most, np.concatenate(covered))
    return axes


def _one(axes: Axes, result: CurveResult, look: Look) -> list[Line2D]:
    """Draw a network's step function and its compulsory traffic."""
    steps, end = result.steps, axes.get_xlim()[1]
    compulsory = result.compulsory_bytes
    sizes = np.concatenate([steps.cache_bytes, [end]])
    moved = np.concatenate([steps.dram_bytes, steps.dram_bytes[-1:]])
    (line,) = axes.step(
        sizes, moved, where="post", color=look.colour, linestyle=look.line, linewidth=2,
        label=result.program.network.name, zorder=4,
    )  # fmt: skip
    floor = axes.axhline(
        compulsory, color=look.colour, linewidth=1, linestyle=(0, (6, 3)), zorder=2,
        label=f"   compulsory {si(compulsory)}",
    )  # fmt: skip
    return [line, floor]


def _any_program(axes: Axes, result: CurveResult, look: Look) -> list[FillBetweenPolyCollection]:
    """Shade what no program goes below."""
    from matplotlib.colors import to_rgb

    sizes, moved = zip(*result.any_program.steps, strict=True)
    end = axes.get_xlim()[1]
    return [
        axes.fill_between(
            [*sizes, max(end, sizes[-1] + 1)], [*moved, moved[-1]], step="post",
            facecolor=(*to_rgb(GREY), 0.35), edgecolor=look.colour, linewidth=1.2,
            zorder=1.5, label="   no program goes here", gid="any program",
        )
    ]  # fmt: skip


def _layer_by_layer(axes: Axes, result: CurveResult, look: Look) -> list[Line2D]:
    """Draw beside the least of all groupings what moves without groups."""
    steps = result.apart.steps
    sizes = np.concatenate([steps.cache_bytes, [axes.get_xlim()[1]]])
    moved = np.concatenate([steps.dram_bytes, steps.dram_bytes[-1:]])
    return axes.step(
        sizes, moved, where="post", color=look.colour, linestyle=(0, (3, 1.5)), linewidth=1.3,
        label="   layer by layer", zorder=3, gid="layer by layer",
    )  # fmt: skip


def _maps(axes: Axes, result: CurveResult, look: Look) -> list[Line2D]:
    """Draw what of a network's traffic is feature maps, unless that is all, and their CIO."""
    handles, steps = [], result.steps
    if result.only is None:
        sizes = np.concatenate([steps.cache_bytes, [axes.get_xlim()[1]]])
        maps = np.concatenate([steps.map_bytes, steps.map_bytes[-1:]])
        handles += axes.step(
            sizes, maps, where="post", color=look.colour, linestyle=look.line, linewidth=0.9,
            label="   of it feature maps", zorder=3, gid="feature maps",
        )  # fmt: skip
    dots = axes.axhline(
        result.cio_bytes, color=look.colour, linewidth=1.3, linestyle=(0, (1, 2)), zorder=2,
        label=f"   CIO {si(result.cio_bytes)}",
    )  # fmt: skip
    return [*handles, dots]


def _belady_band(axes: Axes, result: CurveResult, look: Look) -> list[FillBetweenPolyCollection]:
    """The band between LRU and belady; none where the cache knows no lifetimes."""
    last = int(result.steps.cache_bytes[-1])
    places = np.geomspace(SMALLEST, max(last, 2 * SMALLEST), BAND).astype(np.int64)
    sizes = np.unique(places).tolist()
    least = result.belady_bytes(sizes)
    if least is None:
        return []
    most = [result.dram_bytes(size) for size in sizes]
    return [
        axes.fill_between(
            sizes, least, most, color=look.colour, alpha=0.18, linewidth=0, zorder=1,
            label="   down to belady",
        )
    ]  # fmt: skip


def _outline(result: CurveResult, limits: tuple[float, float]) -> Points:
    """Points along a network's lines, which labels should not cover."""
    sizes = np.geomspace(*limits, 150)
    index = np.searchsorted(result.steps.cache_bytes, sizes, side="right") - 1
    heights = [result.steps.dram_bytes[index]]
    heights += [np.full(len(sizes), result.compulsory_bytes)]
    heights += [result.steps.map_bytes[index], np.full(len(sizes), result.cio_bytes)]
    return np.concatenate([np.stack([sizes, height], axis=1) for height in heights])


def _label_knees(axes: Axes, results: list[CurveResult], most: int, covered: Points) -> None:
    points, texts, colours = [], [], []
    for number, result in enumerate(results):
        look = series(number, result.program.network.name)
        knees = sorted(result.knees(max(most, 1)), key=lambda knee: -knee.saved_bytes)
        for knee in knees[:most]:
            points.append((float(knee.cache_bytes), float(knee.dram_bytes)))
            texts.append(f"{si(knee.cache_bytes)} saves {si(knee.saved_bytes)}")
            colours.append(look.colour)
            axes.plot(
                *points[-1], marker=look.marker, markersize=6, color=look.colour,
                markeredgecolor="white", linestyle="none", zorder=5, gid="knee",
            )  # fmt: skip
    if points:
        place(axes, points, texts, colours=colours, avoid=covered)


def _title(results: list[CurveResult]) -> str:
    names = [result.program.network.name for result in results]
    enough = [result.smallest(result.compulsory_bytes) for result in results]
    if any(result.grouped for result in results):
        return f"What a compiler could reach by fusing layers: {', '.join(names)}"
    each = [f"{name} {si(size)}" for name, size in zip(names, enough, strict=True) if size]
    if len(each) < len(results) or len(results) > 3:
        return "How much cache saves how much DRAM traffic"
    if len(results) == 1:
        return f"{names[0]} moves no byte twice from a cache of {si(enough[0] or 0)}"
    return f"The cache that moves no byte twice: {', '.join(each)}"
