"""Groups by a pattern: by what the network is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from memsim.network.graph import Network
from memsim.network.layer import Layer
from memsim.network.ops.conv import Conv
from memsim.network.stages import grouped
from memsim.program.depth_first.groups import kernel_groups
from memsim.program.depth_first.units import Group
from memsim.program.kernel import Kernel
from memsim.registry import Registry

PATTERNS: Registry[Callable[[Network, Sequence[Kernel]], list[Group]]] = Registry(
    "pattern of groups"
)
"""Groups by what the network is made of: (network, kernels) -> groups of two kernels at least."""


FILE = "file"
"""The groups that the network's file says."""


@PATTERNS.register("per_block")
def per_block(network: Network, kernels: Sequence[Kernel]) -> list[Group]:
    """The blocks of the file: kernels in a row whose names say the same block."""
    names = grouped([kernel.name for kernel in kernels], "block")
    runs: list[list[int]] = []
    for number, name in enumerate(names):
        if runs and names[runs[-1][-1]] == name:
            runs[-1].append(number)
        else:
            runs.append([number])
    return [tuple(run) for run in runs if len(run) > 1]


@PATTERNS.register("inverted_residual")
def inverted_residual(network: Network, kernels: Sequence[Kernel]) -> list[Group]:
    """A pointwise convolution, the depthwise one that reads it, and the pointwise one after it.

    With what is elementwise between them and nobody else reads.

    Examples
    --------
    >>> import memsim
    >>> from memsim.program.lowering import LOWERINGS
    >>> net = memsim.load("mobilenetv2")
    >>> inverted_residual(net, LOWERINGS["fused"].lower(net))[:2]
    [(3, 4, 5), (6, 7, 8)]
    """
    found = []
    for before, middle, after in _around_depthwise(network):
        if before and after:
            found.append([*before, middle, *after])
    return _of_kernels(kernels, found)


@PATTERNS.register("depthwise")
def depthwise(network: Network, kernels: Sequence[Kernel]) -> list[Group]:
    """A depthwise convolution with the pointwise one that it reads; else with that after it.

    Examples
    --------
    >>> import memsim
    >>> from memsim.program.lowering import LOWERINGS
    >>> net = memsim.load("mobilenetv2")
    >>> depthwise(net, LOWERINGS["fused"].lower(net))[:2]
    [(1, 2), (3, 4)]
    """
    found = []
    for before, middle, after in _around_depthwise(network):
        if before or after:
            found.append([*before, middle] if before else [middle, *after])
    return _of_kernels(kernels, found)


@PATTERNS.register(FILE)
def by_file(network: Network, kernels: Sequence[Kernel]) -> list[Group]:
    """The groups that the network's file says; none where it says none.

    Raises
    ------
    InputError
        If they are no groups of these kernels, see :func:`kernel_groups`.
    """
    return kernel_groups(network, kernels, network.groups)


def _around_depthwise(network: Network) -> Iterable[tuple[list[str], str, list[str]]]:
    """Each depthwise convolution with the chains to the pointwise ones before and after it."""
    readers = network.readers
    for layer in network:
        if not _is_depthwise(layer):
            continue
        before: list[str] = []
        at = network[layer.inputs[0].name]
        while len(readers[at.name]) == 1:
            before.insert(0, at.name)
            if _is_pointwise(at):
                break
            if not _passes(at):
                before = []
                break
            at = network[at.inputs[0].name]
        else:
            before = []
        after: list[str] = []
        name = layer.name
        while len(readers[name]) == 1:
            (name,) = readers[name]
            after.append(name)
            if _is_pointwise(network[name]):
                break
            if not _passes(network[name]):
                after = []
                break
        else:
            after = []
        yield before, layer.name, after


def _is_depthwise(layer: Layer) -> bool:
    return isinstance(layer.op, Conv) and layer.op.groups == layer.shapes[0][0] > 1


def _is_pointwise(layer: Layer) -> bool:
    op = layer.op
    return isinstance(op, Conv) and op.groups == 1 and op.kernel in (1, (1, 1))


def _passes(layer: Layer) -> bool:
    """Whether it is elementwise and reads one map."""
    return len(layer.inputs) == 1 and layer.op.elementwise


def _of_kernels(kernels: Sequence[Kernel], found: Iterable[Sequence[str]]) -> list[Group]:
    """The kernels of layers, as groups that do not overlap: of two that do, the first."""
    taken: set[int] = set()
    groups = []
    for layers in found:
        group = [n for n, each in enumerate(kernels) if set(layers).intersection(each.layers)]
        if len(group) > 1 and not taken.intersection(group):
            taken.update(group)
            groups.append(tuple(group))
    return groups
