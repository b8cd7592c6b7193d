"""What a foreign program does with memory, as far as a network can say it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from memsim.network import Network, Node
from memsim.network.storage import executes, last_uses, sound_writes

__all__ = ["held_layers", "with_memory"]


def held_layers(
    layer_of: Mapping[str, str],
    starts: Mapping[str, int],
    names: Sequence[str],
    freed: Mapping[str, str],
) -> dict[str, str]:
    """By layer the layer after which its memory is freed.

    Parameters
    ----------
    layer_of : mapping of str to str
        By value the layer that it is.
    starts : mapping of str to int
        By record, in order, how many layers there were before it; values are named like the
        record that makes them.
    names : sequence of str
        Of all layers, in order.
    freed : mapping of str to str
        By value the record after which its memory is freed.

    Examples
    --------
    >>> layers = {"conv2d": "stem", "relu_": "act"}
    >>> held_layers(layers, {"conv2d": 1, "relu_": 2}, ["x", "stem", "act"], {"conv2d": "relu_"})
    {'stem': 'act'}
    """
    ends = [*starts.values(), len(names)][1:]
    stops = dict(zip(starts, ends, strict=bool(starts)))
    held = {}
    for value, record in freed.items():
        if value not in layer_of or value not in starts or not stops.get(record):
            continue  # nothing is made of it
        layer = layer_of[value]
        if layer in names[starts[value] : stops[value]]:  # else it shows what others made
            held[layer] = names[stops[record] - 1]
    return held


def with_memory(network: Network, over: Collection[str], held: Mapping[str, str]) -> Network:
    """A network with ``inplace`` and ``held``.

    Parameters
    ----------
    network : Network
        Without them.
    over : collection of str
        Layers that write over their first input. Where that cannot be said, since the graph reads
        what was written over (it saw it through another view), the layer is left as it is.
    held : mapping of str to str
        By layer the layer after which its memory is freed; those that the graph does not need are
        passed over, and so is what is freed after its last reader.
    """
    sound = sound_writes(network, network.outputs, over)
    if sound:
        nodes = [_written(node) if node.name in sound else node for node in network.nodes]
        network = network.with_nodes(nodes, held={})
    position = {layer.name: number for number, layer in enumerate(network)}
    last, longer = last_uses(network), {}
    run = ""
    latest: dict[str, str] = {}  # by layer the one that ran last, views not counting
    for layer in network:
        run = layer.name if executes(layer) else run
        latest[layer.name] = run
    for name, until in held.items():
        end = latest.get(until, "")
        if end and name in last and position[end] > position[last[name]]:
            longer[name] = end
    return network.with_nodes(network.nodes, held=longer) if longer else network


def _written(node: Node) -> Node:
    return replace(node, op=node.op.model_copy(update={"inplace": True}))
