"""A network that really runs in PyTorch, one step for each kernel of a lowering."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from memsim.errors import InputError, Problem, SimulationError, did_you_mean
from memsim.formats.module.module import example_inputs, import_torch, to_torch
from memsim.measurement.run.step import Step
from memsim.network.graph import Network
from memsim.program.lowering import LOWERINGS

if TYPE_CHECKING:
    import torch

MEASURABLE = ("eager", "fused")
"""Lowerings that PyTorch can run."""

DEVICES = ("cpu", "cuda")
"""Where it can run them."""

SEED = 0
"""Of the random images."""


class Runnable:
    """What runs a network: its weights and one batch of random images, ready to run repeatedly.

    Attributes
    ----------
    network : Network
    lowering, device : str
    steps : tuple of Step
        In the order of the program's kernels.
    images : dict of str to torch.Tensor
        The inputs, by name.
    resident_bytes : int
        Parameters and buffers of the module, before any are packed, and inputs.
    """

    def __init__(
        self,
        network: Network,
        lowering: str,
        device: str,
        steps: tuple[Step, ...],
        images: dict[str, torch.Tensor],
        results: tuple[str, ...],
        resident_bytes: int = 0,
    ) -> None:
        self.network, self.lowering, self.device, self.steps = network, lowering, device, steps
        self.images, self._results = images, results
        self.resident_bytes = resident_bytes
        self._torch = import_torch()

    def forward(self, after: Callable[[], object] | None = None) -> tuple[torch.Tensor, ...]:
        """Run the network once.

        Parameters
        ----------
        after : callable, optional
            Called after every step.

        Returns
        -------
        tuple of torch.Tensor
            The network's outputs.
        """
        values: dict[str, Any] = dict(self.images)
        with self._torch.inference_mode():
            for step in self.steps:
                outputs = step.call(*[values[name] for name in step.inputs])
                if len(step.outputs) == 1:
                    values[step.outputs[0]] = outputs
                else:
                    values.update(zip(step.outputs, outputs, strict=True))
                del outputs  # or a value that dies in this step would live through the next one
                for name in step.dead:
                    del values[name]
                if after is not None:
                    after()
        return tuple(values[name] for name in self._results)


def prepare(network: Network, lowering: str = "fused", device: str = "cpu") -> Runnable:
    """Build what runs a network.

    Parameters
    ----------
    network : Network
    lowering : str
        ``eager``: the module of :func:`memsim.to_torch`, every layer for itself, NCHW.
        ``fused``: batch norms folded into the convolutions before them; activations and residual
        adds computed by oneDNN's convolution where it can, else in place; weights packed once;
        channels last.
    device : str
        ``cpu`` or ``cuda``.

    Returns
    -------
    Runnable
        To be run with as many threads as PyTorch has now: oneDNN packs weights for them.

    Raises
    ------
    InputError
        For another lowering or device, a device that is not there, or without PyTorch.
    SimulationError
        If PyTorch cannot run the network.
    """
    if lowering not in MEASURABLE:
        hint = did_you_mean(lowering, MEASURABLE)
        if lowering in LOWERINGS:
            hint = "PyTorch runs eager and fused"
        raise InputError(Problem(f"lowering {lowering!r} cannot be measured", hint=hint))
    torch = import_torch()
    if device not in DEVICES:
        raise InputError(Problem(f"unknown device {device!r}", hint=did_you_mean(device, DEVICES)))
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError(Problem("this PyTorch sees no CUDA device", "--device"))
    if network.dtype == "int8":
        hint = "measure it as fp32"
        raise SimulationError(Problem("PyTorch has no int8 convolution to call", hint=hint))
    kernels = LOWERINGS[lowering].lower(network)
    if not kernels:
        raise SimulationError(f"{network.name} computes nothing: there is nothing to measure")
    from memsim.measurement.run.partition import partition

    fused = lowering == "fused"
    module = to_torch(_planned(network) if fused else network).to(device)
    images = _images(torch, network, module, device, channels_last=fused)
    there = [*module.parameters(), *module.buffers(), *images.values()]
    resident = sum(each.nbytes for each in there)
    steps, results = partition(network, kernels, module, fused)
    return Runnable(network, lowering, device, steps, images, results, resident)


def _planned(network: Network) -> Network:
    """A network that says nothing of memory: what is fused decides for itself what is in place."""
    nodes = [
        replace(node, op=node.op.model_copy(update={"inplace": False}))
        if node.op.overwrites
        else node
        for node in network.nodes
    ]
    return Network(network.name, nodes, network.outputs, dtype=network.dtype, batch=network.batch)


def _images(
    torch: Any, network: Network, module: Any, device: str, channels_last: bool
) -> dict[str, Any]:
    """Random inputs by the name of the module's argument."""
    generator = torch.Generator().manual_seed(SEED)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    names = [node.name for node in module.graph.nodes if node.op == "placeholder"]
    return {
        name: torch.randn(zeros.shape, generator=generator)
        .to(zeros)
        .contiguous(memory_format=layout)
        for name, zeros in zip(names, example_inputs(network, device), strict=True)
    }
