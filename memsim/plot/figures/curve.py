"""The curve figure: DRAM traffic against cache size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.machine.cache import Cache
from memsim.plot.canvas import new_axes
from memsim.plot.labels import place
from memsim.plot.style import BLACK, Look, bytes_axis, dress, legend, series, si
from memsim.plot.subjects import Subjects, curve_of, some
from memsim.results.curve import CurveResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from memsim.engines.curve.knees import Knee

SMALLEST = 10_000
"""Bytes at which the axis begins: a cache below one block saves nothing."""

BAND = 16
"""Sizes at which belady's traffic is found for the band: each is a pass of its own."""


def curve(
    networks: Subjects,
    *,
    ax: Axes | None = None,
    size: tuple[float, float] = (9.5, 5.0),
    knees: int | None = None,
    belady: bool = True,
    **options: Any,
) -> Axes:
    """Draw DRAM traffic against cache size: exact step functions, one per network.

    Dashed lines are compulsory traffic, dotted ones CIO in bytes; the largest drops are labelled
    with the size that they need and the bytes that they save.

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
        Show the band down to policy ``belady`` on a scratchpad, if there is such a policy.
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
    found = [curve_of(subject, options) for subject in some(networks, "curve")]
    axes = new_axes(ax, size)
    right = 1.6 * max(int(result.steps.cache_bytes[-1]) for result in found)
    top = max(result.curve.dram_bytes(SMALLEST) for result in found)
    cio = [_cio_bytes(result) for result in found]
    axes.set_xscale("log")
    axes.set_xlim(SMALLEST, max(right, 10 * SMALLEST))
    axes.set_ylim(0, 1.08 * max(top, *cio))
    handles: list[Any] = []
    covered = []
    for number, result in enumerate(found):
        look = series(number, result.program.network.name)
        handles += _one(axes, result, look, cio[number])
        if belady:
            handles += _belady_band(axes, result, look)
        covered.append(_outline(result, axes.get_xlim()))
    machine = {result.machine.cache_bytes for result in found}
    for capacity in machine:
        axes.axvline(capacity, color=BLACK, linewidth=0.9, linestyle=(0, (2, 2)), zorder=1)
        axes.text(
            capacity, 1.0, f" cache {si(capacity)} ", fontsize=8, rotation=90, va="top", ha="right",
            transform=axes.get_xaxis_transform(), color=BLACK,
        )  # fmt: skip
    bytes_axis(axes.xaxis)
    bytes_axis(axes.yaxis)
    dress(axes, title=_title(found), x="cache size", y="DRAM traffic per inference", grid="both")
    legend(axes, handles)
    _label_knees(axes, found, max(1, 4 - len(found)) if knees is None else knees, covered)
    return axes


def _cio_bytes(result: CurveResult) -> int:
    network = result.program.network
    return network.cio * network[network.inputs[0]].output.itemsize


def _one(axes: Axes, result: CurveResult, look: Look, cio: int) -> list[Any]:
    """One network's step function and its two lines."""
    steps, end = result.steps, axes.get_xlim()[1]
    compulsory = result.program.compulsory_bytes
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
    dots = axes.axhline(
        cio, color=look.colour, linewidth=1.3, linestyle=(0, (1, 2)), zorder=2,
        label=f"   CIO {si(cio)}",
    )  # fmt: skip
    return [line, floor, dots]


def _belady_band(axes: Axes, result: CurveResult, look: Look) -> list[Any]:
    """The band between LRU and belady, where that policy is known."""
    from memsim.engines.cache.cachepass import cache_pass
    from memsim.engines.cache.managements import MANAGEMENTS
    from memsim.engines.cache.policies import POLICIES

    management = MANAGEMENTS[result.machine.cache.management]
    if "belady" not in POLICIES or not management.knows_lifetimes:
        return []
    last = int(result.steps.cache_bytes[-1])
    sizes = np.unique(np.geomspace(SMALLEST, max(last, 2 * SMALLEST), BAND).astype(np.int64))
    caches = [Cache(size=int(size), policy="belady") for size in sizes]
    passes = [cache_pass(result.program, cache) for cache in caches]
    least = [moved.read_bytes + moved.write_bytes for moved in passes]
    most = [result.curve.dram_bytes(int(size)) for size in sizes]
    return [
        axes.fill_between(
            sizes, least, most, color=look.colour, alpha=0.18, linewidth=0, zorder=1,
            label="   down to belady",
        )
    ]  # fmt: skip


def _outline(result: CurveResult, limits: tuple[float, float]) -> Any:
    """Points along a network's lines, which labels should not cover."""
    sizes = np.geomspace(*limits, 150)
    index = np.searchsorted(result.steps.cache_bytes, sizes, side="right") - 1
    heights = [result.steps.dram_bytes[index]]
    heights += [np.full(len(sizes), result.program.compulsory_bytes)]
    heights += [np.full(len(sizes), _cio_bytes(result))]
    return np.concatenate([np.stack([sizes, height], axis=1) for height in heights])


def _label_knees(axes: Axes, found: list[CurveResult], most: int, covered: list[Any]) -> None:
    points, texts, colours = [], [], []
    for number, result in enumerate(found):
        look = series(number, result.program.network.name)
        for knee in _largest(result, most):
            points.append((float(knee.cache_bytes), float(knee.dram_bytes)))
            texts.append(f"{si(knee.cache_bytes)} saves {si(knee.saved_bytes)}")
            colours.append(look.colour)
            axes.plot(
                *points[-1], marker=look.marker, markersize=6, color=look.colour,
                markeredgecolor="white", linestyle="none", zorder=5, gid="knee",
            )  # fmt: skip
    if points:
        place(axes, points, texts, colours=colours, avoid=np.concatenate(covered))


def _largest(result: CurveResult, most: int) -> list[Knee]:
    return sorted(result.knees(max(most, 1)), key=lambda knee: -knee.saved_bytes)[:most]


def _title(found: list[CurveResult]) -> str:
    names = [result.program.network.name for result in found]
    enough = [result.curve.smallest(result.program.compulsory_bytes) for result in found]
    told = [f"{name} {si(size)}" for name, size in zip(names, enough, strict=True) if size]
    if len(told) < len(found) or len(found) > 3:
        return "How much cache saves how much DRAM traffic"
    if len(found) == 1:
        return f"{names[0]} moves no byte twice from a cache of {si(enough[0] or 0)}"
    return f"The cache that moves no byte twice: {', '.join(told)}"
