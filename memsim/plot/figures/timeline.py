"""The timeline figure: what the machine does when, and what lies in the cache meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.network.stages import stages
from memsim.plot.canvas import new_panels
from memsim.plot.stages import room
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
from memsim.plot.subjects import Subjects, only, result_of
from memsim.readable import format_rate, format_time
from memsim.units import PICOSECONDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from memsim.plot.canvas import Panels
    from memsim.results.run import Result

BINS = 240
"""Parts of the time over which bandwidth is averaged."""

LANES = {"load": 2, "store": 2, "compute": 1, "stall": 0}
"""The lane in which each engine's work is drawn: loads and stores share the DRAM channel."""

_UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}


def timeline(
    network: Subjects,
    *,
    ax: Any = None,
    size: tuple[float, float] = (10.5, 6.5),
    **options: Any,
) -> Panels:
    """Draw the replay: DRAM, compute and stalls over time, bandwidth and memory below.

    Parameters
    ----------
    network : Network, Result, str or path
        One.
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
    result = result_of(only(network, "timeline"), options)
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


def spans(result: Result) -> dict[str, Any]:
    """When each engine is busy, per engine an array of (start, end) in picoseconds.

    Spans that touch are one; their lengths sum to the engine's busy time exactly.

    Examples
    --------
    >>> import memsim
    >>> result = memsim.run("resnet18")
    >>> busy = spans(result)["compute"]
    >>> int((busy[:, 1] - busy[:, 0]).sum()) == sum(result.steps.compute)
    True
    """
    line = result.timeline
    before = np.concatenate([[0], line.compute_end[:-1]])
    tail = [[int(line.compute_end[-1]), result.time_ps]]
    stalls = np.concatenate([np.stack([before, line.compute_start], axis=1), tail])
    return {
        "load": _joined(np.stack([line.load_start, line.load_end], axis=1)),
        "store": _joined(np.stack([line.store_start, line.store_end], axis=1)),
        "compute": _joined(np.stack([line.compute_start, line.compute_end], axis=1)),
        "stall": _joined(stalls),
    }


def _joined(pairs: Any) -> Any:
    pairs = pairs[pairs[:, 1] > pairs[:, 0]]
    if not len(pairs):
        return pairs
    new = np.concatenate([[True], pairs[1:, 0] != pairs[:-1, 1]])
    last = np.append(np.flatnonzero(new)[1:] - 1, len(pairs) - 1)
    return np.stack([pairs[new, 0], pairs[last, 1]], axis=1)


def _draw_lanes(axes: Axes, result: Result, scale: float) -> None:
    for name, found in spans(result).items():
        look = ENGINES[name]
        lows = found[:, 0] * scale
        axes.broken_barh(
            list(zip(lows, found[:, 1] * scale - lows, strict=True)), (LANES[name] - 0.4, 0.8),
            facecolors=look.colour, linewidth=0, gid=name,
        )  # fmt: skip
    axes.set_yticks([0, 1, 2], ["stalled", "compute", "DRAM"])
    axes.set_ylim(-0.6, 2.6)


def _draw_bandwidth(axes: Axes, result: Result, scale: float) -> None:
    edges = np.linspace(0, result.time_ps, BINS + 1)
    line, moved = result.timeline, result.traffic
    bottom = np.zeros(BINS)
    for name, start, end, nbytes in (
        ("load", line.load_start, line.load_end, moved.load_bytes),
        ("store", line.store_start, line.store_end, moved.store_bytes),
    ):
        look = ENGINES[name]
        moves = nbytes > 0  # a transfer of nothing has a time, but no place on the channel
        start, end, nbytes = start[moves], end[moves], nbytes[moves]
        times = np.stack([start, end], axis=1).reshape(-1)
        total = np.cumsum(nbytes)
        sums = np.stack([total - nbytes, total], axis=1).reshape(-1)
        if not len(times):
            continue
        rate = np.diff(np.interp(edges, times, sums)) / np.diff(edges) * PICOSECONDS
        axes.fill_between(
            edges * scale, np.append(bottom, bottom[-1:]),
            np.append(bottom + rate, bottom[-1:] + rate[-1:]), step="post",
            facecolor=look.colour, hatch=look.hatch, edgecolor=EDGE, linewidth=0, gid=name,
        )  # fmt: skip
        bottom = bottom + rate
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


def _mark_stages(panels: Any, result: Result, scale: float) -> None:
    """Where the stages of the network begin, and the names of the long ones on top."""
    names = [result.program.kernels[kernel].name for kernel in result.program.task_kernel]
    ends = result.timeline.compute_end * scale
    for stage, begin, end in stages(names):
        low = float(ends[begin - 1]) if begin else 0.0
        high = float(ends[end - 1])
        if begin:
            for axes in panels:
                axes.axvline(low, color=GREY, linewidth=0.5, alpha=0.6, zorder=0)
        if (high - low) / (result.time_ps * scale) >= room(stage):
            panels[0].text(
                (low + high) / 2, 1.0, stage, transform=panels[0].get_xaxis_transform(),
                fontsize=NOTE, ha="center", va="bottom", color=BLACK,
            )  # fmt: skip


def _title(result: Result) -> str:
    totals = result.totals
    waits = totals["stall_s"] / result.time_s if result.time_ps else 0.0
    return (
        f"{result.network.name} on {result.machine.name}: {format_time(result.time_ps)}, of which "
        f"compute waits {waits:.0%}; DRAM is busy {totals['dram_utilization']:.0%}"
    )
