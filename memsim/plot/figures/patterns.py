"""The patterns figure: why a shortcut costs bandwidth, from the links down to the latency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import numpy as np

from memsim.plot.canvas import new_panels, rectangles
from memsim.plot.drawables import Drawables, result_of, some
from memsim.plot.figures.lifetimes import KEPT_FOR, draw_live_bytes, draw_lives
from memsim.plot.kinds import figure
from memsim.plot.multiples import MOST
from memsim.plot.style import (
    BLACK,
    CAUSES,
    EDGE,
    ENGINES,
    GREY,
    MEMORY,
    NOTE,
    TICK,
    Look,
    broken,
    bytes_axis,
    dress,
    legend,
    patch,
    series,
    si,
)
from memsim.program.kernel import Cause
from memsim.program.lives import USES, Lives, most_live
from memsim.readable import format_count, format_time
from memsim.results.details.connections import Connections
from memsim.simulate import Options

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from memsim.plot.canvas import GivenPanels, Panels
    from memsim.results.run import Result

FOUR = ("patterns/dense", "patterns/log", "patterns/sparse", "patterns/harmonic")

KNOWN_FROM = {
    "dense": "DenseNet", "log": "LogDenseNet", "sparse": "SparseNet", "harmonic": "HarDNet"
}  # fmt: skip

ROWS = {
    "links": 2.1,
    "feature maps": 2.5,
    "live bytes": 2.0,
    "DRAM traffic": 2.0,
    "in all": 0.8,
    "latency": 0.7,
}
"""The rows and their heights; each is the consequence of the one above it."""


SCALED = ("live bytes", "DRAM traffic", "in all", "latency")
"""Rows with an axis of an amount."""

MOST_TICKS = 6
"""Along a column's layers."""


@figure("blocks side by side: links, lives, live bytes, traffic, latency", parts=True)
def patterns(
    networks: Drawables = FOUR,
    *,
    ax: GivenPanels | None = None,
    size: tuple[float, float] | None = None,
    only: str | None = None,
    **options: Unpack[Options],
) -> Panels:
    """Draw blocks side by side: what their connections do to memory, traffic and time.

    From top to bottom, layer by layer: the links as arcs; the lives of feature maps; the live
    bytes and the cache's line; the DRAM traffic by cause; the sums; the latency.

    Parameters
    ----------
    networks : iterable of Network, Result, str or path
        A column each; the four shipped blocks, which have equal MACs, if left out. Columns share
        their scales, unless one network would vanish beside another: then each has its own.
    ax : array of Axes, optional
        Six rows, a column per network; a new figure if left out.
    size : (float, float), optional
        Inches of a new figure.
    only : str, optional
        ``feature-maps`` or ``weights``: the traffic of these alone.
    **options
        As for :func:`memsim.run`.

    Returns
    -------
    array of Axes
        Six rows, a column per network.

    Examples
    --------
    >>> panels = patterns(["patterns/dense", "patterns/harmonic"], cache="1MB")
    >>> panels.shape, panels[0, 0].get_title(loc="left")
    ((6, 2), 'dense (DenseNet)')
    """
    from matplotlib.lines import Line2D

    results = [result_of(each, options, only) for each in some(networks or FOUR, "patterns")]
    shape = (len(ROWS), len(results))
    alike = _alike(results)
    panels = new_panels(
        ax, shape, size or (max(1.6 + (3.0 if alike else 3.3) * len(results), 8.5), 11.5),
        sharey="row" if alike else False, heights=list(ROWS.values()), kind="patterns",
    )  # fmt: skip
    table = panels.reshape(shape)
    for number, result in enumerate(results):
        _column(table[:, number], result, series(number, result.network.name))
    blocks = all(_is_block(result) for result in results)
    for row, name in zip(table, ROWS, strict=True):
        for part in [row] if alike else [row[number : number + 1] for number in range(len(row))]:
            _finish(name, part, "layer of the block" if blocks else "layer")
        _label(name, row, alike)
    last = table[:, -1]
    legend(last[1], [patch(MEMORY[use], KEPT_FOR[use]) for use in USES])
    whose = "the block's" if blocks else "the network's"
    causes = {**_CAUSE, "compulsory": f"weights, {whose} input and output"}
    legend(last[3], [patch(look, causes[name]) for name, look in CAUSES.items()])
    mark = Line2D([], [], color=BLACK, linewidth=1.5, label="compulsory traffic (1 x)")
    legend(last[4], [mark])
    legend(last[5], [patch(ENGINES[name], text) for name, text in _BUSY.items()])
    if ax is None:
        figure = table[0, 0].figure
        figure.suptitle(
            broken(_message(results), int(8.4 * figure.get_figwidth())),
            x=0.01, ha="left", fontsize=13, fontweight="bold",
        )  # fmt: skip
    return panels


