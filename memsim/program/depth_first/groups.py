"""Groups: which kernels run depth first together, as a user or a network's file names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from memsim.errors import InputError
from memsim.network.graph import Network
from memsim.network.groups import LayerGroup
from memsim.program.depth_first.units import Group
from memsim.program.kernel import Kernel
from memsim.program.kernel_graph import kernel_readers

Readers = Mapping[str, Sequence[str]]
"""By the name of an input or a kernel the kernels that read it."""


def kernel_groups(
    network: Network,
    kernels: Sequence[Kernel],
    told: Sequence[str | LayerGroup | Group],
    readers: Readers | None = None,
) -> list[Group]:
    """The groups that texts mean.

    Parameters
    ----------
    network : Network
    kernels : sequence of Kernel
        Of some lowering of the network.
    told : sequence of str, LayerGroup or tuple of int
        A group each, as :class:`memsim.network.groups.LayerGroup` has it, or the numbers of its
        kernels. A kernel is in a group if any of its layers is.
    readers : mapping, optional
        What :func:`~memsim.program.kernel_graph.kernel_readers` tells of them, where it is known.

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
    if readers is None:
        readers = kernel_readers(network, kernels)
    found: list[Group] = []
    taken: dict[int, LayerGroup] = {}
    for each in told:
        said = each if isinstance(each, LayerGroup) else LayerGroup(str(each))
        group = each if isinstance(each, tuple) else _kernels(network, kernels, said)
        for number in group:
            if number in taken:
                name, first = kernels[number].name, taken[number]
                both = "twice" if first == said else f"in {first} and in {said}"
                message = f"groups overlap: the kernel of {name} is {both}"
                raise InputError(said.problem(message, "one kernel runs in one group"))
            taken[number] = said
        _check_convex(readers, kernels, group, said)
        found.append(group)
    return found


def _kernels(network: Network, kernels: Sequence[Kernel], said: LayerGroup) -> Group:
    chosen = set(said.layers([layer.name for layer in network]))
    group = tuple(n for n, kernel in enumerate(kernels) if chosen.intersection(kernel.layers))
    if len(group) < 2:
        what = f"the kernel of {kernels[group[0]].name} alone" if group else "no kernel"
        raise InputError(said.problem(f"{said} is {what}", "a group is of two kernels or more"))
    return group


def _check_convex(
    readers: Readers, kernels: Sequence[Kernel], group: Group, said: LayerGroup
) -> None:
    """No kernel outside may read of the group and be read by it."""
    after = _behind(readers, kernels, set(group))
    members = {kernels[number].name for number in group}
    for name in after:
        inside = [reader for reader in readers[name] if reader in members]
        if inside and name not in members:
            message = f"group {said} is not convex: {name} reads of it, and {inside[0]} reads that"
            raise InputError(said.problem(message, f"take {name} into the group"))


def _behind(readers: Readers, kernels: Sequence[Kernel], group: set[int]) -> list[str]:
    """The kernels outside of a group that depend on it, in order."""
    reached = {kernels[number].name for number in group}
    members = frozenset(reached)
    found = []
    for kernel in kernels:
        if kernel.name in reached:
            reached.update(readers[kernel.name])
            if kernel.name not in members:
                found.append(kernel.name)
    return found
