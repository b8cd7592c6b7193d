"""Stage ticks: marks along an axis of kernels that tell where in a network they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from memsim.network.stages import stages
from memsim.plot.style import TICK

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def share_of_name(stage: str) -> float:
    """Share of an axis that a stage needs for its name to be written.

    Examples
    --------
    >>> share_of_name("block1") > share_of_name("7")
    True
    """
    return max(0.02, 0.0085 * len(stage))


def mark_stages(axes: Axes, names: Sequence[str]) -> None:
    """Ticks at the edges of stages, the names of the wide ones in their middle."""
    runs = stages(names)
    axes.set_xlim(0, len(names))
    axes.set_xticks([begin for _, begin, _ in runs] + [len(names)], minor=True)
    wide = [(s, b, e) for s, b, e in runs if (e - b) / len(names) >= share_of_name(s)]
    axes.set_xticks([(begin + end) / 2 for _, begin, end in wide])
    axes.set_xticklabels([stage for stage, _, _ in wide], fontsize=TICK)
    axes.tick_params(axis="x", which="major", length=0)
    axes.tick_params(axis="x", which="minor", length=5)
