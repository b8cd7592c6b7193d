"""Stages, blocks and modules: layers whose dotted names begin alike, such as ``block1.2``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from memsim.errors import InputError, Problem, did_you_mean

BY = ("stage", "block", "module")
"""Ways to group layers, from the coarsest to the finest."""


def stages(names: Sequence[str]) -> list[tuple[str, int, int]]:
    """Runs of kernels of the same stage, as :func:`grouped` has it: stage, begin, end.

    Examples
    --------
    >>> stages(["conv1.conv", "block1.1.conv", "block1.2.conv", "linear1"])
    [('conv1', 0, 1), ('block1', 1, 3), ('linear1', 3, 4)]
    >>> stages(["conv1.conv", "stage.1.1.conv", "stage.1.2.conv", "stage.2.1.conv"])
    [('conv1', 0, 1), ('stage.1', 1, 3), ('stage.2', 3, 4)]
    >>> stages(["block1.1.conv", "block1.2.concat", "block1.2.conv"])
    [('1', 0, 1), ('2', 1, 3)]
    """
    runs, begin = [], 0
    if len({name.split(".")[0] for name in names}) == 1:  # one block: its layers are the stages
        found = [".".join(name.split(".")[1:2]) for name in names]
    else:
        found = grouped(names, "stage")
    for stage, run in groupby(found):
        end = begin + len(list(run))
        runs.append((stage, begin, end))
        begin = end
    return runs


def grouped(names: Sequence[str], by: int | str) -> list[str]:
    """The group of each layer, by its name alone.

    Parameters
    ----------
    names : sequence of str
        Dotted paths, as modules and blocks give them to their layers.
    by : int or str
        How many parts of the names count: layers with the same ones are a group. Or a word, for
        parts beyond those that all names share: a ``stage`` is the first one, with the number that
        follows it if it has none itself (``layer1``, ``stage.2``); a ``block`` is what is counted
        in a stage (``layer1.0``, ``stages.2.blocks.5``), or the stage where nothing is; a
        ``module`` is all but the last part, what holds the layer.

    Raises
    ------
    InputError
        For another word, or a number below 1.

    Examples
    --------
    >>> names = ["net.stem", "net.layer1.0.conv1", "net.layer1.1.conv1", "net.layer1.1.add"]
    >>> grouped(names, 2)
    ['net.stem', 'net.layer1', 'net.layer1', 'net.layer1']
    >>> grouped(names, "stage") == grouped(names, 2)
    True
    >>> grouped(names, "block")
    ['net.stem', 'net.layer1.0', 'net.layer1.1', 'net.layer1.1']
    >>> grouped(["conv1.conv", "stage.1.2.conv1.bn", "stage.2.1.add", "linear"], "stage")
    ['conv1', 'stage.1', 'stage.2', 'linear']
    >>> grouped(["conv1.conv", "stage.1.2.conv1.bn", "stage.2.1.add", "linear"], "block")
    ['conv1', 'stage.1.2', 'stage.2.1', 'linear']
    >>> grouped(["conv1.conv", "stage.1.2.conv1.bn", "stage.2.1.add", "linear"], "module")
    ['conv1', 'stage.1.2.conv1', 'stage.2.1', 'linear']
    """
    parts = [name.split(".") for name in names]
    if isinstance(by, str):
        if by not in BY:
            problem = Problem(f"there are no groups by {by!r}", "by", did_you_mean(by, BY))
            raise InputError(problem)
        shared = _shared(parts)
        counts = [_counts(each, shared)[BY.index(by)] for each in parts]
    elif by < 1:
        raise InputError(Problem(f"a name has no {by} parts", "by", "at least 1"))
    else:
        counts = [by] * len(parts)
    return [".".join(each[:count]) for each, count in zip(parts, counts, strict=True)]


def _counts(parts: Sequence[str], shared: int) -> tuple[int, int, int]:
    """How many parts of a name are its stage, its block and its module."""
    last = len(parts) - 1
    stage = shared + 1
    if stage < last and parts[stage].isdecimal() and not _numbered(parts[shared]):
        stage += 1
    block = stage
    if stage < last and _numbered(parts[stage]):
        block = stage + 1
    elif stage + 1 < last and parts[stage + 1].isdecimal():
        block = stage + 2
    return stage, block, max(last, shared + 1)


def _numbered(part: str) -> bool:
    return part[-1:].isdecimal()


def _shared(parts: Sequence[Sequence[str]]) -> int:
    """How many first parts all names share; of each name one is left at least."""
    if not parts:
        return 0
    most = min(map(len, parts)) - 1
    first = parts[0]
    alike = (all(each[at] == first[at] for each in parts) for at in range(most))
    return next((at for at, same in enumerate(alike) if not same), most)