def _is_block(result: Result) -> bool:
    return result.network.name.startswith("patterns/")


def _alike(results: list[Result]) -> bool:
    """Whether one scale serves all columns: nothing of one would vanish beside another's."""
    amounts = (
        [int(result.program.live_bytes.max(initial=0)) for result in results],
        [result.dram_bytes for result in results],
        [result.time_ps for result in results],
    )
    return all(max(each) <= MOST * max(min(each), 1) for each in amounts)


_CAUSE = {"spill": "written back: no room", "reload": "fetched again"}

_BUSY = {"compute": "computing", "stall": "waiting for DRAM"}


def _column(column: Panels, result: Result, look: Look) -> None:
    arcs, bars, live, moved, total, time = column
    program = result.program
    connections = Connections.of(result)
    units, unit = connections.units, connections.kernel_unit
    _draw_links(arcs, connections, look)
    name = result.network.name.removeprefix("patterns/")
    known = f" ({KNOWN_FROM[name]})" if name in KNOWN_FROM else ""
    dress(arcs, title=f"{name}{known}", grid="")
    arcs.title.set_color(look.colour)
    arcs.text(
        0.0, 1.0, f"{connections.shortcuts} shortcuts, {format_count(result.network.macs)} MACs",
        transform=arcs.transAxes, fontsize=NOTE, va="top",
    )  # fmt: skip

    # A unit's kernels share its width, so that the rows below line up with the links.
    size = np.bincount(unit, minlength=units)
    begin = np.arange(len(unit)) - (np.cumsum(size) - size)[unit]
    left = unit - 0.5 + begin / size[unit]
    edges = np.append(left, units - 0.5)
    lives = Lives.of(program)
    draw_lives(bars, lives, edges[lives.born], edges[lives.consumed + 1] - 1, edges[lives.dead + 1])
    bars.set_yticks([])
    draw_live_bytes(live, edges, most_live(program), result.machine.cache_bytes)
    _draw_traffic(moved, connections.traffic)
    for axes in (arcs, bars, live, moved):
        axes.set_xlim(-0.7, units - 0.3)
    _draw_total(total, result)
    _draw_time(time, result)


def _draw_links(axes: Axes, connections: Connections, look: Look) -> None:
    """Draw units on a line and links as arcs above it: grey to the next unit, else in colour."""
    from matplotlib.collections import PathCollection
    from matplotlib.path import Path

    units = connections.units
    half = Path.arc(0, 180)
    corners = np.asarray(half.vertices, float)
    spans: dict[bool, list[Path]] = {True: [], False: []}
    for source, reader in connections.links:
        span = reader - source
        place = [(source + reader) / 2, 0.0]
        spans[span == 1].append(Path(corners * [span / 2, span] + place, half.codes))
    for near, paths in spans.items():
        axes.add_collection(
            PathCollection(
                paths, facecolors="none", edgecolors=GREY if near else look.colour,
                linewidths=0.9 if near else 1.1, alpha=1 if near else 0.75, gid="links",
            ),
            autolim=False,
        )  # fmt: skip
    axes.plot(
        range(units), [0] * units, linestyle="none", marker="o",
        markersize=min(3.5, 120 / units), color=BLACK, clip_on=False,
    )  # fmt: skip
    axes.set_ylim(
        -0.8, 1.2 * max(reader - source for source, reader in connections.links or [(0, 1)])
    )


def _draw_traffic(axes: Axes, moved: NDArray[np.int64]) -> None:
    place, bottom = np.arange(len(moved)), np.zeros(len(moved))
    for name, look in CAUSES.items():
        top = bottom + moved[:, Cause[name.upper()]]
        kept = top > bottom
        rectangles(
            axes, place[kept] - 0.43, place[kept] + 0.43, bottom[kept], top[kept],
            facecolor=look.colour, hatch=look.hatch, edgecolor=EDGE, linewidth=0, gid=name,
        )  # fmt: skip
        bottom = top
    axes.set_ylim(0, max(float(bottom.max(initial=0)), 1.0))


