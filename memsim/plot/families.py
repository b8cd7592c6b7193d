"""Families: how networks of the paper's tables look, and to which family each belongs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from memsim.plot.style import BLACK, GREY, PATTERNS, Look

if TYPE_CHECKING:
    from matplotlib.lines import Line2D

FAMILIES = {
    "hardnet": PATTERNS["harmonic"],
    "densenet": PATTERNS["dense"],
    "resnet": Look(PATTERNS["sparse"].colour, "", "-.", "^"),
    "others": Look(GREY, "", ":", "s"),
}
"""How the families of networks look."""


def family(name: str) -> str:
    """The family of a network, by its name.

    Examples
    --------
    >>> family("hardnet68ds"), family("vgg16")
    ('hardnet', 'others')
    """
    return next((known for known in FAMILIES if name.startswith(known)), "others")


def family_handles(names: Sequence[str]) -> list[Line2D]:
    """Legend handles of the families that occur."""
    from matplotlib.lines import Line2D

    present = {family(name) for name in names}
    return [
        Line2D(
            [], [], linestyle="none", marker=look.marker, color=look.colour, label=name,
            markeredgecolor=BLACK, markeredgewidth=0.3,
        )
        for name, look in FAMILIES.items()
        if name in present
    ]  # fmt: skip
