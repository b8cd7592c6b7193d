"""Folding: the stages of a large network as one node each, until one is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from memsim.errors import InputError, Problem, did_you_mean
from memsim.network.stages import stages

ALL = "all"
"""Expands every block."""

MOST_NODES = 100
"""Kernels up to which nothing is folded where nobody says what to expand."""

WORTH = 3
"""Kernels from which on a block is folded: fewer are as easily drawn."""


@dataclass(frozen=True, slots=True)
class Folded:
    """A graph some of whose nodes stand for many.

    Attributes
    ----------
    readers : dict of str to list of str
        For every node those that read it, in an order in which they can be executed.
    members : dict of str to tuple of str
        What the nodes that stand for many stand for.
    """

    readers: dict[str, list[str]]
    members: dict[str, tuple[str, ...]]


def folded(
    readers: Mapping[str, Sequence[str]], first: int, expand: Iterable[str] | None
) -> Folded:
    """Fold the stages of a graph of kernels, but for those to expand.

    A stage is a run of kernels that are executed one after another, so what is folded has no
    cycle.

    Parameters
    ----------
    readers : mapping of str to sequence of str
        As :class:`Folded` has it; inputs come first.
    first : int
        The number of inputs, which are never folded.
    expand : iterable of str, optional
        Stages to leave as they are, or ``all``; if left out, all of a small network and none of
        a large one.

    Raises
    ------
    InputError
        If there is nothing of that name to expand.

    Examples
    --------
    >>> chain = {"in": ["a.1"], "a.1": ["a.2"], "a.2": ["a.3", "b"], "a.3": ["b"], "b": []}
    >>> folded(chain, 1, []).readers
    {'in': ['a'], 'a': ['b'], 'b': []}
    >>> folded(chain, 1, ["a"]).members
    {}
    """
    wanted = None if expand is None else list(expand)
    nodes = list(readers)
    members = _members(nodes, first)
    for name in wanted or ():
        if name != ALL and name not in members:
            hint = did_you_mean(name, members) or f"it has {', '.join(members) or 'none to expand'}"
            raise InputError(Problem(f"there is no block {name!r}", path="expand", hint=hint))
    if ALL in (wanted or ()) or (wanted is None and len(nodes) <= MOST_NODES):
        members = {}
    for name in wanted or ():
        members.pop(name, None)
    node_of = {kernel: name for name, kernels in members.items() for kernel in kernels}
    merged: dict[str, dict[str, None]] = {}
    for kernel, targets in readers.items():
        own = node_of.get(kernel, kernel)
        found = merged.setdefault(own, {})
        found.update((node, None) for t in targets if (node := node_of.get(t, t)) != own)
    return Folded({name: list(targets) for name, targets in merged.items()}, members)


def _members(nodes: Sequence[str], first: int) -> dict[str, tuple[str, ...]]:
    """Blocks worth folding; a second run of one name is told apart from the first."""
    found: dict[str, tuple[str, ...]] = {}
    for stage, begin, end in stages(nodes[first:]):
        if end - begin < WORTH:
            continue
        name, count = stage, 1
        while name in found or name in nodes:
            count += 1
            name = f"{stage}#{count}"
        found[name] = tuple(nodes[first + begin : first + end])
    return found
