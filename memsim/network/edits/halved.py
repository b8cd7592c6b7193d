"""The edit ``halve=STAGE``: a stage that runs at half the resolution."""

from __future__ import annotations

from dataclasses import replace

from memsim.errors import InputError, Problem, did_you_mean
from memsim.network.graph import Network
from memsim.network.layer import Node
from memsim.network.ops.pool import MaxPool
from memsim.network.ops.shape import Upsample
from memsim.network.stages import grouped

__all__ = ["halved", "stages_of"]


def stages_of(network: Network) -> dict[str, str]:
    """The stage of each layer that computes, by the layer's name."""
    names = [layer.name for layer in network if not (layer.op.is_input or layer.op.is_parameter)]
    return dict(zip(names, grouped(names, "stage"), strict=True))


def halved(network: Network, where: str) -> Network:
    """A network in which one stage sees maps of half the height and width.

    A 2x2 maximum is taken of each map that enters the stage, and what leaves it is brought back to
    its old size, each old pixel from the nearest: so all other layers stay as they are. Both cost
    what they cost.

    Parameters
    ----------
    network : Network
    where : str
        A stage, as ``memsim run --by stage`` lists them.

    Raises
    ------
    InputError
        If there is no such stage, or its layers do not fit half the resolution.

    Examples
    --------
    >>> import memsim
    >>> network = memsim.load("hardnet68")
    >>> edited = halved(network, "block1")
    >>> network["block1.1.conv"].output.shape, edited["block1.1.conv"].output.shape
    ((1, 14, 56, 56), (1, 14, 28, 28))
    >>> edited["block2.1.conv"].output.shape == network["block2.1.conv"].output.shape
    True
    """
    stages = stages_of(network)
    if where not in stages.values():
        hint = did_you_mean(where, dict.fromkeys(stages.values()))
        raise _wrong(f"{network.name} has no stage {where!r}", hint)
    inside = {name for name, stage in stages.items() if stage == where}
    small = _entering(network, inside)
    if not small:
        raise _wrong(f"no map enters the stage {where}", "")
    leaving = [
        name
        for name in inside
        if name in network.outputs or not inside.issuperset(network.readers[name])
    ]
    alone = Network(
        network.name, _needed(small, leaving), leaving, dtype=network.dtype, batch=network.batch
    )
    changed = [name for name in leaving if alone[name].output.image != network[name].output.image]
    if given := [name for name in changed if name in network.outputs]:
        raise _wrong(f"{given[0]} of the stage {where} is an output of the network", "")
    back = {name: f"{name}.restored" for name in changed}
    nodes = []
    for node in small:
        if node.name not in inside:
            node = replace(node, inputs=tuple(back.get(each, each) for each in node.inputs))
        nodes.append(node)
        if node.name in back:
            _, height, width = network[node.name].output.image.box
            size = Upsample(size=(height, width))
            nodes.append(Node(back[node.name], size, (node.name,)))
    return network.with_nodes(nodes)


def _entering(network: Network, inside: set[str]) -> list[Node]:
    """The nodes, where the stage reads each map through a pool; empty where it reads none."""
    pools: dict[str, str] = {}
    for layer in network:
        if layer.name not in inside and inside.intersection(network.readers[layer.name]):
            image = layer.output.image
            if len(image) == 3 and min(image[1:]) > 1 and not layer.op.is_parameter:
                pools[layer.name] = f"{layer.name}.halved"
    if not pools:
        return []
    nodes: list[Node] = []
    for layer in network:
        node = layer.node
        if node.name in inside:
            node = replace(node, inputs=tuple(pools.get(each, each) for each in node.inputs))
        nodes.append(node)
        if node.name in pools:
            nodes.append(Node(pools[node.name], MaxPool(kernel=2), (node.name,)))
    return nodes


def _needed(nodes: list[Node], ends: list[str]) -> list[Node]:
    """The nodes that some of these depend on, in order."""
    found = set(ends)
    for node in reversed(nodes):
        if node.name in found:
            found.update(node.inputs)
    return [node for node in nodes if node.name in found]


def _wrong(message: str, hint: str) -> InputError:
    return InputError(Problem(message, "--edit", hint))
