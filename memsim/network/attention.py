"""Attention written out: its kernel that keeps the scores on chip, as the products it consists of.

A kernel that keeps scores on chip reads queries, keys and values and writes the result
(FlashAttention, arXiv:2205.14135). Where there is none, the scores of all queries to all keys are a
tensor, which is written, and read by the softmax, and so are the shares that the softmax gives.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from memsim.errors import InputError, Problem
from memsim.network.graph import Network
from memsim.network.layer import Layer, Node
from memsim.network.ops import Operator
from memsim.network.ops.arrange import Permute, Reshape
from memsim.network.ops.linear import MatMul
from memsim.network.ops.norm import Softmax
from memsim.network.ops.pointwise import Add, Scale

__all__ = ["refuse_without", "written_out"]


def refuse_without(network: Network) -> None:
    """Raise InputError for a network without attention, of whose scores nothing can be said."""
    if not any(layer.op.kind == "attention" for layer in network):
        message = f"{network.name} has no attention, and so no scores"
        raise InputError(Problem(message, path="scores", hint="leave it out"))


def written_out(network: Network) -> Network:
    """A network with each attention as two products and a softmax of the scores between them.

    The layer keeps its name, which that of the second product is; those before it are called
    ``NAME.keys``, ``NAME.scores``, ``NAME.scaled``, ``NAME.masked`` and ``NAME.shares``.

    Parameters
    ----------
    network : Network
        Of the same MACs.

    Raises
    ------
    InputError
        If it has no attention, or heads of queries share those of keys under a mask, which then
        fits no product.

    Examples
    --------
    >>> import memsim
    >>> network = memsim.loads(
    ...     "{name: a, inputs: {q: [2, 9, 8], k: [2, 5, 8], v: [2, 5, 8]}, layers: [\\n"
    ...     "{name: y, attention: {}, from: [q, k, v]}]}")
    >>> [layer.name for layer in written_out(network) if not layer.op.is_input]
    ['y.keys', 'y.scores', 'y.scaled', 'y.shares', 'y']
    """
    refuse_without(network)
    nodes: list[Node] = []
    for node in network.nodes:
        if node.op.kind == "attention":
            nodes += _Parts(network[node.name], node)
        else:
            nodes.append(node)
    return network.with_nodes(nodes)


class _Parts:
    """The layers that one attention becomes."""

    def __init__(self, layer: Layer, node: Node) -> None:
        self.layer, self.node = layer, node
        self.last = ""

    def _part(self, name: str, op: Operator, *inputs: str) -> Node:
        self.last = f"{self.node.name}.{name}"
        return Node(self.last, op, inputs, self.node.place)

    def __iter__(self) -> Iterator[Node]:
        query, keys, values, *mask = self.node.inputs
        shapes = self.layer.shapes
        heads = shapes[0][:-2]
        shared = _shared(shapes[0], shapes[1])
        if shared and mask:
            message = "shares heads of keys under a mask: there is no product of all its scores"
            raise InputError(self.node.problem(message, "keep the scores on chip"))
        if shared:  # the queries of all heads that share one are rows of one product
            rows = (*heads[:-1], heads[-1] // shared, shared * shapes[0][-2], shapes[0][-1])
            yield self._part("queries", Reshape(shape=rows), query)
            query = self.last
        rank = len(shapes[1])
        turned = (*range(rank - 2), rank - 1, rank - 2)
        yield self._part("keys", Permute(order=turned), keys)
        yield self._part("scores", MatMul(), query, self.last)
        yield self._part("scaled", Scale(factor=1 / math.sqrt(shapes[0][-1])), self.last)
        if mask:
            yield self._part("masked", Add(), self.last, mask[0])
        yield self._part("shares", Softmax(axis=-1), self.last)
        if not shared:
            yield Node(self.node.name, MatMul(), (self.last, values), self.node.place)
            return
        yield self._part("together", MatMul(), self.last, values)
        apart = Reshape(shape=tuple(self.layer.output.image))
        yield Node(self.node.name, apart, (self.last,), self.node.place)


def _shared(query: tuple[int, ...], keys: tuple[int, ...]) -> int:
    """Heads of queries to each head of keys; 0 where each has its own, or all have one."""
    if min(len(query), len(keys)) < 3 or keys[-3] in (1, query[-3]):
        return 0
    return query[-3] // keys[-3]
