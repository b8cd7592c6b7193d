"""Groups of layers that are to run depth first together, as a network's file or a user says them.

What a group says is layers by name. Which kernels these become is for a lowering to decide; what
can be told from the layers alone is checked here: that they exist, that groups do not overlap, and
that no layer is left out between two of a group.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from memsim.errors import InputError, Problem
from memsim.network.layer import Layer

__all__ = ["LayerGroup", "carried_groups", "group_problems"]

MOST_NAMES = 12
"""Layers that an error lists."""

RANGE = ".."


@dataclass(frozen=True, slots=True)
class LayerGroup:
    """Layers that run depth first together.

    Parameters
    ----------
    text : str
        ``FIRST..LAST``, all layers from one to another as the file lists them; ``NAME,NAME`` layers
        by name. A name also stands for all layers below it, such as a block.
    place : Problem
        Where it was said; its ``file``, ``line``, ``column`` and ``path`` go into errors.

    Examples
    --------
    >>> LayerGroup("a..c").layers(["a", "b", "c.conv", "c.bn", "d"])
    ['a', 'b', 'c.conv', 'c.bn']
    """

    text: str
    place: Problem = field(default=Problem("", path="group"), compare=False, repr=False)

    def __str__(self) -> str:
        return self.text

    @property
    def items(self) -> list[str]:
        """The names and ranges that it lists."""
        return [item.strip() for item in self.text.split(",")]

    def problem(self, message: str, hint: str = "") -> Problem:
        """A problem at its place."""
        return replace(self.place, message=message, hint=hint)

    def layers(self, names: Sequence[str]) -> list[str]:
        """The names of its layers, in order.

        Parameters
        ----------
        names : sequence of str
            Of all layers, in the order in which the network lists them.

        Raises
        ------
        InputError
            For an unknown layer, or a range that runs backwards.
        """
        chosen: set[str] = set()
        for item in self.items:
            first, dots, last = item.partition(RANGE)
            begin = self._below(names, first)
            if not dots:
                chosen.update(begin)
                continue
            end = self._below(names, last)
            low, high = names.index(begin[0]), names.index(end[-1])
            if low > high:
                raise InputError(self.problem(f"{last} comes before {first}", f"{last}..{first}"))
            chosen.update(names[low : high + 1])
        return [name for name in names if name in chosen]

    def _below(self, names: Sequence[str], name: str) -> list[str]:
        """The layer of a name and all layers whose names begin with it, in order."""
        below = [each for each in names if f"{each}.".startswith(f"{name}.")]
        if name and below:
            return below
        parts = [each.split(".") for each in names]
        known = {".".join(each[:count]) for each in parts for count in range(1, len(each) + 1)}
        close = get_close_matches(name, sorted(known), n=1)
        tops = list(dict.fromkeys(each[0] for each in parts))
        some = ", ".join(tops[:MOST_NAMES]) + (", ..." if len(tops) > MOST_NAMES else "")
        hint = f"did you mean {close[0]!r}?" if close else f"known: {some}"
        raise InputError(self.problem(f"there is no layer {name!r}", hint))


def group_problems(layers: Mapping[str, Layer], groups: Iterable[LayerGroup]) -> Iterator[Problem]:
    """What is wrong with the groups that a network says, whatever its lowering.

    Parameters
    ----------
    layers : mapping of str to Layer
        All layers by name, in order.
    groups : iterable of LayerGroup

    Yields
    ------
    Problem
        For an unknown layer, a range that runs backwards, a group of less than two layers, layers
        in two groups, and a group that is not convex: a layer between two of its own is left out.

    Examples
    --------
    >>> import memsim
    >>> layers = {layer.name: layer for layer in memsim.load("resnet18")}
    >>> print(*group_problems(layers, [LayerGroup("conv1,stage.1.1")]))
    group: conv1,stage.1.1 is not convex: maxpool1 depends on it, and stage.1.1.conv1.conv on that \
(take maxpool1 into the group)
    """
    taken: dict[str, LayerGroup] = {}
    for group in groups:
        try:
            members = group.layers(list(layers))
        except InputError as error:
            yield from error.problems
            continue
        computed = [name for name in members if not layers[name].op.is_input]
        if len(computed) < 2:
            message = f"{group} is {f'the layer {computed[0]} alone' if computed else 'no layer'}"
            yield group.problem(message, "a group is of two layers or more")
            continue
        twice = [name for name in computed if name in taken]
        if twice:
            message = f"groups overlap: {twice[0]} is in {taken[twice[0]]} and in {group}"
            yield group.problem(message, "one layer runs in one group")
            continue
        taken.update(dict.fromkeys(computed, group))
        between = _between(layers, set(members))
        if between:
            first, reader = between[0], _reader(layers, between[-1], members)
            message = f"{group} is not convex: {first} depends on it, and {reader} on that"
            more = f" and {len(between) - MOST_NAMES} more" if len(between) > MOST_NAMES else ""
            hint = f"take {', '.join(between[:MOST_NAMES])}{more} into the group"
            yield group.problem(message, hint)


def carried_groups(
    groups: Iterable[LayerGroup], names: Sequence[str], layers: Mapping[str, Layer]
) -> tuple[LayerGroup, ...]:
    """What groups are in a network of other layers, or of the same in another order.

    Parameters
    ----------
    groups : iterable of LayerGroup
    names : sequence of str
        All layers of the network that says them, in order.
    layers : mapping of str to Layer
        All layers of the other network.

    Returns
    -------
    tuple of LayerGroup
        Those of their layers that are there; groups that are none any more are left out.
    """
    if list(names) == list(layers):
        return tuple(groups)
    found = []
    for group in groups:
        kept = ",".join(name for name in group.layers(names) if name in layers)
        group = replace(group, text=kept)
        if not any(group_problems(layers, [group])):
            found.append(group)
    return tuple(found)


def _between(layers: Mapping[str, Layer], members: set[str]) -> list[str]:
    """The layers outside that depend on some members and that other members depend on, in order."""
    behind: set[str] = set()
    for layer in layers.values():
        sources = [tensor.name for tensor in layer.inputs]
        if layer.name not in members and any(n in members or n in behind for n in sources):
            behind.add(layer.name)
    ahead: set[str] = set()
    for layer in reversed(list(layers.values())):
        if layer.name in members or layer.name in ahead:
            ahead.update(tensor.name for tensor in layer.inputs if tensor.name not in members)
    return [name for name in layers if name in behind and name in ahead]


def _reader(layers: Mapping[str, Layer], outside: str, members: Sequence[str]) -> str:
    """The first member that reads the last of the layers between."""
    reads = {name: [tensor.name for tensor in layers[name].inputs] for name in members}
    return next(name for name in members if outside in reads[name])
