"""What is said of a Pareto front of machines."""

from __future__ import annotations

from fractions import Fraction

from memsim.readable import format_bytes, format_rate
from memsim.results.inverse.design import Design, DesignPoint
from memsim.results.sheets.smallest import goal_text
from memsim.sheets.sheet import Grid, Sheet

WORDS = {"sram": "SRAM", "bandwidth": "bandwidth", "macs": "MAC rate"}


def design_sheet(design: Design, layers: int | None = 12) -> Sheet:
    """Lay out a front: some machines of it, evenly by place, or all.

    Parameters
    ----------
    design : Design
    layers : int or None
        Rows; None: all.
    """
    points = design.points
    shown = list(points)
    if layers is not None and len(points) > layers:
        places = [round(i * (len(points) - 1) / max(layers - 1, 1)) for i in range(layers)]
        shown = [points[place] for place in dict.fromkeys(places)]
    names = ", ".join(design.networks)
    how = ""
    if len(design.networks) > 1:
        how = ", each alone" if design.each else ", one after the other"
    words = [WORDS[name] for name in design.minimised]
    told = "all machines" if len(shown) == len(points) else f"{len(shown)} of {len(points):,}"
    return Sheet(
        title=f"{names} on {design.machine}: {goal_text(design.goal)}{how}",
        facts=(("minimised", " x ".join(words)), ("machines", f"{len(points):,}")),
        grids=(
            Grid(
                f"{told}, none beaten in {' and '.join(words)}",
                ("SRAM", "cache, B", "bandwidth, B/s", "", "MAC rate"),
                tuple(map(_row, shown)),
            ),
        ),
        notes=(
            "SRAM is cache and buffers. One byte or MAC per second less misses the goal; the "
            "caches are all those at which the traffic of a network changes.",
        ),
    )


def _row(point: DesignPoint) -> tuple[str, ...]:
    bandwidth = Fraction(point.bandwidth)
    return (
        format_bytes(point.sram_bytes),
        f"{point.cache_bytes:,}",
        f"{bandwidth.numerator:,}" if bandwidth.denominator == 1 else f"{float(bandwidth):,.2f}",
        format_rate(bandwidth),
        format_rate(Fraction(point.mac_rate), "MAC"),
    )
