"""Stages: ticks that tell where in a network a kernel is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from memsim.plot.style import TICK

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def room(stage: str) -> float:
    """Share of an axis that a stage needs for its name to be written.

    Examples
    --------
    >>> room("block1") > room("7")
    True
    """
    return max(0.02, 0.0085 * len(stage))


def stages(names: Sequence[str]) -> list[tuple[str, int, int]]:
    """Runs of kernels with the same first part of their names: stage, begin, end.

    Examples
    --------
    >>> stages(["conv1.conv", "block1.1.conv", "block1.2.conv", "linear1"])
    [('conv1', 0, 1), ('block1', 1, 3), ('linear1', 3, 4)]
    >>> stages(["block1.1.conv", "block1.2.concat", "block1.2.conv"])
    [('1', 0, 1), ('2', 1, 3)]
    """
    found, begin = [], 0
    firsts = [name.split(".")[0] for name in names]
    if len(set(firsts)) == 1:  # one block alone: its layers are the stages
        firsts = [".".join(name.split(".")[1:2]) for name in names]
    for stage, run in groupby(firsts):
        end = begin + len(list(run))
        found.append((stage, begin, end))
        begin = end
    return found


def mark_stages(axes: Axes, names: Sequence[str]) -> None:
    """Ticks at the edges of stages, the names of the wide ones in their middle."""
    found = stages(names)
    axes.set_xlim(0, len(names))
    axes.set_xticks([begin for _, begin, _ in found] + [len(names)], minor=True)
    wide = [(s, b, e) for s, b, e in found if (e - b) / len(names) >= room(s)]
    axes.set_xticks([(begin + end) / 2 for _, begin, end in wide])
    axes.set_xticklabels([stage for stage, _, _ in wide], fontsize=TICK)
    axes.tick_params(axis="x", which="major", length=0)
    axes.tick_params(axis="x", which="minor", length=5)
