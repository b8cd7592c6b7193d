"""Which layers of a foreign graph read the same parameters, and which parameters count.

What a framework stores is what counts, each tensor once: a weight that two operators read, and
what a weight is computed from. An operator knows how many parameters it would have by itself;
where the graph says otherwise, the node is told.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from memsim.formats.foreign.records import Constant
from memsim.network import Layer, Network, Node
from memsim.network.left_out import LeftOut
from memsim.network.ops.opaque import Opaque
from memsim.network.sharing import fits

__all__ = ["Ownership"]

Sizes = dict[str, int]
"""Elements of learned parameters by name."""


@dataclass(slots=True)
class Ownership:
    """The constants that layers read.

    Attributes
    ----------
    exact : bool
        Whether the graph knows what is learned. Otherwise constants are only taken for learned
        where an operator multiplies by them.
    constants : dict
        By layer, in operand order.
    """

    exact: bool = False
    constants: dict[str, list[Constant]] = field(default_factory=dict)

    def take(self, layer: str, constants: Iterable[Constant]) -> None:
        """Note that a layer reads constants."""
        self.constants.setdefault(layer, []).extend(constants)

    def network(
        self,
        name: str,
        nodes: Mapping[str, Node],
        outputs: list[str],
        held: Mapping[str, Constant],
        about: Mapping[str, Any],
    ) -> Network:
        """The network of what the outputs need, with what is shared and what is left out.

        Parameters
        ----------
        name : str
        nodes : mapping
            By name, what they read before them.
        outputs : list of str
        held : mapping
            The constants of the graph.
        about : mapping
            Further arguments of the network.
        """
        needed = set(outputs)
        for node in [*nodes.values()][::-1]:
            if node.name in needed:
                needed.update(node.inputs)
        kept = [node for node in nodes.values() if node.name in needed]
        network = Network(name, kept, outputs, **about)
        dead: list[Layer] = []
        if len(kept) < len(nodes):
            everything = Network(name, nodes.values(), [*nodes], **about)
            dead = [layer for layer in everything if layer.name not in needed]
        left_out = self._left_out(network, dead, held)
        owned = self._owned(network)
        if not left_out and owned == kept:
            return network
        return Network(name, owned, outputs, left_out=left_out, **about)

    def _owned(self, network: Network) -> list[Node]:
        """The nodes of a network with what is shared and counted."""
        parts = {layer.name: self._parts(layer) for layer in network if self._known(layer)}
        owners = _owners(network, parts)
        own: dict[str, Sizes] = {}
        for name, part in parts.items():
            weights, bias = owners.get(name, ("", ""))
            mine = part.others + ([] if weights else part.weights) + ([] if bias else part.bias)
            own[name] = _learned(mine)
        readers = Counter(name for sizes in own.values() for name in sizes)
        nodes = []
        for node in network.nodes:
            about: dict[str, Any] = {}
            weights, bias = owners.get(node.name, ("", ""))
            if weights or bias:
                about = {"weights": weights, "bias": bias}
            if node.name in parts:
                sizes = own[node.name]
                count = _count(network[node.name], weights, bias)
                again = any(readers[each] > 1 for each in sizes)
                told = self._tells(network[node.name], parts[node.name])
                if not node.op.multiplies:  # such as a grid that the graph computes
                    told = told or not any(each.learned for each in parts[node.name].weights)
                if again or (sum(sizes.values()) != count and told):
                    about["learned"] = tuple(sizes.items())
            nodes.append(replace(node, **about))
        return nodes

    def _left_out(
        self, network: Network, dead: Iterable[Layer], held: Mapping[str, Constant]
    ) -> tuple[LeftOut, ...]:
        """What is not in a network: layers, and learned parameters that no layer reads."""
        read = self.constants
        seen = {name for layer in network for name in _learned(read.get(layer.name, []))}
        found = []
        for layer in dead:
            sizes = _learned(read.get(layer.name, []))
            params = sum(size for name, size in sizes.items() if name not in seen)
            if not (self.exact or layer.op.multiplies):
                params = layer.params
            seen.update(sizes)
            if layer.macs or params or not (layer.op.view or layer.op.is_input):
                found.append(LeftOut(layer.name, layer.op.kind, layer.macs, params))
        if not self.exact:
            return tuple(found)
        unused = _learned(each for each in held.values())
        modules: Sizes = {}
        for name, size in unused.items():
            if name not in seen:
                module = name.rpartition(".")[0] or name
                modules[module] = modules.get(module, 0) + size
        return (*found, *(LeftOut(name, "", 0, size) for name, size in modules.items()))

    def _known(self, layer: Layer) -> bool:
        """Whether what a layer reads says what it learns."""
        if layer.name not in self.constants:
            return False
        return (
            self.exact
            or layer.op.multiplies
            or isinstance(layer.op, Opaque)
            or bool(layer.weights_of)
        )

    def _tells(self, layer: Layer, part: _Parts) -> bool:
        """Whether a count that differs from the operator's own is to be believed.

        A table that is computed from none that is learned, such as a grid of positions, is stored
        and no parameter.
        """
        read = [*part.weights, *part.bias]
        if self.exact or any(each.sources and each.computed for each in read):
            return True
        return not layer.op.multiplies and any(not each.learned for each in read)

    def _parts(self, layer: Layer) -> _Parts:
        constants = self.constants[layer.name]
        if not layer.op.multiplies:
            return _Parts(list(constants), [], [])
        channels = layer.output.image.box[0]
        biased = int(layer.op.biased)
        stored = layer.op.stored(layer.shapes, layer.output.image) - biased
        rest = list(constants)
        weights = _first(rest, stored * channels)
        bias = _first(rest, channels) if biased else []
        return _Parts(weights, bias, rest if self.exact else [])


@dataclass(slots=True)
class _Parts:
    """What a layer multiplies by (all it reads, where it is no product), adds, and else reads."""

    weights: list[Constant]
    bias: list[Constant]
    others: list[Constant]


def _first(rest: list[Constant], size: int) -> list[Constant]:
    """Take the first constant of a size out of a list."""
    for at, each in enumerate(rest):
        if math.prod(each.shape) == size:
            return [rest.pop(at)]
    return []


def _learned(constants: Iterable[Constant]) -> Sizes:
    return {name: size for each in constants for name, size in each.sources}


def _count(layer: Layer, weights: str, bias: str) -> int:
    """What an operator would learn by itself, without what it shares."""
    channels = layer.output.image.box[0] if layer.op.biased else 0
    return (0 if weights else layer.params - channels) + (0 if bias else channels)


def _owners(network: Network, parts: Mapping[str, _Parts]) -> dict[str, tuple[str, str]]:
    """For each layer that reads what an earlier one reads: the owners of its weights and bias."""
    weights: dict[tuple[str, ...], list[Layer]] = {}
    biases: dict[tuple[str, ...], str] = {}
    found: dict[str, tuple[str, str]] = {}
    for layer in sorted(network, key=lambda each: not each.op.is_parameter):
        part = parts.get(layer.name)
        if part is None or not (layer.weights_of or layer.op.is_parameter):
            continue
        owner = bias = ""
        key = tuple(each.identity for each in part.weights)
        if key and all(key):
            alike = weights.setdefault(key, [])
            if not layer.op.is_parameter:
                owner = next((each.name for each in alike if fits(layer, each)), "")
            if not owner:
                alike.append(layer)
        key = tuple(each.identity for each in part.bias)
        if key and all(key):
            bias = biases.setdefault(key, layer.name)
            bias = "" if bias == layer.name else bias
        if owner or bias:
            found[layer.name] = owner, bias
    return found
