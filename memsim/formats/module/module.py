"""Network to PyTorch: a module that really runs it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from memsim.errors import InputError, Problem
from memsim.installation import install
from memsim.network import Network

if TYPE_CHECKING:
    import torch

__all__ = ["example_inputs", "import_torch", "to_torch"]

TORCH_DTYPES = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16", "int8": "float32"}
"""PyTorch has no 8-bit convolution to call, so an int8 network is built in fp32."""


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
        hint = install("torch")
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
        If PyTorch is not installed, a layer is ``opaque``, so that memsim does not know what it
        does, or tensors have several data types.

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
    from memsim.formats.module import (  # noqa: F401 -- they add
        elementwise,
        moves,
        norms,
        recurrent,
        windows,
    )
    from memsim.formats.module.draft import Draft
    from memsim.formats.module.layers import LAYERS

    for layer in network:
        if layer.output.dtype != network.dtype or layer.stored_as != (network.dtype,) * 2:
            message = "has a data type of its own; a module is built in one"
            raise InputError(layer.node.problem(message))
    draft = Draft(torch, network)
    values: dict[str, Any] = {name: draft.input(name) for name in network.inputs}
    for layer in network:
        if not layer.op.is_input:  # parameters are among the layers
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