def _draw_total(axes: Axes, result: Result) -> None:
    left = 0
    for name, look in CAUSES.items():
        width = result.by_cause[name]
        axes.barh(
            0, width, 0.8, left, color=look.colour, hatch=look.hatch, edgecolor=EDGE, linewidth=0,
            gid=name,
        )  # fmt: skip
        left += width
    compulsory = result.compulsory_bytes
    axes.plot([compulsory] * 2, [-0.5, 0.5], color=BLACK, linewidth=1.5, gid="floor")
    ratio = left / compulsory if compulsory else 1
    axes.annotate(
        f"{si(left)}\n{ratio:.1f} x", (left, 0), xytext=(4, 0), fontsize=NOTE + 0.5,
        textcoords="offset points", va="center", fontweight="bold", linespacing=1.3,
    )  # fmt: skip


def _draw_time(axes: Axes, result: Result) -> None:
    totals = result.totals
    parts = {"compute": totals["compute_s"], "stall": totals["stall_s"]}
    left = 0.0
    for name, width in parts.items():
        look = ENGINES[name]
        axes.barh(
            0, width, 0.8, left, color=look.colour, hatch=look.hatch, edgecolor=EDGE, linewidth=0,
            gid=name,
        )  # fmt: skip
        left += width
    axes.annotate(
        format_time(result.time_ps), (left, 0), xytext=(4, 0), textcoords="offset points",
        va="center", fontsize=NOTE + 0.5, fontweight="bold",
    )  # fmt: skip


def _finish(name: str, row: Panels, layers: str) -> None:
    """Give panels of one row the same scale, since they are to be compared."""
    first = row[0]
    aligned = name in ("links", "feature maps", "live bytes", "DRAM traffic")
    if name == "links":
        first.set_ylim(top=max(axes.get_ylim()[1] for axes in row) * 1.05)
    elif name == "feature maps":
        first.set_ylim(bottom=max(axes.get_ylim()[0] for axes in row))
    elif name in ("live bytes", "DRAM traffic"):
        tops = [_top(axes) for axes in row]
        first.set_ylim(0, 1.08 * max(tops))
        bytes_axis(first.yaxis)
    else:
        widths = [sum(patch.get_width() for patch in axes.patches) for axes in row]
        for axes in row:
            axes.set_xlim(0, 1.75 * max(widths))
            axes.set_ylim(-0.6, 0.6)
    for axes in row:
        dress(axes, grid="y" if name in ("live bytes", "DRAM traffic") else "")
        if aligned:
            end = axes.get_xlim()[1]
            step = next(each for each in (4, 8, 10, 20, 25, 50, 100, 200, 500, 1000, 10**6)
                        if end / each <= MOST_TICKS)  # fmt: skip
            axes.set_xticks(np.arange(0, end, step))
            axes.tick_params(axis="x", labelbottom=name == "DRAM traffic")
        else:
            axes.set_xticks([])
            axes.xaxis.set_visible(False)  # nor asked for its extent, which takes time
            axes.spines["bottom"].set_visible(False)
        if name in ("links", "feature maps", "in all", "latency"):
            axes.set_yticks([])
            axes.yaxis.set_visible(axes is first)  # which bears the row's name
            axes.spines["left"].set_visible(False)
        if name == "DRAM traffic":
            axes.set_xlabel(layers, fontsize=TICK)


def _label(name: str, row: Panels, alike: bool) -> None:
    """Name a row, and the cache once."""
    for axes in row[:-1]:
        for text in list(axes.texts):
            if name == "live bytes":
                text.set_visible(False)
    turned = name not in ("in all", "latency")
    told = {"in all": "traffic", "DRAM traffic": "DRAM traffic\nper layer"}.get(name, name)
    if not alike and name in SCALED:
        told += ", own scale each" if name == "DRAM traffic" else ",\nown scale each"
    row[0].set_ylabel(
        told, fontsize=9.5, rotation=90 if turned else 0, ha="center" if turned else "right",
        va="bottom" if turned else "center",
    )  # fmt: skip


def _top(axes: Axes) -> float:
    return float(max(axes.get_ylim()[1] / 1.12, axes.dataLim.y1))


def _message(results: list[Result]) -> str:
    cache = " / ".join(dict.fromkeys(si(result.machine.cache_bytes) for result in results))
    return (
        "A shortcut keeps a feature map waiting; what then exceeds the cache "
        f"({cache}) goes to DRAM and comes back"
    )
