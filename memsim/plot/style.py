"""The visual language: what each colour, hatch, line and marker means, in every figure.

Colours are those of Okabe and Ito ("Color Universal Design", 2008) and their tints: told apart
by colour-blind readers. Whatever has a colour also has a hatch, or a line style and a marker,
so that a figure can be read in grey. Nothing here is global state: figures pass these values
on as plain arguments.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from textwrap import fill
from typing import TYPE_CHECKING, Any

from memsim.readable import format_bytes
from memsim.units import SI

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.patches import Patch

BLACK, GREY, LIGHT = "#000000", "#7f7f7f", "#d9d9d9"
ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, RED, PURPLE = "#0072B2", "#D55E00", "#CC79A7"

TITLE, LABEL, TICK, NOTE = 11, 9.5, 8.5, 8
"""Font sizes in points."""

EDGE = "white"
"""Lines between the parts of a stack, and the strokes of its hatches."""


@dataclass(frozen=True, slots=True)
class Look:
    """How one thing looks: as an area (colour, hatch) and as a line (colour, line, marker)."""

    colour: str
    hatch: str = ""
    line: str | tuple[int, tuple[int, ...]] = "-"
    marker: str = "o"


ROLES = {
    "weight": Look(BLUE),
    "input": Look(YELLOW, "...."),
    "activation": Look(SKY, "////"),
    "residual": Look(PURPLE, "xxxx"),
    "concat": Look(RED, "\\\\\\\\"),
    "output": Look(GREEN, "----"),
    "scratch": Look("#6b6b6b", "++++"),
}
"""What the bytes are."""

CAUSES = {
    "compulsory": Look("#9a9a9a"),
    "spill": Look("#f0a868", "\\\\\\\\"),
    "reload": Look("#b84400", "////"),
}
"""Why they move: grey for what every cache pays, the red of too small a cache for the rest."""

PATTERNS = {
    "dense": Look(RED, "////", "-", "o"),
    "log": Look(PURPLE, "xxxx", "--", "s"),
    "sparse": Look(BLUE, "....", "-.", "^"),
    "harmonic": Look(GREEN, "\\\\\\\\", ":", "D"),
}
"""The patterns of dense blocks."""

ENGINES = {
    "load": Look(BLUE),
    "store": Look(ORANGE, "////"),
    "compute": Look(GREEN),
    "stall": Look(RED, "xxxx"),
}
"""What the machine does at a time."""

MEMORY = {
    "chain": Look(LIGHT),
    "waiting": Look(RED, "////"),
    "copy": Look(ORANGE, "\\\\\\\\"),
    "live": Look(RED, "", "--"),
    "held": Look(SKY),
    "cache": Look(BLACK, "", (0, (4, 2))),
}
"""What feature maps do: read by the next kernel, waiting for a later one, copied by a concat."""

_SERIES = (
    Look(BLUE, "", "-", "o"),
    Look(RED, "////", "--", "s"),
    Look(GREEN, "\\\\\\\\", "-.", "^"),
    Look(PURPLE, "xxxx", ":", "D"),
    Look(ORANGE, "....", (0, (5, 1, 1, 1, 1, 1)), "v"),
    Look(SKY, "----", (0, (1, 1)), "P"),
    Look(BLACK, "++++", (0, (7, 3)), "X"),
)


def series(number: int, name: str = "") -> Look:
    """How network number ``number`` of a figure looks; a pattern looks alike in all figures.

    Examples
    --------
    >>> series(0).colour, series(0, "patterns/dense") == PATTERNS["dense"]
    ('#0072B2', True)
    """
    return PATTERNS.get(name.removeprefix("patterns/"), _SERIES[number % len(_SERIES)])


def dress(
    axes: Axes, *, title: str = "", x: str = "", y: str = "", grid: str = "y", pad: float = 6
) -> None:
    """Give axes a title that tells the message, labels, and the grid and frame of all figures."""
    if title:
        axes.set_title(
            broken(title, _characters(axes)), loc="left", fontsize=TITLE, fontweight="bold",
            color=BLACK, pad=pad,
        )  # fmt: skip
    if x:
        axes.set_xlabel(x, fontsize=LABEL, color=BLACK)
    if y:
        axes.set_ylabel(y, fontsize=LABEL, color=BLACK)
    axes.tick_params(which="both", labelsize=TICK, color=GREY, labelcolor=BLACK)
    axes.set_facecolor("white")
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(GREY)
    axes.grid(False)
    if grid:
        axes.grid(True, axis=grid, color="#e6e6e6", linewidth=0.7, linestyle="-")  # type: ignore[arg-type]
    axes.set_axisbelow(True)


def broken(title: str, characters: int) -> str:
    """A title in lines of so many characters, none of which begins with a unit.

    Examples
    --------
    >>> broken("live at most: 4.47 MB", 19)
    'live at most:\\n4.47 MB'
    """
    held = re.sub(r"(?<=[0-9]) (?=([kMGT]?B|ms|us|s)\b)", "\N{NO-BREAK SPACE}", title)
    return fill(held, characters).replace("\N{NO-BREAK SPACE}", " ")


def _characters(axes: Axes) -> int:
    """About how many bold characters fit above axes, before the layout is known."""
    part = axes.figure  # a figure, or the part of one that these axes are in
    inches = float(part.bbox.width / part.figure.dpi)
    share = axes.get_position().width
    return max(20, int(9.3 * (share * inches if share < 0.6 else inches - 1.2)))


ABOVE: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "borderaxespad": 0.3}
"""Options of a legend in one line above the axes; :func:`dress` then takes ``pad=ROOM``."""

ROOM = 22
"""Points between axes and title in which such a legend fits."""


def legend(
    axes: Axes, handles: Iterable[Artist | tuple[Artist, ...]], title: str = "", **options: Any
) -> None:
    """Put the legend to the right of the axes, where it covers no data."""
    box = axes.legend(
        handles=list(handles),
        title=title or None,
        **{
            "loc": "upper left",
            "bbox_to_anchor": (1.01, 1.0),
            "borderaxespad": 0.0,
            "fontsize": TICK,
            "title_fontsize": TICK,
            "frameon": False,
            "labelcolor": BLACK,
            **options,
        },
    )
    box.set_alignment("left")


def patch(look: Look, label: str) -> Patch:
    """A legend's handle of an area."""
    from matplotlib.patches import Patch

    return Patch(facecolor=look.colour, hatch=look.hatch, edgecolor=EDGE, label=label, linewidth=0)


