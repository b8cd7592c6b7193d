"""The curve figure: DRAM traffic against cache size."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Unpack

import numpy as np

from memsim.plot.canvas import new_axes
from memsim.plot.drawables import Drawables, curve_of, some
from memsim.plot.kinds import figure
from memsim.plot.labels import beside, place
from memsim.plot.multiples import MOST
from memsim.plot.style import (
    ABOVE,
    BLACK,
    GREY,
    ROOM,
    Look,
    bytes_axis,
    dress,
    legend,
    series,
    si,
)
from memsim.program.parts import Part
from memsim.simulate import Options
from memsim.simulate.verbs import bounds_all_of_it

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.collections import FillBetweenPolyCollection
    from matplotlib.lines import Line2D
    from numpy.typing import NDArray

    from memsim.results.curve import CurveResult

    Points = NDArray[np.float64]

SMALLEST = 10_000
"""Bytes at which the axis begins: a cache below one block saves nothing."""

MOST_PARTED = 3
"""Networks up to which feature maps have lines of their own: more could not be told apart."""

FINE = 2000
"""Parts of the axis of traffic: where a band has very many steps, those below one are left out;
the line of LRU is ten times as wide."""

MANY_STEPS = 20_000


@figure("traffic against cache size", verb="figure of traffic", parts=True)
def curve(
    networks: Drawables,
    *,
    ax: Axes | None = None,
    size: tuple[float, float] = (9.5, 5.0),
    knees: int | None = None,
    belady: bool = True,
    only: str | None = None,
    normalise: bool = False,
    log: bool | None = None,
    bound: bool = False,
    **options: Unpack[Options],
) -> Axes:
    """Draw DRAM traffic against cache size: exact step functions, one per network.

    Dashed lines are compulsory traffic; the largest drops are labelled with the size that they
    need and the bytes that they save. Of up to three networks thin lines show what of the traffic
    is feature maps, and dotted ones CIO in bytes, which estimates these. Under schedule
    ``depth_first`` with groups ``auto`` the line is what a compiler could reach: the least, at each
    size, of all groupings that are tried, beside a dashed one of layer by layer. Lines of more than
    three networks have their names beside them, and compulsory traffic where they end.

    Parameters
    ----------
    networks : Network, Result, CurveResult, str or path, or an iterable of them
    ax : Axes, optional
        Where to draw; a new figure if left out.
    size : (float, float)
        Inches of a new figure.
    knees : int, optional
        Drops to label per network; 3 of one network, 2 of two, 1 of each of three, none of more.
    belady : bool
        Show the band down to policy ``belady``, where the cache knows lifetimes; not of groups
        ``auto``, whose curve is the least of many programs'.
    only : str, optional
        ``feature-maps`` or ``weights``: the traffic of these alone.
    normalise : bool
        Traffic as a multiple of each network's own compulsory traffic: 1 is a cache that moves no
        byte twice, and small networks compare with large ones.
    log : bool, optional
        A logarithmic axis of traffic; where left out, of networks of which one moves more than
        eight times what another does.
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
    units = [max(result.compulsory_bytes, 1) if normalise else 1 for result in results]
    tops = [
        max(
            each.dram_bytes(SMALLEST) for each in result.envelope.curves.values()
            if not result.grouped or each is result.curve
        ) / unit
        for result, unit in zip(results, units, strict=True)
    ]  # fmt: skip
    many = len(results) > MOST_PARTED
    parted = not many and results[0].only is not Part.WEIGHTS
    if len(results) > 1 and any(result.grouped for result in results):
        parted = False  # each has a line of layer by layer already
    parted = parted and not bound
    cio = [each.cio_bytes / unit for each, unit in zip(results, units, strict=True) if parted]
    axes.set_xscale("log")
    axes.set_xlim(SMALLEST, max(right, 10 * SMALLEST))
    axes.set_ylim(0, 1.08 * max([*tops, *cio]))
    if bound or log or (log is None and max(tops) > MOST * min(tops)):
        _logarithmic(axes, results, units, parted)
    handles: list[Artist] = []
    covered = []
    for number, (result, unit) in enumerate(zip(results, units, strict=True)):
        look = series(number, result.program.network.name)
        handles += _one(axes, result, look, unit)
        if bound:
            handles += _any_program(axes, result, look, unit)
        if result.grouped:
            handles += _layer_by_layer(axes, result, look, unit)
        if parted:
            handles += _maps(axes, result, look, unit)
        if belady and not result.grouped:
            handles += _belady_band(axes, result, look, unit)
        covered.append(_outline(result, axes.get_xlim(), unit))
    machine = {result.machine.cache_bytes for result in results}
    for capacity in machine:
        axes.axvline(capacity, color=BLACK, linewidth=0.9, linestyle=(0, (2, 2)), zorder=1)
        axes.text(
            capacity, 1.0, f" cache {si(capacity)} ", fontsize=8, rotation=90, va="top", ha="right",
            transform=axes.get_xaxis_transform(), color=BLACK,
        )  # fmt: skip
    bytes_axis(axes.xaxis)
    bytes_axis(axes.yaxis, (lambda value: f"{value:g} x") if normalise else si)
    what = "" if results[0].only is None else f" of {results[0].only.words}"
    y = f"DRAM traffic{what} per inference"
    if normalise:
        y += ", times what is compulsory"
    dress(axes, title=_title(results), x="cache size", y=y, grid="both", pad=ROOM if many else 6)
    if many:
        legend(axes, _in_general(handles), ncols=4, **ABOVE)
        _name_lines(axes, results, units, normalise)
    else:
        legend(axes, handles)
    most = max(0 if many else 1, 4 - len(results)) if knees is None else knees
    _label_knees(axes, results, units, most, np.concatenate(covered))
    return axes


