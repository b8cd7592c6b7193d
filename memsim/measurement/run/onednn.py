"""Fusion: a convolution, its batch norm, a residual add and an activation as one oneDNN call.

The operators are those that PyTorch's own compiler emits for frozen CPU models
(``torch/_inductor/fx_passes/mkldnn_fusion.py``): weights packed once into the layout that oneDNN
asks for, bias, sum and activation applied before the output is stored. Where PyTorch was built
without oneDNN, or the data type or device is another, the batch norm is folded all the same and
the rest follows in place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from memsim.formats.module.module import import_torch
from memsim.network.graph import Network

Node = Any


@dataclass(frozen=True, slots=True)
class Fusion:
    """Nodes that one module stands for.

    Attributes
    ----------
    nodes : list of torch.fx.Node
        In order; the value of the last one is the module's.
    arguments : list of torch.fx.Node
        What it reads: the convolution's input, then a residual if there is one.
    module : torch.nn.Module
    """

    nodes: list[Node]
    arguments: list[Node]
    module: Any


def fusion_of(
    network: Network, module: Any, part: Sequence[Node], needed: set[Node]
) -> Fusion | None:
    """What of a kernel's nodes can be one call, if its first layer is a convolution.

    Parameters
    ----------
    network : Network
    module : torch.fx.GraphModule
        Whose nodes they are.
    part : sequence of torch.fx.Node
        The nodes of one kernel, in order.
    needed : set of torch.fx.Node
        Whose values other kernels read.
    """
    return _Search(network, module, part, needed).run()


def packed_linear(linear: Any, network: Network) -> Any:
    """A linear layer whose weights are packed once, where oneDNN can."""
    if not _onednn(network, linear.weight):
        return linear
    ops, bias = import_torch().ops.mkldnn, linear.bias
    packed = ops._reorder_linear_weight(linear.weight.detach(), network.batch)

    def forward(rows: Any) -> Any:
        return ops._linear_pointwise(rows, packed, bias, "none", [], "")

    return _module("PackedLinear", forward)


def _onednn(network: Network, weight: Any) -> bool:
    torch = import_torch()
    return bool(
        torch.backends.mkldnn.is_available()
        and network.dtype == "fp32"
        and weight.device.type == "cpu"
    )


class _Search:
    """A walk from a convolution along the only reader of each value."""

    def __init__(
        self, network: Network, module: Any, part: Sequence[Node], needed: set[Node]
    ) -> None:
        self.network, self.root, self.part, self.needed = network, module, part, needed
        self.nn = import_torch().nn
        self.nodes: list[Node] = []

    def run(self) -> Fusion | None:
        start = next((node for node in self.part if self._is_convolution(node)), None)
        if start is None:
            return None
        self.nodes = [start]
        conv = self._module(start)
        norm = self._next()
        if norm is not None and isinstance(self._module(norm), self.nn.BatchNorm2d):
            transposed = isinstance(conv, self.nn.ConvTranspose2d)
            fold = self.nn.utils.fusion.fuse_conv_bn_eval
            conv = fold(conv, self._module(norm), transpose=transposed)
            self.nodes.append(norm)
        if isinstance(conv, self.nn.ConvTranspose2d) or not _onednn(self.network, conv.weight):
            if len(self.nodes) == 1:
                return None
            return Fusion(self.nodes, [start.args[0]], conv)
        layer = self.network[start.meta["layer"]]
        residual = self._residual(layer.output.image.box)
        attribute = self._activation(("relu",) if residual is not None else None)
        size = (self.network.batch, conv.in_channels, *self._image(start.args[0]))
        fused = _packed_conv(conv, size, attribute, residual is not None)
        arguments = [start.args[0]] + ([residual] if residual is not None else [])
        return Fusion(self.nodes, arguments, fused)

    def _image(self, source: Node) -> tuple[int, int]:
        """Height and width of what a convolution reads: its layer's input, padded if a node of
        its own pads it."""
        layer = self.network[self.nodes[0].meta["layer"]]
        _, height, width = layer.shapes[0]
        if source.op == "call_function" and source.meta["layer"] == layer.name:
            left, right, top, bottom = source.args[1]
            height, width = height + top + bottom, width + left + right
        return height, width

    def _is_convolution(self, node: Node) -> bool:
        kinds = (self.nn.Conv2d, self.nn.ConvTranspose2d)
        return node.op == "call_module" and isinstance(self._module(node), kinds)

    def _module(self, node: Node) -> Any:
        return self.root.get_submodule(node.target) if node.op == "call_module" else None

    def _next(self) -> Node | None:
        """The only reader of the last node's value, if it is of this kernel; what does nothing
        at inference is passed over."""
        while True:
            last = self.nodes[-1]
            if last in self.needed or len(last.users) != 1:
                return None
            (reader,) = last.users
            if reader not in self.part:
                return None
            if not isinstance(self._module(reader), self.nn.Dropout | self.nn.Identity):
                return reader
            self.nodes.append(reader)

    def _residual(self, image: tuple[int, int, int]) -> Node | None:
        """The other operand of an add of two maps of the same size."""
        torch, reader = import_torch(), self._next()
        if reader is None or reader.target is not torch.add or len(reader.args) != 2:
            return None
        others = [node for node in reader.args if node is not self.nodes[-1]]
        if len(others) != 1 or not hasattr(others[0], "meta") or others[0] in self.part:
            return None
        if self.network[others[0].meta["layer"]].output.image != image:
            return None
        self.nodes.append(reader)
        other: Node = others[0]
        return other

    def _activation(self, known: tuple[str, ...] | None) -> tuple[str, list[float], str]:
        """oneDNN's name of the activation that follows, its numbers and its algorithm."""
        reader = self._next()
        attribute = _attribute(self._module(reader)) if reader is not None else None
        if attribute is None or (known is not None and attribute[0] not in known):
            return "none", [], ""
        self.nodes.append(reader)
        return attribute


