"""Who reads what in a network, with all that moves nothing looked through."""

from __future__ import annotations

from memsim.network.graph import Layer, Network


def moves_nothing(layer: Layer) -> bool:
    """Whether a layer's output is its input, element by element in the same place.

    So is that of a slice that takes every channel.
    """
    if layer.op.view:
        return True
    if not layer.inputs:
        return False
    return layer.op.selects(layer.shapes) == (0, layer.shapes[0].box[0])


def _leaving(network: Network) -> set[str]:
    """The layers whose output leaves the network, perhaps under another name."""
    found: set[str] = set()
    for name in network.outputs:
        while name not in found:
            found.add(name)
            if moves_nothing(network[name]):
                name = network[name].inputs[0].name
    return found


def output_roots(network: Network) -> set[str]:
    """Return the layers whose tensors leave the network; for a view, the layer that it shows.

    Examples
    --------
    >>> import memsim
    >>> network = memsim.loads("{name: n, input: [3, 8, 8], layers: [relu, dropout: 0.5]}")
    >>> network.outputs, output_roots(network)
    (('dropout1',), {'relu1'})
    """
    wiring = Wiring(network)
    return wiring.leaves


class Wiring:
    """The edges of a network between layers that do something.

    An identity, a dropout, a flatten, a reshape and a slice of all channels do nothing. Their
    readers read what they show, wherever they are listed.

    Parameters
    ----------
    network : Network
    prune : bool
        Leave out what no network output depends on.
    loads : bool
        Whether kernels do as they load what an operator ``loads``: a dequantisation that does not
        leave the network does nothing then either.

    Attributes
    ----------
    layers : tuple of Layer
        In schedule order.
    root : dict of str to str
        For each layer the one whose elements its output consists of, in the same order; itself
        if it does something.
    readers : dict of str to list of str
        For each root the layers that do something and read it, once per operand.
    leaves : set of str
        The roots that leave the network.
    depth : dict of str to int
        For each layer the number of layers that do something on the longest way to it. What is to
        be decided alike however layers are listed is decided by this.
    """

    def __init__(self, network: Network, *, prune: bool = False, loads: bool = False) -> None:
        self.network = network
        self._loaded: set[str] = set()
        if loads:
            self._loaded = {layer.name for layer in network if layer.op.loads} - _leaving(network)
        self.layers = tuple(layer for layer in network if not prune or layer.name in network.needed)
        self.root: dict[str, str] = {}
        self.depth: dict[str, int] = {}
        self.readers: dict[str, list[str]] = {}
        self.named: dict[str, int] = {layer.name: 0 for layer in self.layers}
        """How many operands name each layer, views among their readers."""
        for layer in self.layers:
            for tensor in layer.inputs:
                self.named[tensor.name] += 1
            deepest = max((self.depth[tensor.name] for tensor in layer.inputs), default=0)
            nothing = self.moves_nothing(layer)
            self.depth[layer.name] = deepest + (not nothing)
            if nothing:
                self.root[layer.name] = self.root[layer.inputs[0].name]
                continue
            self.root[layer.name] = layer.name
            self.readers[layer.name] = []
            for tensor in layer.inputs:
                self.readers[self.root[tensor.name]].append(layer.name)
        self.sources = tuple(layer.name for layer in self.layers if not layer.inputs)
        """What no layer computes: network inputs and parameters that are read like maps."""
        self.leaves = {self.root[name] for name in network.outputs}

    def moves_nothing(self, layer: Layer) -> bool:
        """Whether a layer does nothing here."""
        return layer.name in self._loaded or moves_nothing(layer)

    def only_reader(self, root: str) -> Layer | None:
        """The layer that reads a root, if there is one only, it reads it once, and it stays."""
        readers = self.readers[root]
        if root in self.leaves or len(readers) != 1:
            return None
        return self.network[readers[0]]
