"""The network: a directed acyclic graph of layers, whose edges are tensors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from memsim.errors import InputError, Problem, did_you_mean
from memsim.network.groups import LayerGroup, carried_groups, group_problems
from memsim.network.inputs import Given, assign, input_of
from memsim.network.layer import Layer, Node
from memsim.network.left_out import LeftOut
from memsim.network.ops import Shape, ShapeError
from memsim.network.sharing import share
from memsim.network.storage import storage_problems
from memsim.network.tensor import DTYPES, ITEMSIZES, Tensor
from memsim.network.types import output_type, stored_types
from memsim.progress import counted

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["MOST_ELEMENTS", "Layer", "Network", "Node"]

MOST_ELEMENTS = 1 << 44
"""Largest tensor and largest parameter set, in elements: sums stay far inside 64 bits."""


class Network:
    """A convolutional network as a directed acyclic graph.

    Parameters
    ----------
    name : str
    nodes : iterable of Node
        In any order; layers are scheduled in this order as far as the edges allow.
    outputs : iterable of str, optional
        Names of the layers whose output leaves the network; those nobody reads if left out.
    dtype : str
        ``fp32``, ``fp16``, ``bf16`` or ``int8``: that of inputs, of parameters and of all that is
        computed from them, where a node's ``types`` or an operator says no other.
    batch : int
    source : str
        Where the architecture comes from, such as ``arXiv:1909.00948``.
    left_out : iterable of LeftOut
        What the graph that it was made of holds besides, since no output depends on it; told, and
        counted nowhere.
    held : mapping of str to str, optional
        Layers whose memory a program's variables hold longer than its readers need it, each with
        the layer after which that memory is free. Eager lowerings alone heed it.
    groups : iterable of LayerGroup
        Layers that run depth first together, where that is the schedule and nothing else is said.

    Raises
    ------
    InputError
        All at once: duplicate or dangling names, a wrong number of inputs, cycles, shapes
        that do not fit, ``inplace`` where what is written over is read again, and groups that are
        not convex or overlap.

    Examples
    --------
    >>> from memsim.network.ops.conv import Conv
    >>> from memsim.network.ops.shape import Input
    >>> net = Network("tiny", [Node("x", Input(shape=(3, 8, 8))),
    ...                        Node("c", Conv(out=4, kernel=3), ("x",))])
    >>> net["c"].output.shape, net.macs, net.params, net.outputs
    ((1, 4, 8, 8), 6912, 108, ('c',))
    >>> list(net.graph.edges(keys=True))
    [('x', 'c', 0)]
    """

    def __init__(
        self,
        name: str,
        nodes: Iterable[Node],
        outputs: Iterable[str] | None = None,
        *,
        dtype: str = "fp32",
        batch: int = 1,
        source: str = "",
        variant: str = "",
        left_out: Iterable[LeftOut] = (),
        held: Mapping[str, str] | None = None,
        groups: Iterable[LayerGroup] = (),
    ) -> None:
        self.left_out = tuple(left_out)
        self.name, self.dtype, self.batch, self.source = name, dtype, batch, source
        self.variant = variant
        self.nodes = tuple(nodes)
        if dtype not in DTYPES:
            hint = did_you_mean(dtype, DTYPES)
            raise InputError(Problem(f"unknown data type {dtype!r}", hint=hint))
        if not 1 <= batch <= 1 << 20:
            raise InputError(f"batch is {batch}; it must be from 1 to {1 << 20}")
        if not self.nodes:
            raise InputError(f"network {name!r} has no layers")
        self._check_names()
        self._layers = self._connect()
        read = {tensor.name for layer in self for tensor in layer.inputs}
        self._explicit_outputs = None if outputs is None else tuple(dict.fromkeys(outputs))
        self.outputs: tuple[str, ...] = self._explicit_outputs or tuple(
            name for name in self._layers if name not in read
        )
        for output in self.outputs:
            if output not in self._layers:
                hint = did_you_mean(output, self._layers)
                raise InputError(Problem(f"output {output!r} is no layer", "outputs", hint))
        self.held: Mapping[str, str] = dict(held or {})
        self.groups = tuple(groups)
        problems = tuple(storage_problems(self, self.outputs, self.held))
        problems += tuple(group_problems(self._layers, self.groups))
        if problems:
            raise InputError(*problems)

    def _check_names(self) -> None:
        problems: list[Problem] = []
        first: dict[str, Node] = {}
        for node in self.nodes:
            if node.name in first:
                line = first[node.name].place.line
                where = f" (first on line {line})" if line else ""
                problems.append(node.problem(f"the name {node.name!r} is taken{where}"))
            first.setdefault(node.name, node)
        for node in self.nodes:
            for source in node.inputs:
                if source not in first:
                    hint = did_you_mean(source, (n for n in first if n != node.name))
                    problems.append(node.problem(f"reads {source!r}, which is no layer", hint))
            fewest, most = node.op.arity
            if len(node.inputs) < fewest or (most is not None and len(node.inputs) > most):
                count = f"{fewest}" if most == fewest else f"at least {fewest}"
                message = f"{node.op.kind} takes {count} input(s), not {len(node.inputs)}"
                problems.append(node.problem(message))
        if problems:
            raise InputError(*problems)

    def _connect(self) -> dict[str, Layer]:
        """The layers in an order in which each comes after those that it reads."""
        layers: dict[str, Layer] = {}
        problems: list[Problem] = []
        for node in counted(self._ordered(), "shapes of layers", len(self.nodes)):
            if any(source not in layers for source in node.inputs):
                continue  # what it reads is already reported
            try:
                layers[node.name] = self._infer(
                    node, tuple([layers[s].output for s in node.inputs])
                )
            except ShapeError as error:
                problems.append(node.problem(str(error)))
        if not problems:
            layers, problems = share(layers, self.dtype)
        if problems:
            raise InputError(*problems)
        return layers

    def _ordered(self) -> Iterable[Node]:
        """The nodes as they are listed, as far as the edges allow."""
        position = {node.name: i for i, node in enumerate(self.nodes)}
        if all(position[s] < position[node.name] for node in self.nodes for s in node.inputs):
            return self.nodes
        import networkx as nx

        graph = nx.DiGraph()
        graph.add_nodes_from(position)
        graph.add_edges_from((source, node.name) for node in self.nodes for source in node.inputs)
        try:
            order = list(nx.lexicographical_topological_sort(graph, key=position.__getitem__))
        except nx.NetworkXUnfeasible:
            cycle = [edge[0] for edge in nx.find_cycle(graph)]
            node = self.nodes[position[cycle[0]]]
            loop = " -> ".join([*cycle, cycle[0]])
            raise InputError(node.problem(f"layers form a cycle: {loop}")) from None
        return [self.nodes[position[name]] for name in order]

    def _infer(self, node: Node, inputs: tuple[Tensor, ...]) -> Layer:
        shapes = tuple([tensor.image for tensor in inputs])
        image = Shape.of(node.op.output_shape(shapes))
        if wrong := node.types.problem(ITEMSIZES):
            raise ShapeError(wrong)
        inherited = inputs[0].dtype if inputs else self.dtype
        dtype = output_type(node.types.output, node.op.writes, inherited, self.dtype)
        images = 1 if node.op.is_parameter else self.batch
        output = Tensor.of(node.name, images, image, dtype)
        params = node.op.learnable(shapes, image)
        if max(output.size, params) > MOST_ELEMENTS:
            raise ShapeError(f"larger than memsim simulates ({MOST_ELEMENTS} elements)")
        macs = node.op.macs(shapes, image) * self.batch
        stored = (self.dtype, self.dtype)
        if node.op.multiplies:
            stored = stored_types(node.types, inherited, self.dtype)
        return Layer(node, inputs, output, macs, params, stored_as=stored)

    def __iter__(self) -> Iterator[Layer]:
        """Layers in schedule order."""
        return iter(self._layers.values())

    def __len__(self) -> int:
        return len(self._layers)

    def __getitem__(self, name: str) -> Layer:
        try:
            return self._layers[name]
        except KeyError:
            hint = did_you_mean(name, self._layers)
            raise InputError(Problem(f"{self.name} has no layer {name!r}", hint=hint)) from None

    def __contains__(self, name: object) -> bool:
        return name in self._layers

    def __eq__(self, other: object) -> bool:
        """Equal name, source, data type, batch, nodes (in order), outputs, held memory, groups."""
        if not isinstance(other, Network):
            return NotImplemented
        mine, others = (
            (
                each.name, each.source, each.dtype, each.batch, each.nodes, each.outputs, each.held,
                each.groups,
            )
            for each in (self, other)
        )  # fmt: skip
        return mine == others

    __hash__ = None  # type: ignore[assignment]  # equality by content

    def __repr__(self) -> str:
        return f"<Network {self.name}: {len(self)} layers, {self.params:,} parameters>"

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the input layers."""
        return tuple(layer.name for layer in self if layer.op.is_input)

    @cached_property
    def graph(self) -> nx.MultiDiGraph:
        """The network as a graph of networkx, frozen, made when it is first asked for.

        Nodes are layer names with a ``layer`` attribute (:class:`Layer`); an edge's key is the
        operand's position and its ``tensor`` attribute the :class:`Tensor`.
        """
        import networkx as nx

        graph = nx.MultiDiGraph(name=self.name)
        graph.add_nodes_from(node.name for node in self.nodes)
        for node in self.nodes:
            layer = self._layers[node.name]
            graph.nodes[node.name]["layer"] = layer
            for operand, tensor in enumerate(layer.inputs):
                graph.add_edge(tensor.name, node.name, key=operand, tensor=tensor)
        return nx.freeze(graph)

    @cached_property
    def readers(self) -> Mapping[str, tuple[str, ...]]:
        """For each layer the names of the layers that read it, once per operand."""
        readers: dict[str, list[str]] = {name: [] for name in self._layers}
        for layer in self:
            for tensor in layer.inputs:
                readers[tensor.name].append(layer.name)
        return {name: tuple(names) for name, names in readers.items()}

    @cached_property
    def needed(self) -> frozenset[str]:
        """Names of the layers that some network output depends on, the outputs included.

        Without stated outputs these are all, since what nobody reads is an output.
        """
        found = set(self.outputs)
        for layer in reversed(self._layers.values()):
            if layer.name in found:
                found.update(tensor.name for tensor in layer.inputs)
        return frozenset(found)

    @cached_property
    def dtypes(self) -> tuple[str, ...]:
        """The data types of what layers write and store, each once."""
        found = dict.fromkeys(layer.output.dtype for layer in self)
        for layer in self:
            if layer.weights:
                found.update(dict.fromkeys(layer.stored_as[: 1 + int(layer.op.biased)]))
        return tuple(found)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the whole batch."""
        return sum(layer.macs for layer in self)

    @property
    def params(self) -> int:
        """Learnable parameters, each once, however many layers read it."""
        return sum(layer.params for layer in self)

    @property
    def cio(self) -> int:
        """Convolutional input/output in elements, whole batch: the sum of its layers'."""
        return sum(layer.cio for layer in self)

    @property
    def cio_bytes(self) -> int:
        """The same in bytes, each map in its own data type."""
        return sum(layer.cio_bytes for layer in self)

    def with_options(
        self,
        *,
        input_shape: Given | None = None,
        batch: int | None = None,
        dtype: str | None = None,
    ) -> Network:
        """The same layers for another input size, batch or data type.

        Parameters
        ----------
        input_shape : sequence of int, str or mapping, optional
            The size of the one input, such as channels, height, width or ``"3x224x224"``; or
            sizes by the inputs' names.

        Raises
        ------
        InputError
            If the layers do not fit the new inputs.
        """
        nodes = self.nodes
        if input_shape is not None:
            known = {name: self[name].output.image for name in self.inputs}
            sizes = assign(input_shape, known, self.name)
            nodes = tuple(
                replace(node, op=input_of(sizes[node.name], node.op))
                if node.name in sizes
                else node
                for node in nodes
            )
        return Network(
            self.name,
            nodes,
            self._explicit_outputs,
            dtype=dtype or self.dtype,
            batch=batch or self.batch,
            source=self.source,
            variant=self.variant,
            left_out=self._left_out(batch) if input_shape is None else (),
            held=self.held,
            groups=self.groups,
        )

    def with_nodes(
        self, nodes: Iterable[Node], *, held: Mapping[str, str] | None = None
    ) -> Network:
        """The same network of other layers, which hold its outputs under their names.

        Groups keep those of their layers that are there; what is none any more is left out.

        Parameters
        ----------
        nodes : iterable of Node
        held : mapping of str to str, optional
            Instead of its own.

        Raises
        ------
        InputError
            As for any network.
        """
        network = Network(
            self.name,
            nodes,
            self.outputs,
            dtype=self.dtype,
            batch=self.batch,
            source=self.source,
            variant=self.variant,
            left_out=self.left_out,
            held=self.held if held is None else held,
        )
        network.groups = carried_groups(self.groups, list(self._layers), network._layers)
        return network

    def _left_out(self, batch: int | None) -> Iterable[LeftOut]:
        size = batch or self.batch
        return (replace(each, macs=each.macs * size // self.batch) for each in self.left_out)
