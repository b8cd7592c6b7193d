"""A module's graph, partitioned into steps: which of its nodes run which kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from typing import Any

from memsim.formats.module.module import import_torch
from memsim.measurement.run.onednn import Fusion, fusion_of, packed_linear
from memsim.measurement.run.step import Step
from memsim.network.graph import Network
from memsim.program.kernel import Kernel

Node = Any
"""A ``torch.fx.Node``; PyTorch is optional, so its types are not named here."""


def partition(
    network: Network, kernels: Sequence[Kernel], module: Any, fused: bool
) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """The steps that run a module, and the names of its results.

    Parameters
    ----------
    network : Network
    kernels : sequence of Kernel
        Of the lowering that is to be run.
    module : torch.fx.GraphModule
        Of :func:`memsim.to_torch`.
    fused : bool
        Fold batch norms, fuse what can be fused, pack weights.
    """
    return _Plan(network, kernels, module, fused).steps()


class _Plan:
    """Nodes sorted by the kernel that they belong to."""

    def __init__(
        self, network: Network, kernels: Sequence[Kernel], module: Any, fused: bool
    ) -> None:
        self.network, self.kernels, self.module, self.fused = network, kernels, module, fused
        *self.nodes, output = module.graph.nodes
        self.results = [output.args[0]] if not isinstance(output.args[0], tuple) else [
            *output.args[0]
        ]  # fmt: skip
        self.nodes = self._executed()
        self.owner = self._owners()
        self.parts: list[list[Node]] = [[] for _ in kernels]
        for node in self.nodes:
            if node.op != "placeholder":
                self.parts[self.owner[node]].append(node)

    def _executed(self) -> list[Node]:
        """Without what no network output depends on, where no kernel executes that."""
        layers = {layer for kernel in self.kernels for layer in kernel.layers}
        layers |= self.network.needed
        kept: set[Node] = set()
        for node in reversed(self.nodes):
            read = any(user in kept for user in node.users)
            if read or node.op == "placeholder" or node.meta["layer"] in layers:
                kept.add(node)
        return [node for node in self.nodes if node in kept]

    def _owners(self) -> dict[Node, int]:
        """The kernel of every node. A layer that moves nothing goes with what reads it first."""
        owner: dict[Node, int] = {}
        of_layer = {
            layer: number for number, kernel in enumerate(self.kernels) for layer in kernel.layers
        }
        for node in reversed(self.nodes):
            number = of_layer.get(node.meta["layer"])
            if number is None:
                readers = [owner[user] for user in node.users if user in owner]
                number = min(readers, default=len(self.kernels) - 1)
            owner[node] = number
        return owner

    def steps(self) -> tuple[tuple[Step, ...], tuple[str, ...]]:
        results = tuple(node.name for node in self.results)
        calls = [self._call(*pair) for pair in zip(self.kernels, self.parts, strict=True)]
        last = {name: at for at, (_, inputs, outputs) in enumerate(calls)
                for name in (*inputs, *outputs)}  # fmt: skip
        if not self.fused:
            last |= self._held(last)
        steps = []
        ending: dict[int, list[str]] = {}
        for name, at in last.items():
            ending.setdefault(at, []).append(name)
        for at, (kernel, (call, inputs, outputs)) in enumerate(
            zip(self.kernels, calls, strict=True)
        ):
            dead = tuple(name for name in ending.get(at, ()) if name not in results)
            steps.append(Step(kernel, call, inputs, outputs, dead))
        return tuple(steps), results

    def _held(self, last: Mapping[str, int]) -> dict[str, int]:
        """The last step of each value that the network holds longer than its readers need it."""
        of_layer = {layer: n for n, kernel in enumerate(self.kernels) for layer in kernel.layers}
        done, held = -1, {}
        by_layer = dict[str, int]()
        for layer in self.network:
            done = max(done, of_layer.get(layer.name, -1))
            by_layer[layer.name] = done
        for node in self.nodes:  # the last of a layer is its value
            until = self.network.held.get(node.meta["layer"])
            if until is not None and node.name in last:
                held[node.name] = max(last[node.name], by_layer[until])
        return held

    def _call(
        self, kernel: Kernel, part: list[Node]
    ) -> tuple[Callable[..., Any], tuple[str, ...], tuple[str, ...]]:
        """What runs a kernel, and the names of the values it reads and gives."""
        inside = set(part)
        inputs = list(
            dict.fromkeys(a for node in part for a in node.all_input_nodes if a not in inside)
        )
        outputs = [
            node
            for node in part
            if node in self.results or any(user not in inside for user in node.users)
        ]
        call = _Part(self, kernel, part, inputs, outputs).build()
        return call, tuple(n.name for n in inputs), tuple(n.name for n in outputs)


class _Part:
    """The nodes of one kernel while they become a module of their own."""

    def __init__(
        self,
        plan: _Plan,
        kernel: Kernel,
        part: list[Node],
        inputs: list[Node],
        outputs: list[Node],
    ) -> None:
        self.plan, self.kernel, self.part = plan, kernel, part
        self.inputs, self.outputs = inputs, outputs
        self.torch = import_torch()
        self.graph = self.torch.fx.Graph()
        self.modules: dict[str, Any] = {}
        self.copies: dict[Node, Node] = {}

    def build(self) -> Callable[..., Any]:
        for node in self.inputs:
            self.copies[node] = self.graph.placeholder(node.name)
        fusion = self._fusion()
        for node in self.part:
            if fusion is not None and node in fusion.nodes:
                if node is fusion.nodes[-1]:
                    self._add(node, fusion.module, [self.copies[a] for a in fusion.arguments])
            elif node.op == "call_module":
                self._add(node, self._own(node), [self.copies[a] for a in node.args])
            else:
                self.copies[node] = self.graph.node_copy(node, self.copies.__getitem__)
        results = tuple(self.copies[node] for node in self.outputs)
        self.graph.output(results if len(results) != 1 else results[0])
        module = self.torch.fx.GraphModule(self.modules, self.graph, "Kernel").eval()
        forward: Callable[..., Any] = module.forward  # without the hooks of a call
        return forward

    def _add(self, node: Node, module: Any, arguments: Iterable[Node]) -> None:
        path = f"part{len(self.modules)}"
        self.modules[path] = module
        self.copies[node] = self.graph.call_module(path, tuple(arguments))

    def _fusion(self) -> Fusion | None:
        if not self.plan.fused:
            return None
        return fusion_of(self.plan.network, self.plan.module, self.part, set(self.outputs))

    def _own(self, node: Node) -> Any:
        """A node's module; where all is fused, packed, and in place on what only it reads."""
        module = self.plan.module.get_submodule(node.target)
        if not self.plan.fused:
            return module
        if isinstance(module, self.torch.nn.Linear):
            return packed_linear(module, self.plan.network)
        (source,) = node.args
        fresh = source in self.copies and source not in self.inputs and len(source.users) == 1
        if hasattr(module, "inplace") and fresh and source not in self.outputs:
            module = copy(module)
            module.inplace = True
        return module
