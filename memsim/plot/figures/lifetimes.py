"""The lifetimes figure: how long feature maps are kept, and what that takes of the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import numpy as np

from memsim.plot.canvas import new_panels, rectangles
from memsim.plot.drawables import Drawables, result_of, single
from memsim.plot.kinds import figure
from memsim.plot.stage_ticks import mark_stages
from memsim.plot.style import (
    ABOVE,
    BLACK,
    EDGE,
    MEMORY,
    NOTE,
    ROOM,
    bytes_axis,
    dress,
    legend,
    patch,
    si,
)
from memsim.program.lives import USES, Lives, most_live
from memsim.simulate import Options

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from memsim.plot.canvas import GivenPanels, Panels
    from memsim.results.run import Result

    Places = NDArray[np.int64] | NDArray[np.float64]
    """Positions on the axis of kernels."""

KEPT_FOR = {
    "chain": "kept for the first reader",
    "waiting": "kept for later readers: a shortcut",
    "copy": "what a concat writes, for the first reader",
}

MOST_NAMES = 30
"""Feature maps up to which each is named."""


@figure(
    "feature maps over the kernels they live, live bytes below", verb="figure of lives", common=()
)
def lifetimes(
    network: Drawables,
    *,
    ax: GivenPanels | None = None,
    size: tuple[float, float] = (10.0, 6.5),
    **options: Unpack[Options],
) -> Panels:
    """Draw feature maps over the kernels they live, and the live bytes below.

    A bar begins with the kernel that writes the feature map. It is thin until its first reader
    is done and thick while it waits for later ones: that part is what shortcuts cost. Below,
    the same in bytes at the fullest moment of each kernel; what is above the cache's line
    cannot be kept and goes to DRAM.

    Parameters
    ----------
    network : Network, Result, str or path
        Or several: each is drawn by itself, with axes that compare.
    ax : sequence of two Axes, optional
        Where to draw; a new figure if left out.
    size : (float, float)
        Inches of a new figure.
    **options
        As for :func:`memsim.run`.

    Returns
    -------
    array of Axes
        Bars; live bytes.

    Examples
    --------
    >>> bars, live = lifetimes("patterns/harmonic")
    >>> bars.get_ylabel(), live.get_ylabel()
    ('feature maps', 'live bytes')
    """
    result = result_of(single(network, "lifetimes"), options)
    panels = new_panels(ax, (2, 1), size, sharex=True, heights=[3, 2], kind="lifetimes")
    bars, live = panels
    program = result.program
    lives = Lives.of(program)
    draw_lives(bars, lives, lives.born, lives.consumed, lives.dead + 1)
    edges = np.arange(len(program.kernels) + 1)
    draw_live_bytes(live, edges, most_live(program), result.machine.cache_bytes)
    names = [kernel.name for kernel in program.kernels]
    mark_stages(live, names)
    if len(lives.names) <= MOST_NAMES:
        bars.set_yticks(range(len(lives.names)), lives.names)
    else:
        bars.set_yticks([])
    bars.tick_params(axis="x", labelbottom=False)
    dress(bars, title=_title(result, lives), y="feature maps", grid="x", pad=ROOM)
    dress(live, x="kernels in the order in which they run", y="live bytes")
    bars.tick_params(axis="y", length=0)
    legend(bars, [patch(MEMORY[use], KEPT_FOR[use]) for use in USES], ncols=len(USES), **ABOVE)
    return panels


def draw_lives(bars: Axes, lives: Lives, born: Places, consumed: Places, end: Places) -> None:
    """Draw each feature map's bar: thin up to its first reader, thick from there to the last.

    ``born``, ``consumed`` and ``end`` are positions on the axis: where it begins, the kernel
    that reads it first, and where the last reader is done.
    """
    thick = min(0.8, 0.35 + len(lives.names) / 100)
    number, copied = np.arange(len(lives.names)), np.asarray(lives.copies, bool)
    until = np.minimum(np.asarray(consumed) + 1, end)
    for use, rows, low, high, height in (
        ("chain", ~copied, born, until, 0.4),
        ("copy", copied, born, until, 0.5),
        ("waiting", np.ones_like(copied), until, end, thick),
    ):
        look = MEMORY[use]
        kept = rows & (np.asarray(high) > np.asarray(low))
        rectangles(
            bars, low[kept], high[kept], number[kept] - height / 2, number[kept] + height / 2,
            facecolor=look.colour, edgecolor=look.colour, linewidth=0.3, gid=use,
        )  # fmt: skip
    bars.set_ylim(len(lives.names) - 0.3, -0.7)


def draw_live_bytes(live: Axes, edges: Places, columns: NDArray[np.int64], cache: int) -> None:
    """Draw live bytes by use as a stack of steps, and the cache's line.

    ``edges`` are positions, one more than the rows of ``columns``.
    """
    bottom = np.zeros(len(columns) + 1)
    for use, column in zip(USES, columns.T, strict=True):
        look = MEMORY[use]
        top = bottom + np.append(column, column[-1:])
        if column.any():
            live.fill_between(
                edges, bottom, top, step="post", facecolor=look.colour, hatch=look.hatch,
                edgecolor=EDGE, linewidth=0, gid=use,
            )  # fmt: skip
        bottom = top
    live.step(edges, bottom, where="post", color=BLACK, linewidth=0.8, gid="total")
    look = MEMORY["cache"]
    live.axhline(cache, color=look.colour, linestyle=look.line, linewidth=1.3, gid="cache")
    live.set_ylim(0, 1.12 * max(float(bottom.max()), cache))
    live.annotate(
        f"cache {si(cache)}", (1, cache), xycoords=("axes fraction", "data"), xytext=(4, 0),
        textcoords="offset points", fontsize=NOTE, va="center", annotation_clip=False,
    )  # fmt: skip
    bytes_axis(live.yaxis)


def _title(result: Result, lives: Lives) -> str:
    name, cache = result.network.name, result.machine.cache_bytes
    peak = int(result.program.live_bytes.max(initial=0))
    bytes_ = f"{si(peak)} live at most, cache {si(cache)}"
    longest = int((lives.dead - lives.consumed).max(initial=0))
    if not longest:
        return f"{name}: every feature map dies with its first reader; {bytes_}"
    return f"{name}: a feature map waits up to {longest} kernels for its last reader; {bytes_}"
