"""Groups: which kernels run depth first together, as a user names them."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from memsim.errors import InputError, Problem
from memsim.network.graph import Network
from memsim.program.depth_first.units import Group
from memsim.program.kernel import Kernel
from memsim.program.kernel_graph import kernel_readers

MOST_NAMES = 12
"""Layers that an error lists."""


def kernel_groups(
    network: Network, kernels: Sequence[Kernel], told: Sequence[str | Group]
) -> list[Group]:
    """The groups that texts mean.

    Parameters
    ----------
    network : Network
    kernels : sequence of Kernel
        Of some lowering of the network.
    told : sequence of str or of tuple of int
        A group each: ``FIRST..LAST``, all layers from one to another as the file lists them;
        ``NAME,NAME`` layers by name; a name also stands for all layers below it, such as a block.
        A group may be the numbers of its kernels, too.

    Raises
    ------
    InputError
        For an unknown layer, a range that runs backwards, a group of less than two kernels, groups
        that overlap, or one that is not convex: a kernel between two of its own is left out.

    Examples
    --------
    >>> import memsim
    >>> from memsim.program.lowering import LOWERINGS
    >>> net = memsim.load("resnet18")
    >>> kernels = LOWERINGS["fused"].lower(net)
    >>> kernel_groups(net, kernels, ["conv1..maxpool1", "stage.1.1"])
    [(0, 1), (2, 3)]
    """
    found: list[Group] = []
    taken: dict[int, str] = {}
    for text in told:
        group = _one(network, kernels, text) if isinstance(text, str) else text
        text = str(text)
        for number in group:
            if number in taken:
                name = kernels[number].name
                both = "twice" if taken[number] == text else f"in {taken[number]} and in {text}"
                message = f"groups overlap: the kernel of {name} is {both}"
                raise _wrong(message, "one kernel runs in one group")
            taken[number] = text
        _check_convex(network, kernels, group, text)
        found.append(group)
    return found


def _wrong(message: str, hint: str = "") -> InputError:
    return InputError(Problem(message, path="group", hint=hint))


def _one(network: Network, kernels: Sequence[Kernel], text: str) -> Group:
    names = [layer.name for layer in network]
    chosen: set[str] = set()
    for item in str(text).split(","):
        first, dots, last = item.strip().partition("..")
        begin = _below(names, first)
        if not dots:
            chosen.update(begin)
            continue
        end = _below(names, last)
        low, high = names.index(begin[0]), names.index(end[-1])
        if low > high:
            raise _wrong(f"{last} comes before {first}", f"{last}..{first}")
        chosen.update(names[low : high + 1])
    group = tuple(n for n, kernel in enumerate(kernels) if chosen.intersection(kernel.layers))
    if len(group) < 2:
        what = f"the kernel of {kernels[group[0]].name} alone" if group else "no kernel"
        raise _wrong(f"{text} is {what}", "a group is of two kernels or more")
    return group


def _below(names: Sequence[str], name: str) -> list[str]:
    """The layer of a name, or all layers whose names begin with it, in order."""
    if name in names:
        return [name]
    below = [each for each in names if each.startswith(f"{name}.")]
    if name and below:
        return below
    parts = [each.split(".") for each in names]
    known = {".".join(each[:count]) for each in parts for count in range(1, len(each) + 1)}
    close = get_close_matches(name, sorted(known), n=1)
    tops = list(dict.fromkeys(each[0] for each in parts))
    some = ", ".join(tops[:MOST_NAMES]) + (", ..." if len(tops) > MOST_NAMES else "")
    hint = f"did you mean {close[0]!r}?" if close else f"known: {some}"
    raise _wrong(f"there is no layer {name!r}", hint)


def _check_convex(network: Network, kernels: Sequence[Kernel], group: Group, text: str) -> None:
    """No kernel outside may read of the group and be read by it."""
    after = _behind(network, kernels, set(group))
    members = {kernels[number].name for number in group}
    readers = kernel_readers(network, kernels)
    for name in after:
        inside = [reader for reader in readers[name] if reader in members]
        if inside and name not in members:
            message = f"group {text} is not convex: {name} reads of it, and {inside[0]} reads that"
            raise _wrong(message, f"take {name} into the group")


def _behind(network: Network, kernels: Sequence[Kernel], group: set[int]) -> list[str]:
    """The kernels outside of a group that depend on it, in order."""
    readers = kernel_readers(network, kernels)
    reached = {kernels[number].name for number in group}
    members = frozenset(reached)
    found = []
    for kernel in kernels:
        if kernel.name in reached:
            reached.update(readers[kernel.name])
            if kernel.name not in members:
                found.append(kernel.name)
    return found
