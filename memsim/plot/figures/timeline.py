"""The timeline figure: what the machine does when, and what lies in the cache meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Unpack

import numpy as np

from memsim.plot.canvas import new_panels
from memsim.plot.drawables import Drawables, result_of, single
from memsim.plot.kinds import figure
from memsim.plot.stage_ticks import share_of_name
from memsim.plot.style import (
    ABOVE,
    BLACK,
    EDGE,
    ENGINES,
    GREY,
    MEMORY,
    NOTE,
    ROOM,
    bytes_axis,
    dress,
    legend,
    patch,
    si,
)
from memsim.readable import format_rate, format_time
from memsim.results.details.activity import Activity, DramRate, stage_times
from memsim.results.sheets.accuracy import beside
from memsim.simulate import Options
from memsim.units import PICOSECONDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from memsim.plot.canvas import GivenPanels, Panels
    from memsim.results.run import Result

BINS = 240
"""Parts of the time over which bandwidth is averaged."""

LANES = {"load": 2, "store": 2, "compute": 1, "stall": 0}
"""The lane in which each engine's work is drawn: loads and stores share the DRAM channel."""

_UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}


@figure("DRAM, compute and stalls over time, memory below", common=((1, "y"),))
def timeline(
    network: Drawables,
    *,
    ax: GivenPanels | None = None,
    size: tuple[float, float] = (10.5, 6.5),
    **options: Unpack[Options],
) -> Panels:
    """Draw the replay: DRAM, compute and stalls over time, bandwidth and memory below.

    Parameters
    ----------
    network : Network, Result, str or path
        Or several: each is drawn by itself, with axes that compare.
    ax : sequence of three Axes, optional
        Where to draw; a new figure if left out.
    size : (float, float)
        Inches of a new figure.
    **options
        As for :func:`memsim.run`.

    Returns
    -------
    array of Axes
        Lanes of what is busy; bandwidth, averaged over parts of the time; bytes held in the
        cache after each task and live bytes.

    Examples
    --------
    >>> lanes, rate, memory = timeline("patterns/harmonic")
    >>> memory.get_xlabel(), [text.get_text() for text in lanes.get_yticklabels()]
    ('time, ms', ['stalled', 'compute', 'DRAM'])
    """
    result = result_of(single(network, "timeline"), options)
    panels = new_panels(ax, (3, 1), size, sharex=True, heights=[1.5, 1.2, 1.5], kind="timeline")
    lanes, rate, memory = panels
    unit = next(name for name, per in _UNITS.items() if result.time_s * per >= 1 or name == "ns")
    scale = _UNITS[unit] / PICOSECONDS
    _draw_lanes(lanes, result, scale)
    _draw_bandwidth(rate, result, scale)
    _draw_memory(memory, result, scale)
    _mark_stages(panels, result, scale)
    for axes in panels:
        axes.set_xlim(0, result.time_ps * scale)
    dress(lanes, title=_title(result), grid="", pad=ROOM + 12)
    dress(rate, y="DRAM traffic")
    dress(memory, x=f"time, {unit}", y="on chip")
    lanes.tick_params(axis="x", labelbottom=False)
    rate.tick_params(axis="x", labelbottom=False)
    plain = {name: replace(ENGINES[name], hatch="") for name in ("compute", "stall")}
    looks = {**ENGINES, **plain}  # lanes of their own need no hatch
    handles = [patch(looks[name], text) for name, text in _ENGINE.items()]
    above = {**ABOVE, "bbox_to_anchor": (0.0, 1.07)}
    legend(lanes, handles, ncols=len(handles), **above)
    return panels


_ENGINE = {
    "load": "loading", "store": "storing", "compute": "computing", "stall": "compute waits"
}  # fmt: skip