def _attribute(module: Any) -> tuple[str, list[float], str] | None:
    nn = import_torch().nn
    plain = {
        nn.ReLU: "relu",
        nn.Sigmoid: "sigmoid",
        nn.Tanh: "tanh",
        nn.SiLU: "swish",
        nn.Hardswish: "hardswish",
        nn.Hardsigmoid: "hardsigmoid",
    }
    if type(module) in plain:
        return plain[type(module)], [], ""
    if isinstance(module, nn.ReLU6):
        return "hardtanh", [0.0, 6.0], ""
    if isinstance(module, nn.LeakyReLU):
        return "leaky_relu", [module.negative_slope], ""
    if isinstance(module, nn.GELU):
        return "gelu", [], module.approximate
    return None


def _packed_conv(
    conv: Any, size: tuple[int, ...], attribute: tuple[str, list[float], str], residual: bool
) -> Any:
    """A convolution with an activation and, if asked for, a residual that is added before it."""
    torch = import_torch()
    ops = torch.ops.mkldnn
    where = [list(conv.padding), list(conv.stride), list(conv.dilation), conv.groups]
    # The layout of the weights tells PyTorch that of the images.
    weight = torch.empty(conv.weight.shape, memory_format=torch.channels_last)
    weight.copy_(conv.weight.detach())
    packed = ops._reorder_convolution_weight(weight, *where, list(size))
    bias, (name, numbers, algorithm) = conv.bias, attribute

    def plain(image: Any) -> Any:
        return ops._convolution_pointwise(image, packed, bias, *where, name, numbers, algorithm)

    def added(image: Any, other: Any) -> Any:
        unary = None if name == "none" else name
        return ops._convolution_pointwise.binary(
            image, other, packed, bias, *where, "add", 1.0, unary, [], None
        )

    return _module("PackedConv", added if residual else plain)


def _module(name: str, forward: Callable[..., Any]) -> Any:
    """A module of one function: a graph calls modules by their path."""
    module = import_torch().nn.Module()
    module.forward, module.kind = forward, name
    return module