def _logarithmic(axes: Axes, results: list[CurveResult], units: list[int], parted: bool) -> None:
    """Give traffic a logarithmic axis, down to the least of all that is drawn."""
    from matplotlib.ticker import LogLocator

    least = [
        min([each.compulsory_bytes, *([int(each.steps.map_bytes.min())] if parted else [])]) / unit
        for each, unit in zip(results, units, strict=True)
    ]
    high = axes.get_ylim()[1]
    low = 0.8 * min((each for each in least if each > 0), default=high / 10)
    axes.set_yscale("log")
    axes.set_ylim(low, 1.3 * high)
    if high < 300 * low:
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))


def _in_general(handles: list[Artist]) -> list[Artist]:
    """What line, dashes and band stand for, where each network's colour is told beside its line."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    bands = [str(each.get_label()) for each in handles if each.get_gid() == "belady"]
    sizes = sorted(int(found.group()) for each in bands if (found := re.search("[0-9]+", each)))
    told = f"{sizes[0]} to {sizes[-1]}" if sizes and sizes[0] < sizes[-1] else f"{[*sizes, 0][0]}"
    general: list[Artist] = [
        Line2D([], [], color=GREY, linewidth=2, label="LRU, exact"),
        Line2D([], [], color=GREY, linewidth=1, linestyle=(0, (6, 3)), label="compulsory"),
    ]
    if any(each.get_gid() == "layer by layer" for each in handles):
        apart = {"linewidth": 1.3, "linestyle": (0, (3, 1.5)), "label": "layer by layer"}
        general.append(Line2D([], [], color=GREY, **apart))  # type: ignore[arg-type]
    if bands:
        label = f"down to belady (at {told} sizes, each good up to the next)"
        general.append(Patch(facecolor=GREY, alpha=0.3, linewidth=0, label=label))
    return general


def _name_lines(axes: Axes, results: list[CurveResult], units: list[int], normalise: bool) -> None:
    """Write each network's name beside its line: where it ends, or begins where all end alike."""
    names = [result.program.network.name for result in results]
    colours = [series(number, name).colour for number, name in enumerate(names)]
    if normalise:
        starts = [
            each.dram_bytes(SMALLEST) / unit for each, unit in zip(results, units, strict=True)
        ]
        texts = [f"{name} {start:.3g} x" for name, start in zip(names, starts, strict=True)]
        beside(axes, starts, texts, colours, inside=True)
        return
    ends = [int(result.steps.dram_bytes[-1]) for result in results]
    texts = [f"{name} {si(end)}" for name, end in zip(names, ends, strict=True)]
    beside(axes, ends, texts, colours)


def _one(axes: Axes, result: CurveResult, look: Look, unit: int) -> list[Line2D]:
    """Draw a network's step function and its compulsory traffic."""
    steps, end = result.steps, axes.get_xlim()[1]
    compulsory = result.compulsory_bytes
    sizes = np.concatenate([steps.cache_bytes, [end]])
    moved = np.concatenate([steps.dram_bytes, steps.dram_bytes[-1:]]) / unit
    (line,) = axes.step(
        sizes, moved, where="post", color=look.colour, linestyle=look.line, linewidth=2,
        label=result.program.network.name, zorder=4,
    )  # fmt: skip
    floor = axes.axhline(
        compulsory / unit, color=look.colour, linewidth=1, linestyle=(0, (6, 3)), zorder=2,
        label=f"   compulsory {si(compulsory)}",
    )  # fmt: skip
    return [line, floor]