def _draw_lanes(axes: Axes, result: Result, scale: float) -> None:
    for name, spans in Activity.of(result).by_engine.items():
        look = ENGINES[name]
        lows = spans[:, 0] * scale
        axes.broken_barh(
            list(zip(lows, spans[:, 1] * scale - lows, strict=True)), (LANES[name] - 0.4, 0.8),
            facecolors=look.colour, linewidth=0, gid=name,
        )  # fmt: skip
    axes.set_yticks([0, 1, 2], ["stalled", "compute", "DRAM"])
    axes.set_ylim(-0.6, 2.6)


def _draw_bandwidth(axes: Axes, result: Result, scale: float) -> None:
    rates = DramRate.of(result, BINS)
    bottom = np.zeros(BINS)
    for name, rate in (("load", rates.load), ("store", rates.store)):
        if not rate.any():
            continue
        look, top = ENGINES[name], bottom + rate
        axes.fill_between(
            rates.edges * scale, np.append(bottom, bottom[-1:]), np.append(top, top[-1:]),
            step="post", facecolor=look.colour, hatch=look.hatch, edgecolor=EDGE, linewidth=0,
            gid=name,
        )  # fmt: skip
        bottom = top
    peak = float(result.machine.dram_bytes_per_s)
    axes.axhline(peak, color=BLACK, linewidth=1, linestyle=(0, (4, 2)))
    _beside(axes, peak, f"usable\n{format_rate(result.machine.dram_bytes_per_s)}")
    axes.set_ylim(0, 1.15 * peak)
    axes.yaxis.set_major_formatter(lambda value, _: f"{si(value)}/s" if value else "0")


def _draw_memory(axes: Axes, result: Result, scale: float) -> None:
    line, end = result.timeline, result.time_ps
    held, live = MEMORY["held"], MEMORY["live"]
    times = np.concatenate([[0], line.compute_end, [end]]) * scale
    occupancy = result.traffic.occupancy
    axes.fill_between(
        times, np.concatenate([[0], occupancy, occupancy[-1:]]), step="post",
        color=held.colour, linewidth=0, label="held in the cache", gid="occupancy",
    )  # fmt: skip
    starts = np.append(line.compute_start, end) * scale
    alive = np.append(result.program.live_bytes, 0)
    axes.step(
        starts, alive, where="post", color=live.colour, linestyle="-", linewidth=1.3,
        label="live feature maps", gid="live",
    )  # fmt: skip
    cache = result.machine.cache_bytes
    look = MEMORY["cache"]
    axes.axhline(cache, color=look.colour, linestyle=look.line, linewidth=1.2)
    _beside(axes, cache, f"cache\n{si(cache)}")
    axes.set_ylim(0, 1.12 * max(int(alive.max()), cache))
    bytes_axis(axes.yaxis)
    legend(axes, axes.get_legend_handles_labels()[0], ncols=2, **ABOVE)


def _beside(axes: Axes, value: float, text: str) -> None:
    axes.annotate(
        text, (1, value), xycoords=("axes fraction", "data"), xytext=(4, 0), fontsize=NOTE,
        textcoords="offset points", va="center", annotation_clip=False,
    )  # fmt: skip


def _mark_stages(panels: Panels, result: Result, scale: float) -> None:
    """Where the stages of the network begin, and the names of the long ones on top."""
    for stage, start, end in stage_times(result):
        low, high = start * scale, end * scale
        if start:
            for axes in panels:
                axes.axvline(low, color=GREY, linewidth=0.5, alpha=0.6, zorder=0)
        if (high - low) / (result.time_ps * scale) >= share_of_name(stage):
            panels[0].text(
                (low + high) / 2, 1.0, stage, transform=panels[0].get_xaxis_transform(),
                fontsize=NOTE, ha="center", va="bottom", color=BLACK,
            )  # fmt: skip


def _title(result: Result) -> str:
    totals = result.totals
    time = format_time(result.time_ps) + beside(result.accuracy)
    waits = totals["stall_s"] / result.time_s if result.time_ps else 0.0
    return (
        f"{result.network.name} on {result.machine.name}: {time}, of which "
        f"compute waits {waits:.0%}; DRAM is busy {totals['dram_utilization']:.0%}"
    )
