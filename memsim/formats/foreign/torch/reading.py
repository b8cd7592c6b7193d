"""PyTorch to Network: a module is traced, and its graph of ATen operators is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memsim.errors import InputError
from memsim.formats.foreign.attempts import first_known
from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.torch.capture import Captured, capture, evaluated
from memsim.formats.foreign.torch.examples import Examples
from memsim.formats.foreign.torch.frames import Calls, freed_after, watch_calls
from memsim.formats.foreign.torch.images import apart, batch_of, one_image
from memsim.formats.foreign.torch.rules import RULES
from memsim.formats.foreign.torch.trace import Graph
from memsim.formats.module.module import import_torch
from memsim.network.ops.opaque import Opaque

if TYPE_CHECKING:
    import torch

    from memsim.network import Network

__all__ = ["from_torch"]

DEEPEST = 4
"""How often what operators are made of is written out again."""


def from_torch(
    module: torch.nn.Module,
    example_inputs: Any,
    name: str | None = None,
    *,
    allow_unknown: bool = False,
) -> Network:
    """Turn a PyTorch module into a network.

    Parameters
    ----------
    module : torch.nn.Module
        It is traced in evaluation mode and left as it was.
    example_inputs : tensor, shape, sequence or dict
        Inputs of the right shapes; the first axis is the batch, unless the module goes across it:
        then they are one image. Their values do not matter, and
        nothing is computed: a shape such as ``(1, 3, 224, 224)`` does as well, or
        ``torch.empty(1, 3, 224, 224, device="meta")`` for a module on that device. Several are a
        tuple or a list, and a dict goes by the names of ``forward``'s parameters; numbers, words
        and None stay as they are.
    name : str, optional
        The network's name; the module's class if left out.
    allow_unknown : bool
        Accept operators that memsim does not know. Their tensors count as traffic, their MACs
        do not; each is an ``opaque`` layer.

    Returns
    -------
    Network
        Layers are named like the module's submodules, as far as one layer comes from each. Its
        outputs are all tensors that the module gives, in lists, dicts and data classes too.
        What the module writes in place is ``inplace``, and what its code holds longer than the
        layers that read it is ``held``.

    Raises
    ------
    InputError
        If PyTorch is not installed, ``module`` is no module, it fails on these inputs, or its
        graph or a tensor's shape depends on the data: the message names the line of its code.
    SimulationError
        If there are unknown operators and they are not allowed; it lists them.

    Examples
    --------
    >>> import torch, memsim                                # doctest: +SKIP
    >>> net = memsim.from_torch(torch.nn.Conv2d(3, 8, 3), torch.zeros(1, 3, 9, 9))  # doctest: +SKIP
    >>> net.macs, net.params                                # doctest: +SKIP
    (10584, 224)
    """
    torch = import_torch()
    if not isinstance(module, torch.nn.Module):
        raise InputError(f"expected a torch.nn.Module, not {type(module).__name__}")
    examples = Examples.of(torch, module, example_inputs)
    captured = capture(torch, module, examples)
    reading = _Reading(torch, module, name or type(module).__name__)

    def first_axis() -> Network:
        return reading(captured, examples)

    def image_by_image() -> Network | None:
        batch = batch_of(torch, examples)
        if batch == 1:
            return None
        one = one_image(torch, examples)
        alone = capture(torch, module, one)
        if not apart(torch, batch, captured.traced, alone.traced):
            return None
        return reading(alone, one, batch=batch)

    def all_of_it() -> Network:
        return reading(captured, examples, whole=True)

    return first_known((first_axis, image_by_image, all_of_it), allow_unknown)


class _Reading:
    """Makes networks of what was captured of a module."""

    def __init__(self, torch: Any, module: Any, name: str) -> None:
        self.torch, self.module, self.name = torch, module, name

    def __call__(
        self,
        captured: Captured,
        examples: Examples,
        batch: int | None = None,
        whole: bool = False,
    ) -> Network:
        """The network; what no rule reads is written out, as far as PyTorch can.

        Parameters
        ----------
        captured : Captured
        examples : Examples
            What it was captured with.
        batch : int, optional
            Of the network; that of the examples if left out.
        whole : bool
            No axis of the examples holds the batch: together they are one image.
        """
        with evaluated(self.module):
            calls = watch_calls(self.torch, self.module, examples)
        network = self._read(captured, calls, batch, whole)
        others = _unread(network)
        for name in sorted(others):
            others.discard(name)
            trial, wanted = captured.decomposed(self.torch, {name}), {name}
            for _ in range(DEEPEST):
                if trial is None:
                    break
                found = self._read(trial, calls, batch, whole)
                wanted = _unread(found) - others
                if not wanted:
                    captured, network = trial, found
                    break
                trial = trial.decomposed(self.torch, wanted)
            if wanted:  # it stays as the user wrote it
                others.add(name)
        return network

    def _read(self, captured: Captured, calls: Calls, batch: int | None, whole: bool) -> Network:
        graph = Graph(self.torch, self.module, captured.traced, captured.tensors)
        freed = freed_after(calls, captured.traced.graph.nodes)
        importer = Importer(RULES, exact=True, whole=whole)
        importer.hold(graph.constants)
        for input_name, shape in graph.inputs:
            importer.input(input_name, shape)
        importer.run(graph.records, graph.outputs)
        return importer.network(
            self.name, graph.outputs, dtype=graph.dtype, batch=batch, freed=freed
        )


def _unread(network: Network) -> set[str]:
    """The operators that no rule reads."""
    return {layer.op.op for layer in network if isinstance(layer.op, Opaque)}