def _any_program(
    axes: Axes, result: CurveResult, look: Look, unit: int
) -> list[FillBetweenPolyCollection]:
    """Shade what no program goes below."""
    from matplotlib.colors import to_rgb

    sizes, least = zip(*result.any_program.steps, strict=True)
    moved = [each / unit for each in (*least, least[-1])]
    end = axes.get_xlim()[1]
    return [
        axes.fill_between(
            [*sizes, max(end, sizes[-1] + 1)], moved, step="post",
            facecolor=(*to_rgb(GREY), 0.35), edgecolor=look.colour, linewidth=1.2,
            zorder=1.5, label="   no program goes here", gid="any program",
        )
    ]  # fmt: skip


def _layer_by_layer(axes: Axes, result: CurveResult, look: Look, unit: int) -> list[Line2D]:
    """Draw beside the least of all groupings what moves without groups."""
    steps = result.apart.steps
    sizes = np.concatenate([steps.cache_bytes, [axes.get_xlim()[1]]])
    moved = np.concatenate([steps.dram_bytes, steps.dram_bytes[-1:]]) / unit
    return axes.step(
        sizes, moved, where="post", color=look.colour, linestyle=(0, (3, 1.5)), linewidth=1.3,
        label="   layer by layer", zorder=3, gid="layer by layer",
    )  # fmt: skip


def _maps(axes: Axes, result: CurveResult, look: Look, unit: int) -> list[Line2D]:
    """Draw what of a network's traffic is feature maps, unless that is all, and their CIO."""
    handles, steps = [], result.steps
    if result.only is None:
        sizes = np.concatenate([steps.cache_bytes, [axes.get_xlim()[1]]])
        maps = np.concatenate([steps.map_bytes, steps.map_bytes[-1:]]) / unit
        handles += axes.step(
            sizes, maps, where="post", color=look.colour, linestyle=look.line, linewidth=0.9,
            label="   of it feature maps", zorder=3, gid="feature maps",
        )  # fmt: skip
    dots = axes.axhline(
        result.cio_bytes / unit, color=look.colour, linewidth=1.3, linestyle=(0, (1, 2)), zorder=2,
        label=f"   CIO {si(result.cio_bytes)}",
    )  # fmt: skip
    return [*handles, dots]


def _belady_band(
    axes: Axes, result: CurveResult, look: Look, unit: int
) -> list[FillBetweenPolyCollection]:
    """The band between LRU and what is known to be reachable; none without lifetimes.

    Both edges are step functions, see :class:`~memsim.results.details.reachable.Reachable`.
    """
    last = max(int(result.steps.cache_bytes[-1]), 2 * SMALLEST)
    from memsim.results.details.reachable import Reachable

    found = Reachable.of(result, SMALLEST, last)
    if found is None:
        return []
    sizes, least, most = found.cache_bytes, found.dram_bytes / unit, found.lru_bytes / unit
    if len(sizes) > MANY_STEPS:
        low, high = axes.get_ylim()
        part = np.stack([least, most])
        if axes.get_yscale() == "log":
            low, high, part = np.log(low), np.log(high), np.log(part)
        part = (part - low) * FINE // (high - low)
        kept = (np.diff(part, axis=1, prepend=-1) != 0).any(axis=0)
        sizes, least, most = sizes[kept], least[kept], most[kept]
    return [
        axes.fill_between(
            sizes, least, most, step="post", color=look.colour, alpha=0.18, linewidth=0, zorder=1,
            label=f"   down to belady (at {len(found.run)} sizes,\n   each good up to the next)",
            gid="belady",
        )
    ]  # fmt: skip


def _outline(result: CurveResult, limits: tuple[float, float], unit: int) -> Points:
    """Points along a network's lines, which labels should not cover."""
    sizes = np.geomspace(*limits, 150)
    index = np.searchsorted(result.steps.cache_bytes, sizes, side="right") - 1
    heights = [result.steps.dram_bytes[index]]
    heights += [np.full(len(sizes), result.compulsory_bytes)]
    heights += [result.steps.map_bytes[index], np.full(len(sizes), result.cio_bytes)]
    return np.concatenate([np.stack([sizes, height / unit], axis=1) for height in heights])


def _label_knees(
    axes: Axes, results: list[CurveResult], units: list[int], most: int, covered: Points
) -> None:
    points, texts, colours = [], [], []
    for number, (result, unit) in enumerate(zip(results, units, strict=True)):
        look = series(number, result.program.network.name)
        knees = sorted(result.knees(max(most, 1)), key=lambda knee: -knee.saved_bytes)
        for knee in knees[:most]:
            points.append((float(knee.cache_bytes), knee.dram_bytes / unit))
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
