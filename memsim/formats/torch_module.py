"""Network to PyTorch: a module that really runs it."""

from __future__ import annotations

import keyword
import math
import re
from importlib import import_module
from typing import TYPE_CHECKING, Any

from memsim.errors import InputError, Problem
from memsim.network import Layer, Network
from memsim.network.ops.shape import Input

if TYPE_CHECKING:
    import torch

__all__ = ["Draft", "example_inputs", "import_torch", "to_torch"]

TORCH_DTYPES = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16", "int8": "float32"}
"""PyTorch has no 8-bit convolution to call, so an int8 network is built in fp32."""

SEED_SIZE = 1 << 16
"""Random values drawn once; every weight is filled with them again and again."""


def import_torch() -> Any:
    """PyTorch.

    Raises
    ------
    InputError
        If it is not installed, with the command that installs it.
    """
    try:
        return import_module("torch")
    except ImportError:
        hint = "pip install 'memsim[torch]'"
        raise InputError(Problem("this needs PyTorch, which is not installed", hint=hint)) from None


def to_torch(network: Network) -> torch.nn.Module:
    """Build a PyTorch module that runs a network.

    Parameters
    ----------
    network : Network

    Returns
    -------
    torch.fx.GraphModule
        In evaluation mode. It takes the network's inputs in order and returns its output, or a
        tuple of its outputs, as NCHW tensors of any batch size; every layer that PyTorch has a
        module for is a submodule named like it, and ``module.code`` shows the whole forward pass.
        ``module.meta["layers"]`` maps each such layer to the name of its submodule.
        Weights are random but always the same ones.

    Raises
    ------
    InputError
        If PyTorch is not installed, or a layer is ``opaque``: memsim does not know what it does.

    Notes
    -----
    The module has the network's data type, except that ``int8`` is built in ``fp32``. A sum of
    more than two tensors is a chain of binary sums; padding that differs from side to side is a
    step of its own: PyTorch has no other way.

    Examples
    --------
    >>> import memsim
    >>> network = memsim.load("resnet18")
    >>> module = memsim.to_torch(network)                              # doctest: +SKIP
    >>> sum(p.numel() for p in module.parameters()) == network.params  # doctest: +SKIP
    True
    >>> module(torch.zeros(1, 3, 224, 224)).shape                      # doctest: +SKIP
    torch.Size([1, 1000, 1, 1])
    """
    torch = import_torch()
    from memsim.formats.torch_layers import LAYERS

    draft = Draft(torch, network)
    values: dict[str, Any] = {name: draft.input(name) for name in network.inputs}
    for layer in network:
        if not isinstance(layer.op, Input):
            operands = [values[tensor.name] for tensor in layer.inputs]
            values[layer.name] = LAYERS[layer.op.kind](draft, layer, operands)
    results = tuple(values[name] for name in network.outputs)
    draft.graph.output(results if len(results) > 1 else results[0])
    module = torch.fx.GraphModule(draft.modules, draft.graph, "Network")
    module.meta["layers"] = draft.paths
    return module.eval().to(getattr(torch, TORCH_DTYPES[network.dtype]))


def example_inputs(network: Network, device: str = "cpu") -> tuple[torch.Tensor, ...]:
    """Zeros of the shapes and the data type that :func:`to_torch`'s module takes.

    Examples
    --------
    >>> import memsim
    >>> [x.shape for x in example_inputs(memsim.load("resnet18"))]  # doctest: +SKIP
    [torch.Size([1, 3, 224, 224])]
    """
    torch = import_torch()
    dtype = getattr(torch, TORCH_DTYPES[network.dtype])
    shapes = (network[name].output.shape for name in network.inputs)
    return tuple(torch.zeros(shape, dtype=dtype, device=device) for shape in shapes)


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
        """Make a module a layer's submodule and apply it."""
        path = self._path(layer.name)
        self.paths[layer.name] = path
        self.modules[path] = module
        return self._of(
            layer, self.graph.create_node("call_module", path, operands, name=layer.name)
        )

    def call(self, layer: Layer, function: Any, *operands: Any, **options: Any) -> Any:
        """Apply a function."""
        node = self.graph.create_node("call_function", function, operands, options, layer.name)
        return self._of(layer, node)

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
