"""A PyTorch module while it is built from a network."""

from __future__ import annotations

import keyword
import math
import re
from typing import Any

from memsim.network import Layer, Network

SEED_SIZE = 1 << 16
"""Random values drawn once; every weight is filled with them again and again."""


class Draft:
    """A module while it is built: its graph and its submodules.

    Attributes
    ----------
    torch : module
        PyTorch.
    graph : torch.fx.Graph
    modules : dict
        Submodules by path.
    paths : dict
        Path by layer name.
    """

    def __init__(self, torch: Any, network: Network) -> None:
        self.torch = torch
        self.graph = torch.fx.Graph()
        self.modules: dict[str, Any] = {}
        self.paths: dict[str, str] = {}
        self._layers = {layer.name for layer in network}
        self._parents: set[str] = set()
        self._arguments = {"self"}
        self._held: dict[tuple[str, str], Any] = {}
        self._taken = dir(torch.fx.GraphModule({}, torch.fx.Graph()))
        seed = torch.Generator().manual_seed(0)
        # Uniform, of variance 1.
        bound = math.sqrt(3)
        self._random = torch.empty(SEED_SIZE).uniform_(-bound, bound, generator=seed)

    def input(self, name: str) -> Any:
        """An argument of the module."""
        argument = re.sub(r"[^A-Za-z0-9_]", "_", name)
        if not argument.isidentifier() or keyword.iskeyword(argument):
            argument = f"input_{argument}"
        while argument in self._arguments:
            argument += "_"
        self._arguments.add(argument)
        node = self.graph.create_node("placeholder", argument, name=name)
        node.meta["layer"] = name
        return node

    def module(self, layer: Layer, module: Any, *operands: Any) -> Any:
        """Make a module a layer's submodule and apply it; its parameters may be another one's."""
        path = self._path(layer.name)
        self.paths[layer.name] = path
        self.modules[path] = module
        if layer.weights_of:
            self._tie(layer, module)
        return self._of(
            layer, self.graph.create_node("call_module", path, operands, name=layer.name)
        )

    def _tie(self, layer: Layer, module: Any) -> None:
        """Let a module hold the parameters, and the statistics, that other layers' modules hold.

        Where another module holds them in another shape, what this one has is a view of them, and
        no parameter.
        """
        if layer.node.learned == ():  # constants: a network that learns nothing of them
            for name, own in [*module.named_parameters()]:
                delattr(module, name)
                module.register_buffer(name, own.detach())
        bias = layer.bias_of if layer.op.biased else layer.weights_of
        for name, own in [*module.named_parameters(), *module.named_buffers()]:
            owner = bias if name == "bias" else layer.weights_of
            held = self._held.setdefault((owner, name), own)
            if held.shape != own.shape:
                turned = held.dim() == own.dim() == 2 and any(each.turned for each in layer.weights)
                seen = held.detach().t() if turned else held.detach().view(own.shape)
                delattr(module, name)
                module.register_buffer(name, seen, persistent=False)
            elif held is not own:
                setattr(module, name, held)

    def parameter(self, layer: Layer) -> Any:
        """A tensor that the module holds, repeated for the images of the batch."""
        path = self._path(layer.name)
        sizes = (1, *layer.output.image)
        held = self._held.get((layer.name, "weight"))
        if held is None:
            held = self._held[layer.name, "weight"] = self.torch.nn.Parameter(
                self.torch.zeros(sizes)
            )
        self.modules[path] = held if held.shape == sizes else held.detach().view(sizes)
        self.paths[layer.name] = path
        return self._of(layer, self.graph.create_node("get_attr", path, name=layer.name))

    def call(self, layer: Layer, function: Any, *operands: Any, **options: Any) -> Any:
        """Apply a function."""
        node = self.graph.create_node("call_function", function, operands, options, layer.name)
        return self._of(layer, node)

    def method(self, layer: Layer, name: str, *operands: Any) -> Any:
        """Call a tensor's method."""
        return self._of(
            layer, self.graph.create_node("call_method", name, operands, {}, layer.name)
        )

    def _of(self, layer: Layer, node: Any) -> Any:
        """A node that says whose it is: what runs a kernel is found by its layers."""
        node.meta["layer"] = layer.name
        return node

    def weighted(self, kind: str, *arguments: Any, **options: Any) -> Any:
        """A module whose weights are filled with cheap random values that keep the scale."""
        nn = self.torch.nn
        module = nn.utils.skip_init(getattr(nn, kind), *arguments, **options)
        weight = module.weight.data.view(-1)
        fan_in = weight.numel() // arguments[1]
        values = self._random * math.sqrt(2 / max(fan_in, 1))
        whole = weight.numel() // SEED_SIZE * SEED_SIZE
        weight[:whole].view(-1, SEED_SIZE).copy_(values)
        weight[whole:] = values[: weight.numel() - whole]
        if module.bias is not None:
            self.torch.nn.init.zeros_(module.bias)
        return module

    def _path(self, name: str) -> str:
        """A layer's name as the path of a submodule: free, and free of its ancestors."""
        parts = [re.sub(r"[^A-Za-z0-9_]", "_", part) or "_" for part in name.split(".")]
        prefixes = {".".join(name.split(".")[:i]) for i in range(1, len(parts))}
        if prefixes & self._layers:
            parts = ["_".join(parts)]  # a layer's submodules are its own affair
        parts = [
            f"{part}_" if part in self._taken or keyword.iskeyword(part) else part for part in parts
        ]
        path = ".".join(parts)
        while self._clashes(path):
            path += "_"
        self._parents |= {".".join(path.split(".")[:i]) for i in range(1, len(parts))}
        return path

    def _clashes(self, path: str) -> bool:
        parts = path.split(".")
        ancestors = {".".join(parts[:i]) for i in range(1, len(parts))}
        return path in self.modules or path in self._parents or bool(ancestors & {*self.modules})