def short(text: str) -> str:
    """A formatted quantity without the zeros that end its number.

    Examples
    --------
    >>> short("2.00 MB"), short("1.31 MB"), short("100 GB/s")
    ('2 MB', '1.31 MB', '100 GB/s')
    """
    number, space, unit = text.partition(" ")
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    return f"{number}{space}{unit}"


def si(value: float) -> str:
    """A number of bytes with the shortest SI text.

    Examples
    --------
    >>> si(10_000), si(2_000_000), si(1_310_000), si(0)
    ('10 kB', '2 MB', '1.31 MB', '0')
    """
    return short(format_bytes(round(value))) if value else "0"


def chosen_size(value: float) -> str:
    """A size that somebody chose: as :func:`si`, or in binary units where these were meant.

    They were where three digits of SI are not exact and four of a binary unit are.

    Examples
    --------
    >>> chosen_size(2_000_000), chosen_size(65_536), chosen_size(1_572_864), chosen_size(65_537)
    ('2 MB', '64 KiB', '1.5 MiB', '65.5 kB')
    """
    text, whole = si(value), round(value)
    number, _, unit = text.partition(" ")
    if not whole or Fraction(number) * SI.get(unit.removesuffix("B"), 1) == whole:
        return text
    for unit, step in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if whole >= step and Fraction(f"{whole / step:.4g}") * step == whole:
            return f"{whole / step:.4g} {unit}"
    return text


def bytes_axis(axis: Axis, told: Callable[[float], str] = si) -> None:
    """Label the ticks of an axis in bytes: ``0``, ``500 kB``, ``2 MB``; or as ``told`` says."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: told(value)))
    axis.set_minor_formatter(NullFormatter())
