"""Stages: runs of layers whose names begin alike, such as ``block1``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby


def stages(names: Sequence[str]) -> list[tuple[str, int, int]]:
    """Runs of kernels with the same first part of their names: stage, begin, end.

    Examples
    --------
    >>> stages(["conv1.conv", "block1.1.conv", "block1.2.conv", "linear1"])
    [('conv1', 0, 1), ('block1', 1, 3), ('linear1', 3, 4)]
    >>> stages(["block1.1.conv", "block1.2.concat", "block1.2.conv"])
    [('1', 0, 1), ('2', 1, 3)]
    """
    runs, begin = [], 0
    firsts = [name.split(".")[0] for name in names]
    if len(set(firsts)) == 1:  # one block alone: its layers are the stages
        firsts = [".".join(name.split(".")[1:2]) for name in names]
    for stage, run in groupby(firsts):
        end = begin + len(list(run))
        runs.append((stage, begin, end))
        begin = end
    return runs
